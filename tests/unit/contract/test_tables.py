"""The declarations of the law tables and the code that derives from them."""

from pathlib import Path
from pkgutil import iter_modules

import pandas as pd
import pytest

from relscale.contract import tables as contract_tables
from relscale.contract.io import read_table, write_table
from relscale.contract.law_tables import FAMILY_TABLES, LAW_TABLES
from relscale.contract.status import (
    Status,
    decode_remarks,
    encode_remarks,
    status_of,
)
from relscale.contract.table import Table
from relscale.laws import tables as laws
from relscale.laws.fit import TABLES, check_paths

EXAMPLE = Table(
    name="example", description="An example.", key=("name",), columns={"name": "text", "x": "float"}
)


def test_every_law_has_a_table_and_every_table_a_law():
    modules = {module.name for module in iter_modules(laws.__path__)}
    assert modules == {table.name for table in FAMILY_TABLES} == set(TABLES)
    assert [law.table for law in laws.LAWS] == list(FAMILY_TABLES)


def test_every_table_of_the_contract_is_listed_and_named_as_its_module():
    modules = {module.name for module in iter_modules(contract_tables.__path__)}
    assert modules == {table.name for table in LAW_TABLES}


def test_the_paths_of_the_law_tables_must_be_complete():
    paths = [Path(f"{name}.csv") for name in TABLES]
    check_paths(paths)
    with pytest.raises(
        ValueError,
        match=r"^no path for table points; mine\.csv: not a law table; more than one path for "
        r"table relative; the tables are points, absolute, ",
    ):
        check_paths([*paths[1:], Path("mine.csv"), Path("x/relative.csv")])


@pytest.mark.parametrize("table", LAW_TABLES, ids=lambda table: table.name)
def test_every_table_begins_with_the_corpus_and_all_but_the_backtest_have_a_status(table):
    # A contrast between suites is of two corpora; correlations of statistics pool all corpora.
    others = {
        "suite_contrasts": "treatment",
        "suite_contrast_points": "treatment",
        "statistics_exponents": "quantity",
    }
    first = others.get(table.name, "corpus")
    assert table.names[0] == table.key[0] == first
    assert (table.names[-2:] == ("status", "remarks")) == (table.name != "backtest")


def test_a_key_that_is_not_a_column_is_an_error():
    with pytest.raises(ValueError, match=r"table t: key column\(s\) b are missing"):
        Table(name="t", description="", key=("a", "b"), columns={"a": "text"})


def test_two_rows_with_one_key_are_not_written(tmp_path):
    frame = pd.DataFrame({"name": ["a", "a"], "x": [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"more than one row with key \{'name': 'a'\}"):
        write_table(frame, tmp_path / "example.csv", EXAMPLE)
    assert not (tmp_path / "example.csv").exists()


def test_remarks_survive_a_round_trip():
    remarks = ["budget(s) 1e11 left out: too_few_runs", "1 run(s) lack a value"]
    assert decode_remarks(encode_remarks(["", *remarks])) == remarks
    assert decode_remarks(encode_remarks([])) == decode_remarks(float("nan")) == []
    with pytest.raises(ValueError, match="which separates remarks"):
        encode_remarks(["a; b"])


def test_every_status_has_a_meaning():
    assert all(status.__doc__ and status.__doc__.endswith(".") for status in Status)
    assert status_of("ok") is Status.OK
    with pytest.raises(ValueError, match="status is 'fine'; the choices are ok, "):
        status_of("fine")


def test_the_status_of_an_older_table_is_split(tmp_path):
    path = tmp_path / "old.csv"
    path.write_text("suite,status\nweb,ok; two notes; here\nweb,ok\n")
    frame = read_table(path, ("corpus", "status", "remarks"))
    assert frame["status"].tolist() == ["ok", "ok"]
    assert [decode_remarks(cell) for cell in frame["remarks"]] == [["two notes", "here"], []]


def test_the_quantity_of_an_older_back_test_gets_its_present_name(tmp_path):
    path = tmp_path / "backtest.csv"
    path.write_text("suite,quantity,predicted\nweb,error,1.5\nweb,gap,0.9\n")
    frame = read_table(path, ("corpus", "quantity"))
    assert frame["quantity"].tolist() == ["value", "gap"]
