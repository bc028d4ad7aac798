"""The table of released models: all problems at once, and the listing of the paper's models."""

import json
from pathlib import Path

import pytest

from relscale.config.errors import ConfigError
from relscale.config.load import load_config, merged, read_yaml
from relscale.config.suite import Suite
from relscale.plan.suite import plan_suite
from relscale.released.models_table import (
    find_model,
    model_files,
    models_of_runs,
    published_models,
    read_released,
    released_csv,
    released_names,
)

ROOT = Path(__file__).parents[3]
HEAD = "corpus,run,budget,model,revision,tokens,forward_flops,num_params_total\n"


def test_a_table_is_read(tmp_path):
    (tmp_path / "t.csv").write_text(
        HEAD
        + "ours,a,1e18,models/a,,4.3e9,1e18,\nours,b,3e18,who/b,abc,5000000000,2.9e18,157000000\n"
    )
    with pytest.raises(ValueError, match=r"line 2: tokens = '4\.3e9'"):
        read_released(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text().replace("4.3e9", "4300000000"))
    first, second = read_released(tmp_path / "t.csv")
    assert (first.model, first.revision, first.tokens, first.num_params_total) == (
        "models/a",
        None,
        4_300_000_000,
        None,
    )
    assert (second.revision, second.num_params_total, second.corpus) == ("abc", 157_000_000, "ours")
    assert (first.columns()["forward_flops"], first.columns()["training_flops"]) == (1e18, 3e18)


def test_every_problem_of_a_table_at_once(tmp_path):
    rows = [
        "Ours,a,1e18,m,,1,1e18,",
        "ours,b,1000,m,,1,1e18,",
        "ours,c,1e18,,,1,1e18,",
        "ours,d,1e18,m,,1,,",
        "ours,e,1e18,m,,1,1e18,",
    ]
    (tmp_path / "t.csv").write_text(HEAD + "\n".join([*rows, rows[-1], "ours,f"]) + "\n")
    with pytest.raises(ValueError, match=r"6 problem\(s\) in .*t\.csv") as caught:
        read_released(tmp_path / "t.csv")
    text = str(caught.value)
    for part in (
        "line 2: corpus = 'Ours'",
        "line 3: budget = '1000'",
        "line 4: model = ''",
        "line 5: one of forward_flops and training_flops",
    ):
        assert part in text
    assert (
        "corpus 'ours' has 2 runs named 'e'" in text
        and "line 8: the number of columns differs" in text
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "corpus,run,budget,model\n",
            r"t\.csv: missing column\(s\) tokens; the columns are corpus, run",
        ),
        (
            HEAD.replace("revision", "commit") + "a,b,1e18,m,,1,1,1\n",
            r"t\.csv: unknown column\(s\) commit",
        ),
        (HEAD, r"t\.csv: has no row"),
    ],
)
def test_tables_that_are_none(tmp_path, content, message):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_released(tmp_path / "t.csv")
    with pytest.raises(ValueError, match=r"none\.csv: not a readable table of released models"):
        read_released(tmp_path / "none.csv")


