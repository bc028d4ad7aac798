"""The specs that the workflow writes are those that the page stages read, key for key."""

from functools import cache, partial
from pathlib import Path

import pytest

from relscale.config.base import Model
from relscale.config.load import load_config, merged, read_yaml
from relscale.pages.spec import ExplorerSpec, FindingsSpec, FrontSpec, ProvenanceSpec
from relscale.provenance.digests import canonical_json
from relscale.workflow import page_specs
from relscale.workflow.experiment import PlannedExperiment, plan_experiment, read_experiment
from relscale.workflow.layout import Layout

ROOT = Path(__file__).parents[3]
RELEASED = {"released": {"table": str(ROOT / "experiments/released.csv")}}


@cache
def planned(kind: str) -> PlannedExperiment:
    """Return an experiment that trains, or one of released models."""
    name = "tiny" if kind == "trained" else "released"
    files = [read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / f"experiments/{name}.yaml")]
    overlays = [RELEASED] if kind == "released" else []
    return plan_experiment(load_config(merged([*files, *overlays])))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["trained", "released"])
@pytest.mark.parametrize("model", [FindingsSpec, FrontSpec, ExplorerSpec, ProvenanceSpec])
def test_a_written_spec_is_the_model_that_its_stage_reads(kind: str, model: type[Model]) -> None:
    experiment = planned(kind)
    written = {
        FindingsSpec: partial(page_specs.findings_spec, experiment),
        FrontSpec: partial(page_specs.front_spec, experiment),
        ExplorerSpec: partial(page_specs.explorer_spec, experiment),
        ProvenanceSpec: partial(
            page_specs.provenance_spec, experiment, Layout(experiment=experiment)
        ),
    }[model]()
    text = canonical_json(written)
    assert canonical_json(model.model_validate_json(text).model_dump(mode="json")) == text


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["trained", "released"])
def test_the_pages_know_the_margin_and_where_the_losses_come_from(kind: str) -> None:
    experiment = planned(kind)
    spec = page_specs.findings_spec(experiment)
    assert spec.origin == kind
    assert spec.margin_share == experiment.settings.laws.margin_share
    assert spec.margin_floor == experiment.settings.laws.margin_floor


def test_losses_of_a_table_are_said_to_be_of_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    files = [Path("config.yaml"), Path("experiments/published/olmo_ladder.yaml")]
    assert page_specs.findings_spec(read_experiment(files)).origin == "table"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_explorer_reads_tables_of_parts_and_suites_where_an_experiment_has_them() -> None:
    experiment = planned("trained")
    layout = Layout(experiment=experiment)
    paths = page_specs.bucket_table(experiment, layout, "documents")
    assert paths == ["results/tiny/laws/documents.csv"]
    assert page_specs.suite_contrasts_table(experiment, layout) == []
    files = [read_yaml(ROOT / "config.yaml"), read_yaml(ROOT / "experiments/tiny.yaml")]
    pairs = {"suite_contrasts": [{"treatment": "curated", "baseline": "web"}]}
    changed = {"families": {"language": {"buckets": False}}, "laws": pairs}
    other = plan_experiment(load_config(merged([*files, changed])))
    layout = Layout(experiment=other)
    assert page_specs.bucket_table(other, layout, "buckets") == []
    paths = page_specs.suite_contrasts_table(other, layout)
    assert paths == ["results/tiny/laws/suite_contrasts.csv"]
