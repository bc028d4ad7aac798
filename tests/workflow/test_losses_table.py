"""A losses table of another layout, through Snakemake to laws, figures, report and explorer.

Nothing is trained, fetched or scored. The table is small, with planted laws, and each edit reruns
what depends on it.
"""

import json

import pandas as pd
import pytest
from losses_tables import MAPPING, planted, wide
from staleness import Planner, needed, with_all_that_follows
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.load import merged
from relscale.contract.losses import LOSSES_COLUMNS
from relscale.contract.scales import on_scale
from relscale.contract.suite_table import SUITE_COLUMNS

pytestmark = pytest.mark.workflow

OVERLAY = {
    "experiment": "outside",
    "losses": {"path": "mine/ladder.csv", **MAPPING},
    "families": {"texts": {"kind": "table", "baseline": "plain", "metrics": ["loss"]}},
    "laws": {"estimators": ["auto", "joint"], "draws": 100},
    "figures": {"names": ["family_laws", "loss_to_loss"], "labels": {"odd": "odd & <rare>"}},
}


@pytest.fixture(scope="module")
def table(checkout):
    """The file, which no test leaves changed."""
    path = checkout.folder / "mine/ladder.csv"
    path.parent.mkdir()
    wide(planted()).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def results(checkout, table):
    """The results of the whole experiment."""
    done = checkout.snakemake(overlay=OVERLAY)
    assert "train" not in done.stdout
    return checkout.folder / "results/outside"


@pytest.fixture(scope="module")
def planner(checkout, results):
    """Snakemake, asked many times in one process."""
    planner = Planner(checkout)
    yield planner
    planner.close()


def test_the_table_becomes_the_losses_of_the_family(results):
    losses = pd.read_csv(results / "tables/losses.csv", dtype={"budget": str})
    assert tuple(losses.columns) == LOSSES_COLUMNS
    found = losses.set_index(["run", "domain"]).sort_index()
    expected = planted().set_index(["run", "domain"]).sort_index()
    for name in ("training_flops", "num_params_total", "tokens", "value"):
        assert found[name].to_numpy() == pytest.approx(expected[name].to_numpy(), rel=1e-9), name
    suite = pd.read_csv(results / "tables/suite.csv", dtype={"budget": str})
    assert tuple(suite.columns) == SUITE_COLUMNS and len(suite) == 15
    assert suite["learning_rate"].isna().all()
    source = pd.read_csv(results / "tables/sources.csv").iloc[0]
    assert (source["licence"], source["citation"]) == ("MIT", "Doe, J. (2026). A table")
    assert "nothing is trained or scored" in (results / "tables/bill.txt").read_text()
    assert "tokens from billions" in (results / "tables/decisions.txt").read_text()


def test_laws_figures_and_pages_show_the_planted_gaps(results):
    relative = on_scale(pd.read_csv(results / "laws/relative.csv")).set_index(
        ["estimator", "treatment"]
    )
    # With the same floor, a larger reducible loss is a ratio that falls to 1: the gap narrows.
    assert relative.loc[("auto", "odd"), "verdict"].startswith("narrows")
    baselines = pd.read_csv(results / "laws/texts/baselines.csv")
    assert set(baselines["baseline"]) == {"odd", "code"}
    for name in ("family_laws", "loss_to_loss"):
        assert "odd &amp; &lt;rare&gt;" in (results / f"figures/{name}.svg").read_text()
    findings = (results / "html/findings.html").read_text()
    assert "odd &amp; &lt;rare&gt;" in findings and "How the table was read" in findings
    assert (results / "explorer.html").stat().st_size > 300_000
    assert "Doe, J. (2026). A table" in (results / "html/provenance.html").read_text()


def test_the_report_is_made_and_nothing_is_stale_afterwards(checkout, planner, results):
    checkout.snakemake("--report", "results/outside/report.html", overlay=OVERLAY)
    assert (results / "report.html").stat().st_size > 1_000_000
    jobs = planner.jobs(OVERLAY)
    assert needed(jobs) == []
    rules = {job["rule"] for job in jobs}
    assert not rules & {"source", "documents", "train", "evaluate", "texts", "released_models"}