def test_names_that_end_in_a_star_are_looked_up(tmp_path):
    for name in ("a-1", "b-1", "b-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    assert find_model("a-*", str(tmp_path)) == str(tmp_path / "a-1")
    assert find_model("a-1", str(tmp_path)) == str(tmp_path / "a-1")
    assert find_model("who/model", None) == "who/model"
    assert model_files("a-*", str(tmp_path)) == [str(tmp_path / "a-1/config.json")]
    assert model_files("who/model", None) == model_files("c-*", str(tmp_path)) == []
    for name, found in (
        ("b-*", r"2 folders in .* match \(b-1, b-2\)"),
        ("c-*", r"0 folders in .* match \(none\)"),
    ):
        with pytest.raises(ValueError, match=found):
            find_model(name, str(tmp_path))


def test_the_listed_models_are_the_papers_runs():
    experiment = load_config(
        merged([read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / "experiments/paper.yaml")])
    )
    rows = released_names(plan_suite(experiment.suite, experiment.tokenizer.vocab_size))
    assert len(rows) == 255
    by_name = {row.model: row for row in rows}
    row = by_name["isoflop-1ep18-d512-L6-B32-comma-mix-*"]
    assert (row.corpus, row.budget, row.tokens, row.num_params_total) == (
        "commonpile",
        "1e18",
        4_304_928_768,
        156_508_160,
    )
    assert "isoflop-1ep20-d4096-L40-B16-nemo-wider-depth-adapt-*" in by_name
    assert released_csv(rows) == (ROOT / "experiments/released.csv").read_text()
    assert read_released(ROOT / "experiments/released.csv") == rows
    with pytest.raises(ValueError, match="only runs of recipe marin2025"):
        released_names(plan_suite(load_config(read_yaml(ROOT / "config.yaml")).suite, 512))


def test_the_default_is_listed_as_the_models_that_publish_writes(tmp_path):
    """After a change of the suite: relscale plan --released experiments/checkpoints.csv."""
    experiment = load_config(read_yaml(ROOT / "config.yaml"))
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    rows = models_of_runs("default", runs)
    assert released_csv(rows) == (ROOT / "experiments/checkpoints.csv").read_text()
    assert read_released(ROOT / "experiments/checkpoints.csv") == rows
    for run, row in zip(runs, rows, strict=True):
        assert row.model == f"default-{run.run}"
        assert row.columns()["forward_flops"] == run.forward_flops
        assert row.columns()["training_flops"] == run.training_flops
    # The same rows from the records in the folders.
    folders = [tmp_path / row.model for row in rows[:3]]
    for folder, run in zip(folders, runs, strict=False):
        folder.mkdir()
        (folder / "record.json").write_text(json.dumps({"columns": run.columns().model_dump()}))
    assert published_models("default", folders) == rows[:3]


def test_runs_that_transformers_cannot_read_are_not_listed():
    recipe = {"name": "cpu_small"}
    raw = {"corpora": ["a"], "budgets": [{"label": "1e10", "shapes": ["16x1", "32x1"]}]}
    arms = {"b": {"corpus": "a", "recipe": {"architecture": "lstm"}}}
    runs = plan_suite(Suite.model_validate({**raw, "recipe": recipe, "arms": arms}), 512)
    assert [row.corpus for row in models_of_runs("e", runs)] == ["a", "a"]
    with pytest.raises(ValueError, match=r"architecture = lstm: transformers has no such archit"):
        models_of_runs("e", [run for run in runs if run.corpus == "b"])


def test_the_papers_experiment_still_lists_the_papers_models():
    experiment = load_config(
        merged([read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / "experiments/paper.yaml")])
    )
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    assert models_of_runs("paper", runs) == released_names(runs)


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            {"evaluate": ["language", "validation"]},
            "kind validation needs the corpus and tokenizer of trained runs",
        ),
        ({"figures": {"names": ["loss_curves"]}}, "released models have no loss curves"),
        ({"released": {"tabel": "x"}}, "released.tabel = 'x': unknown key"),
        ({"checkpoints": {"table": "x"}}, "this section is now called `released`"),
    ],
)
def test_settings_that_released_models_cannot_have(overlay, message):
    base = {
        "released": {"table": "t.csv"},
        "evaluate": ["language"],
        "laws": {"optimum_by": "language"},
    }
    with pytest.raises(ConfigError, match=message):
        load_config(merged([read_yaml(ROOT / "config.yaml"), base, overlay]))


def test_a_null_takes_a_key_away():
    raw = merged(
        [
            read_yaml(ROOT / "config.yaml"),
            {"families": {"language": {"domains": {"RU": None}, "reader": {"replace": None}}}},
        ]
    )
    language = load_config(raw).families["language"]
    assert list(language.domains) == ["US", "GB", "IE", "QA", "CN", "DE"]
    assert language.reader.replace == {}
