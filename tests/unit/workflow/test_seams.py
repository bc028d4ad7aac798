"""The seams between rules and stages: command lines and specs, without running a job."""

import re
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import get_type_hints

import pytest

from relscale.config.load import load_config, read_yaml
from relscale.config.table_defaults import merged_files
from relscale.provenance.digests import canonical_json
from relscale.workflow import (
    evaluation_specs,
    figure_specs,
    law_specs,
    page_specs,
    suite_specs,
    text_specs,
)
from relscale.workflow.experiment import plan_experiment
from relscale.workflow.layout import Layout
from relscale.workflow.listings import Listings
from relscale.workflow.scheduling import Scheduling

ROOT = Path(__file__).parents[3]
CALL = re.compile(r"python -m relscale\.stages\.(\w+)((?: [^\n]*\\\n|[^\n]*\\\n)*[^\n]*)")
CALLS = [
    (file.stem, stage, frozenset(re.findall(r"--([a-z][a-z-]*)", words)))
    for file in sorted((ROOT / "workflow/rules").glob("*.smk"))
    for stage, words in CALL.findall(file.read_text())
]
"""File, stage and options of each call of a stage in a rule."""
FROM_PARAMS = {
    "family": {"source", "validation"},
    "texts": {"source"},
    "token_bytes": {"words"},
    "evaluate": {"overlaps", "token-bytes"},
}
"""Options that are in a rule's params, since they depend on the family or the corpus."""
FOLDER = ROOT / "experiments"
EXPERIMENTS = [
    "",
    *(path.stem for path in sorted(FOLDER.glob("*.yaml"))),
    *(f"published/{path.stem}" for path in sorted((FOLDER / "published").glob("*.yaml"))),
]
TABLE = {
    "losses": {"path": "losses.csv"},
    "families": {
        "texts": {"kind": "table", "baseline": "a", "metrics": ["loss"]},
        "books": {"kind": "table", "baseline": "a", "metrics": ["loss"], "domains": ["a", "b"]},
    },
}


def parameters_of(stage):
    """Return the parameters of a stage by option."""
    main = import_module(f"relscale.stages.{stage}").main
    return {name.replace("_", "-"): one for name, one in signature(main).parameters.items()}


def test_all_rules_with_a_stage_are_found():
    assert len(CALLS) == sum(
        path.read_text().count("python -m relscale.stages.")
        for path in (ROOT / "workflow/rules").glob("*.smk")
    )
    assert len(CALLS) > 25


@pytest.mark.parametrize(("file", "stage", "options"), CALLS)
def test_a_rule_passes_the_options_that_its_stage_has(file, stage, options):
    parameters = parameters_of(stage)
    required = {name for name, one in parameters.items() if one.default is Parameter.empty}
    assert options <= set(parameters)
    assert required <= options | FROM_PARAMS.get(stage, set())


def specs_of(planned):
    """Yield stage and spec of every kind of job of an experiment."""
    layout = Layout(experiment=planned)
    for name in layout.fetched_sources:
        yield "source", text_specs.source_spec(planned, name)
    yield "sources_table", text_specs.sources_table_spec(planned, layout.listed_sources)
    for family in planned.families:
        yield "laws", law_specs.law_spec(planned, family)
        yield "baselines", law_specs.baselines_spec(planned, family)
    yield "optima", law_specs.optima_spec(planned)
    yield "curve_forecasts", law_specs.curve_forecasts_spec(planned)
    yield "conditions", law_specs.conditions_spec(planned)
    yield "prompts", law_specs.prompts_spec(planned)
    yield "correlation", law_specs.correlation_spec(planned)
    yield "compare_suites", law_specs.suite_contrasts_spec(planned)
    yield "findings", page_specs.findings_spec(planned)
    yield "front", page_specs.front_spec(planned)
    yield "explorer", page_specs.explorer_spec(planned)
    yield "provenance", page_specs.provenance_spec(planned, layout)
    if planned.from_table:
        yield "losses_table", suite_specs.losses_table_spec(planned)
    else:
        yield from (trained if planned.trained else released)(planned, layout)


def trained(planned, layout):
    """Yield stage and spec of the jobs of an experiment that trains."""
    for corpus in layout.corpus_of_key.values():
        yield "documents", text_specs.corpus_spec(planned, corpus)
        yield "shards", text_specs.tokens_spec(corpus)
    for corpus, component in layout.component_keys:
        yield "shard_plan", text_specs.component_spec(planned, corpus, component)
        yield "shard", text_specs.component_spec(planned, corpus, component)
    for corpus in planned.sharded:
        yield "sharded_corpus", text_specs.sharded_spec(planned, corpus)
    given = planned.settings.tokenizer.given is not None
    yield "given_tokenizer" if given else "tokenizer", text_specs.tokenizer_spec(planned)
    listings = Listings(experiment=planned, layout=layout)
    scheduling = Scheduling(experiment=planned, layout=layout, listings=listings)
    yield "suite", suite_specs.suite_spec(planned, scheduling.tokens_to_score)
    yield "enough_tokens", suite_specs.enough_tokens_spec(planned)
    yield "overlap", evaluation_specs.overlap_spec(planned)
    for family, corpus in layout.requests_of_key.values():
        yield "family", evaluation_specs.family_spec(planned, family, corpus)
    for family in planned.families:
        yield "evaluate", evaluation_specs.evaluation_spec(planned, family, planned.corpora[0])
    for run in planned.runs:
        yield "train", run.spec()


def released(planned, _):
    """Yield stage and spec of the jobs of an experiment with released models."""
    yield "released_models", suite_specs.released_suite_spec(planned)
    for family in planned.families:
        yield "texts", evaluation_specs.texts_spec(planned, family)
        for corpus, budget in planned.curves:
            spec = evaluation_specs.released_evaluation_spec(planned, family, corpus, budget)
            yield "evaluate_released", spec


@pytest.mark.parametrize("name", EXPERIMENTS, ids=lambda name: name or "default")
def test_a_stage_reads_the_spec_that_its_rule_writes(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    files = ["config.yaml", *([f"experiments/{name}.yaml"] if name else [])]
    check_seams([(file, read_yaml(ROOT / file)) for file in files])


def test_a_stage_reads_the_spec_that_its_rule_writes_for_a_losses_table():
    check_seams([("config.yaml", read_yaml(ROOT / "config.yaml")), ("mine.yaml", TABLE)])


def check_seams(files):
    """Check that each stage reads its spec, for the experiment of some files."""
    planned = plan_experiment(load_config(merged_files(files), files))
    seen = set()
    for stage, spec in specs_of(planned):
        main = import_module(f"relscale.stages.{stage}").main
        text = canonical_json(spec)
        read = get_type_hints(main)["spec"].model_validate_json(text)
        assert canonical_json(read) == text, stage
        seen.add(stage)
    assert len(seen) > (7 if planned.from_table else 10)
    for figure in planned.settings.figures.names:
        spec = figure_specs.figure_spec(planned, figure)
        text = canonical_json(spec)
        assert type(spec).model_validate_json(text) == spec, figure
