"""The documents agree with the code: every column is described, and every overlay is valid."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

import relscale.contract
from relscale.config.load import load_config, merged, read_yaml
from relscale.contract import buckets, control_losses, losses
from relscale.contract import suite_table as suite
from relscale.contract import text_tables as text
from relscale.contract.comparison_tables import COMPARISON_TABLES, ComparisonStatus
from relscale.contract.corpus_statistics import CORPUS_STATISTICS
from relscale.contract.law_tables import LAW_TABLES
from relscale.contract.metrics import METRICS
from relscale.contract.status import Status
from relscale.contract.suite_table import SuiteRow
from relscale.contract.text_tables import CorpusRow, SourceRow
from relscale.plan.suite import plan_suite
from relscale.training.curve import CURVE_COLUMNS, SPEED_COLUMNS

ROOT = Path(__file__).parents[3]
TABLES = (ROOT / "docs/reference/tables.md").read_text(encoding="utf-8")
EXTEND = (ROOT / "docs/user/extend.md").read_text(encoding="utf-8")
MODULES = {
    "buckets": buckets,
    "controls": control_losses,
    "losses": losses,
    "suite": suite,
    "text": text,
}
HEADINGS = {
    "SUITE_COLUMNS": "tables/suite.csv",
    "SOURCES_COLUMNS": "tables/sources.csv",
    "CORPORA_COLUMNS": "tables/corpora.csv",
    "CURVE_COLUMNS": "runs/\\<run\\>/curve.csv",
    "SPEED_COLUMNS": "runs/\\<run\\>/speed.csv",
    "LOSSES_COLUMNS": "tables/losses.parquet",
    "ITEMS_COLUMNS": "tables/items.parquet",
    "CONTROL_COLUMNS": "controls/\\<corpus\\>-losses.parquet",
    "CONTROL_ITEMS_COLUMNS": "controls/\\<corpus\\>-items.parquet",
    "BUCKETS_COLUMNS": "evaluations/\\<family\\>/\\<corpus\\>-\\<budget\\>-buckets.parquet",
    "POSITIONS_COLUMNS": "evaluations/\\<family\\>/\\<corpus\\>-\\<budget\\>-positions.parquet",
    "WORD_COUNTS_COLUMNS": "corpora/\\<corpus\\>/words.parquet",
    "TOKEN_BYTES_COLUMNS": "evaluations/\\<family\\>/bytes-\\<corpus\\>.parquet",
}
HEADINGS |= {table.name: f"laws/{table.name}.csv" for table in LAW_TABLES}
HEADINGS[CORPUS_STATISTICS.name] = "tables/corpus_statistics.csv"
HEADINGS |= {table.name: f"{table.name}.csv" for table in COMPARISON_TABLES}
CONTRACTS = (*LAW_TABLES, *COMPARISON_TABLES, CORPUS_STATISTICS)
OVERLAYS = re.findall(r"^```yaml\n(.*?)^```$", EXTEND, re.DOTALL | re.MULTILINE)


def tables():
    found = {
        name: value
        for module in MODULES.values()
        for name, value in vars(module).items()
        if name.endswith("_COLUMNS") and name != "RUN_COLUMNS"  # a part of two tables
    }
    found |= {table.name: table.names for table in CONTRACTS}
    return found | {"CURVE_COLUMNS": CURVE_COLUMNS, "SPEED_COLUMNS": SPEED_COLUMNS}


def section(start):
    """Return the text after the heading of level 3 that begins like this, up to the next one."""
    lines = TABLES.splitlines()
    heads = [number for number, line in enumerate(lines) if re.match(r"#{2,3} ", line)] + [
        len(lines)
    ]
    matching = [
        (a, b)
        for a, b in pairwise(heads)
        if re.match(rf"### {re.escape(start)}(?![\w.])", lines[a])
    ]
    assert len(matching) == 1, (
        f"docs/reference/tables.md: {len(matching)} headings that begin with {start}"
    )
    first, last = matching[0]
    return "\n".join(lines[first + 1 : last])


def test_every_module_of_the_contract_is_checked():
    folder = Path(relscale.contract.__path__[0])
    names = {
        path.stem
        for path in folder.glob("*.py")
        if re.search(r"^\w+_COLUMNS\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert names == {module.__name__.rpartition(".")[2] for module in MODULES.values()}


def test_every_table_has_a_section():
    assert set(tables()) == set(HEADINGS)


@pytest.mark.parametrize("name", sorted(HEADINGS))
def test_every_column_is_in_the_section_of_its_table_in_order(name):
    columns = re.findall(r"^\| `(\w+)` \|", section(HEADINGS[name]), re.MULTILINE)
    assert columns[: len(tables()[name])] == list(tables()[name])


@pytest.mark.parametrize("table", CONTRACTS, ids=lambda table: table.name)
def test_every_column_of_a_table_has_the_type_of_the_contract(table):
    types = re.findall(r"^\| `\w+` \| (\w+) \|", section(HEADINGS[table.name]), re.MULTILINE)
    assert types[: len(table.columns)] == list(table.columns.values())


@pytest.mark.parametrize(
    ("row", "heading"),
    [
        (SuiteRow, "tables/suite.csv"),
        (SourceRow, "tables/sources.csv"),
        (CorpusRow, "tables/corpora.csv"),
    ],
)
def test_every_column_of_a_table_made_from_a_model_has_the_type_of_its_field(row, heading):
    words = {int: "int", float: "float"}
    types = re.findall(r"^\| `\w+` \| (\w+) \|", section(heading), re.MULTILINE)
    fields = row.model_fields.values()
    assert types[: len(fields)] == [words.get(field.annotation, "text") for field in fields]


def test_every_metric_has_the_direction_of_the_contract():
    table = section("Metrics")
    better = dict(re.findall(r"^\| `(\w+)` \|.*\| (lower|higher) \|$", table, re.MULTILINE))
    lower = {name for name, word in better.items() if word == "lower"}
    declared = {name for name, metric in METRICS.items() if metric.lower_is_better}
    assert set(better) == set(METRICS) and lower == declared


def test_every_metric_with_its_unit_is_described():
    described = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", section("Metrics"), re.MULTILINE))
    assert described == {name: metric.unit for name, metric in METRICS.items()}


def test_the_requirements_of_a_table_from_outside_are_listed():
    _, _, needed = TABLES.partition("## A losses table from outside")
    assert set(losses.LOSSES_REQUIRED) <= set(re.findall(r"`(\w+)`", needed))


def test_there_are_overlays():
    assert len(OVERLAYS) >= 10


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_makes_a_valid_experiment_with_a_plan(overlay):
    default, changes = read_yaml(ROOT / "config.yaml"), yaml.safe_load(overlay)
    assert isinstance(changes, dict)
    experiment = load_config(
        merged([default, changes]), [("config.yaml", default), ("docs/user/extend.md", changes)]
    )
    assert plan_suite(experiment.suite, experiment.tokenizer.vocab_size)


def test_every_status_is_explained():
    _, _, text = TABLES.partition("## Statuses")
    words = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)))
    assert {str(status) for status in Status} <= set(words)


def test_every_status_of_a_comparison_is_explained():
    words = re.findall(r"^\| `(\w+)` \| [^|]*\|$", section("comparison.csv"), re.MULTILINE)
    assert words == [str(status) for status in ComparisonStatus]
