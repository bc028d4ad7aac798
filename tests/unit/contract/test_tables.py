"""The declarations of the law tables and the code that derives from them."""

import inspect

import pandas as pd
import pytest

from relscale.contract.io import read_table, write_table
from relscale.contract.law_tables import FAMILY_TABLES, LAW_TABLES
from relscale.contract.status import (
    Status,
    decode_remarks,
    encode_remarks,
    status_of,
)
from relscale.contract.table import Table
from relscale.laws.fit import TABLES
from relscale.stages import laws as stage
from relscale.workflow.law_specs import LAW_TABLES as LISTED

EXAMPLE = Table(
    name="example", description="An example.", key=("name",), columns={"name": "text", "x": "float"}
)


def test_every_list_of_law_tables_is_the_same():
    names = [table.name for table in FAMILY_TABLES]
    assert names == list(TABLES) == list(LISTED)
    outs = [name for name in inspect.signature(stage.main).parameters if name.startswith("out_")]
    assert outs == [f"out_{name}" for name in names]


@pytest.mark.parametrize("table", LAW_TABLES, ids=lambda table: table.name)
def test_every_table_begins_with_the_corpus_and_all_but_the_backtest_have_a_status(table):
    assert table.names[0] == table.key[0] == "corpus"
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
