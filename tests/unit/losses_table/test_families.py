"""Tables of an experiment that come from a losses table."""

import pandas as pd
import pyarrow as pa
import pytest
from losses_tables import planted

from relscale.config.losses import LossesSource, LossesTable
from relscale.contract.losses import ITEMS_COLUMNS, LOSSES_COLUMNS
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.text_tables import SOURCES_COLUMNS
from relscale.evaluation.aggregate import ITEMS_SCHEMA, LOSSES_SCHEMA
from relscale.laws.fit import baselines_of
from relscale.laws.spec import BaselinesSpec
from relscale.losses_table.families import (
    TableFile,
    by_family,
    check_families,
    decisions_text,
    losses_of,
    no_items,
    plan_text,
    source_of,
    suite_of,
)
from relscale.losses_table.spec import LossesTableSpec
from relscale.stages import losses_table


@pytest.fixture
def frame():
    return planted(("a", "b"))


def test_losses_have_all_columns_and_unknown_cells_are_null(frame):
    frame["tokens"] += 0.4  # as after a conversion of units
    table = losses_of(frame.assign(metric="accuracy"), "texts")
    assert table.schema == LOSSES_SCHEMA and tuple(table.column_names) == LOSSES_COLUMNS
    assert table["tokens"].to_pylist() == [round(one) for one in frame["tokens"]]
    assert set(table["unit"].to_pylist()) == {"1"}
    assert table["seed"].null_count == table["num_items"].null_count == len(frame)
    assert table["value"].to_pylist() == frame["value"].tolist()
    assert len(losses_of(frame, "other")) == 0


def test_items_are_a_table_without_rows_that_is_gathered_with_others():
    table = no_items()
    assert tuple(table.column_names) == ITEMS_COLUMNS and table.num_rows == 0
    assert table.schema == ITEMS_SCHEMA
    assert pa.concat_tables([table, ITEMS_SCHEMA.empty_table()]).num_rows == 0


def test_runs_and_source_are_described_as_far_as_they_are_known(frame, tmp_path):
    suite = suite_of(frame)
    assert tuple(suite.columns) == SUITE_COLUMNS and len(suite) == 30
    assert suite["width"].isna().all() and set(suite["budget_counts"]) == {"training_flops"}
    forward = frame.rename(columns={"training_flops": "forward_flops"})
    assert set(suite_of(forward)["budget_counts"]) == {"forward_flops"}
    path = tmp_path / "table.csv"
    path.write_bytes(b"abc")
    file = TableFile.of(path)
    assert file.sha256.startswith("ba7816bf") and file.num_bytes == 3  # SHA-256 of abc, FIPS 180
    for source, licence in ((None, "not stated"), (LossesSource(citation="c", licence="l"), "l")):
        found = source_of(file, source)
        assert tuple(found.columns) == SOURCES_COLUMNS and found["licence"].item() == licence


def test_the_plan_lists_runs_budgets_domains_and_decisions(frame):
    text = plan_text(frame, "mine/table.csv", ["tokens from billions"])
    assert text.splitlines()[1].split() == ["a", "1e18", "5"]
    assert "family texts: 3 domains (code, odd, plain); metrics: loss; 90 values" in text
    assert "decision: tokens from billions" in text
    assert text.endswith(
        "30 runs of 2 corpora at 3 budgets are read from mine/table.csv; nothing is trained or "
        "scored\n"
    )
    many = pd.concat(
        frame[frame["corpus"] == "a"].assign(run=f"r{n}", budget=f"{n}e18") for n in range(1, 60)
    )
    text = plan_text(many, "t.csv", [])
    assert "and 19 more budgets" in text
    assert [line.split()[1] for line in text.splitlines()[1:12]] == [
        f"{n}e18" for n in range(1, 12)
    ]
    names = dict(zip(frame["budget"].unique(), ("1e20", "big", "3e19"), strict=True))
    mixed = frame.assign(budget=frame["budget"].map(names))
    shown = [line.split()[:2] for line in plan_text(mixed, "t.csv", []).splitlines()[1:7]]
    assert shown == [[corpus, one] for corpus in "ab" for one in ("3e19", "1e20", "big")]


def test_decisions_are_one_line_each_and_never_an_empty_file():
    assert decisions_text(["one", "two\nlines"]) == "one\ntwo lines\n"
    assert decisions_text([]).endswith("used as they are\n")


def test_families_and_domains_that_are_lacking_are_all_named(frame):
    assert len(check_families(frame, {"texts": ["odd"]}, "t.csv")) == len(frame)
    with pytest.raises(ValueError, match="is not in") as caught:
        check_families(frame, {"texts": ["odd", "x"], "books": []}, "t.csv")
    text = str(caught.value)
    assert text.startswith("t.csv: families.texts.domains: 'x' is not in the table; the choices")
    assert "families.books: is not in the families of the table; the choices are texts" in text


@pytest.mark.parametrize(("most", "expected"), [(3, ("code", "odd")), (2, ())])
def test_the_table_decides_the_other_baselines_of_a_small_family(frame, most, expected):
    spec = BaselinesSpec(family="texts", baseline="plain", baselines=(), all_up_to=most)
    assert baselines_of(frame, spec) == expected


def test_every_family_gets_its_own_losses_whatever_the_order(frame, tmp_path):
    """A spec is sorted by names, the rule's outputs are in the order of the configuration."""
    other = frame.assign(family="more", value=2 * frame["value"])
    pd.concat([frame, other]).to_csv(tmp_path / "table.csv", index=False)
    spec = LossesTableSpec(
        table=LossesTable(path=str(tmp_path / "table.csv")),
        families={"more": ["plain"], "texts": ["plain"]},
    )
    folders = [tmp_path / name for name in ("texts", "more")]
    losses_table.main(
        spec=spec,
        table=tmp_path / "table.csv",
        listing="",
        out_losses=[folder / "losses.parquet" for folder in folders],
        out_items=[folder / "items.parquet" for folder in folders],
        **{f"out_{name}": tmp_path / name for name in ("suite", "bill", "sources")},
        **{f"out_{name}": tmp_path / name for name in ("decisions", "record")},
    )
    for folder in folders:
        written = pd.read_parquet(folder / "losses.parquet")
        assert set(written["family"]) == {folder.name} and len(written) == len(frame)


def test_outputs_of_other_families_are_an_error(tmp_path):
    paths = [tmp_path / "texts/losses.parquet"]
    with pytest.raises(ValueError, match="in the folders texts, and the families are more"):
        by_family(paths, ["more"])