EDITS = {
    "units": ({"losses": {"units": {"tokens": "trillions"}}}, "losses_table"),
    "domains": ({"losses": {"domains": {"code": None, "rest": "code_ce"}}}, "losses_table"),
    "source": ({"losses": {"source": {"licence": "CC-BY-4.0"}}}, "losses_table"),
    "baseline": ({"families": {"texts": {"baseline": "odd"}}}, "laws other_baselines family_laws"),
    "label": ({"figures": {"labels": {"odd": "strange"}}}, "family_laws loss_to_loss findings"),
    "margin": ({"laws": {"margin_share": 0.2}}, "laws other_baselines"),
}
"""Edits of the overlay, with the rules whose jobs they must rerun; more jobs follow from these."""
ALSO = {
    "baseline": {"loss_to_loss", "findings", "explorer"},
    "label": {"explorer"},
}
"""Further rules with the setting in their spec."""


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_the_overlay_reruns_what_it_decides(planner, name):
    change, rules = EDITS[name]
    jobs = planner.jobs(merged([OVERLAY, change]))
    roots = {*rules.split(), *ALSO.get(name, ())}
    assert needed(jobs) == with_all_that_follows(jobs, lambda job: job["rule"] in roots)


def test_an_edit_of_the_file_reruns_everything_and_a_touch_nothing(planner, table):
    before = table.read_bytes()
    table.write_bytes(before.replace(b"1e18-0,1e18", b"1e18-9,1e18"))
    assert table.read_bytes() != before
    jobs = planner.jobs(OVERLAY)
    assert needed(jobs) == with_all_that_follows(jobs, lambda job: job["rule"] == "losses_table")
    table.write_bytes(before)
    table.touch()
    assert needed(planner.jobs(OVERLAY)) == []


def test_all_mistakes_of_a_table_experiment_are_named_at_once(checkout, table):
    wrong = {
        "losses": {"units": {"tokens": "dozens"}},
        "families": {"texts": {"metrics": ["loss", "points"], "baseline": None}},
        "suite": {"seeds": [0]},
        "figures": {"names": ["loss_curves"]},
        "evaluate": ["texts", "topics"],
    }
    done = checkout.snakemake("--dry-run", overlay=merged([OVERLAY, wrong]), check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in text
    for key in (
        "losses.units.tokens = 'dozens'",
        "suite = ",
        "figures.names[0] = 'loss_curves': cannot be drawn from a losses table",
        "evaluate[1] = 'topics'",
    ):
        assert key in text, text


def test_a_family_that_the_table_lacks_ends_the_job_with_its_choices(checkout, table):
    other = {"families": {"texts": None, "code": {**OVERLAY["families"]["texts"]}}}
    overlay = merged([OVERLAY, {"experiment": "lacking"}, other])
    done = checkout.snakemake(
        "--", "results/lacking/tables/suite.csv", overlay=overlay, check=False
    )
    assert done.returncode != 0
    log = (checkout.folder / "logs/lacking/losses_table.log").read_text()
    assert "families.code: is not in the families of the table; the choices are texts" in log
    assert "Traceback" not in log


def test_a_law_is_explained_to_the_table_that_it_is_of(checkout, results, monkeypatch):
    """Found by its name: the overlay of the test is in `experiments/`."""
    checkout.command(overlay=OVERLAY)
    monkeypatch.chdir(checkout.folder)
    done = CliRunner().invoke(app, ["explain", "results/outside/laws/relative.csv:1:dbeta"])
    assert done.exit_code == 0, done.output
    assert "job law_table law_table=relative" in done.output
    assert "Its rows of family texts are from" in done.output
    assert "job laws family=texts" in done.output and "state      fresh" in done.output
    losses = CliRunner().invoke(app, ["explain", "results/outside/tables/suite.csv"])
    assert "mine/ladder.csv" in losses.output


def test_the_record_names_the_file_that_was_read(results):
    record = json.loads((results / "tables/losses_table.json").read_text())
    assert list(record["files"]) == ["ladder.csv"] == list(record["stamps"])
