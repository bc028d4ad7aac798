"""Reading tables that other people wrote: names stay text, and every fault is one line."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.contract.columns import (
    FLAGS,
    NUMBERS,
    TEXT,
    label_of_budgets,
    with_formula,
    without_formula,
)
from relscale.contract.io import read_table, write_table
from relscale.contract.law_tables import LAW_TABLES
from relscale.contract.losses import ITEMS_KEY, LOSSES_KEY
from relscale.contract.suite_table import SuiteRow
from relscale.contract.table import Table, floats, text
from relscale.contract.text_tables import CorpusRow, SourceRow

NAMES = [
    "NA",
    "None",
    "null",
    "nan",
    "N/A",
    "2019",
    "1e5",
    "007",
    "True",
    "-",
    "Côte d'Ivoire",
    "*",
]

NAMED = Table(
    name="t", description="", key=("domain",), columns={**text("domain"), **floats("value")}
)
"""A table of values by name."""


def written(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_types_of_columns_are_those_of_the_declared_tables():
    kinds = [(name, kind) for table in LAW_TABLES for name, kind in table.columns.items()]
    # The axis in some tables, FLOPs in others; its words cannot be mistaken for numbers.
    kinds = [(name, kind) for name, kind in kinds if name != "compute"]
    assert {name for name, kind in kinds if kind == "text"} <= TEXT
    assert {name for name, kind in kinds if kind == "bool"} <= FLAGS
    assert not {name for name, kind in kinds if kind in ("int", "float")} & (TEXT | FLAGS)
    for row in (SuiteRow, SourceRow, CorpusRow):
        for name, field in row.model_fields.items():
            assert (name in TEXT) == (field.annotation not in (int, float)), name
    assert set(LOSSES_KEY) | set(ITEMS_KEY) <= TEXT
    assert not NUMBERS & (TEXT | FLAGS) and not TEXT & FLAGS


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_names_stay_text_whatever_they_look_like(tmp_path, ending):
    frame = pd.DataFrame({"domain": NAMES, "value": np.arange(len(NAMES)) / 7})
    write_table(frame, tmp_path / f"t.{ending}", NAMED)
    found = read_table(tmp_path / f"t.{ending}", ("domain", "value"))
    assert found["domain"].tolist() == NAMES
    np.testing.assert_allclose(found["value"], frame["value"], rtol=5e-8)  # eight digits in CSV


@pytest.mark.parametrize(
    ("names", "as_text"),
    [
        (pd.Series([2019, 2020]), ["2019", "2020"]),
        (pd.Series([2019.0, 2020.0]), ["2019", "2020"]),
        (pd.Series([0.5, 2.0]), ["0.5", "2"]),
        (pd.Series(["b", "a"], dtype="category"), ["b", "a"]),
        (pd.Series([7, 8], dtype="category"), ["7", "8"]),
        (pd.Series([b"US", "Z\u00fcrich".encode()]), ["US", "Z\u00fcrich"]),
        (pd.Series([True, False]), ["True", "False"]),
    ],
)
def test_names_of_other_types_become_text(tmp_path, names, as_text):
    pd.DataFrame({"domain": names}).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["domain"].astype(str).tolist() == as_text


def test_only_an_empty_cell_is_a_missing_name_and_many_words_are_missing_numbers(tmp_path):
    path = written(tmp_path, "domain,value\n,1\nNA,NA\nx,\ny,null\nz,#N/A\n\nw,2.5e-3\n")
    found = read_table(path)
    assert found["domain"].isna().tolist() == [True] + [False] * 5
    assert found["value"].tolist()[0] == 1 and found["value"].isna().tolist() == [
        False, True, True, True, True, False
    ]  # fmt: skip
    assert found["value"].tolist()[-1] == 2.5e-3


def test_spellings_of_a_budget_become_the_first_one(tmp_path):
    path = written(tmp_path, "budget,value\n1e18,1\n1E+18,2\n1000000000000000000,3\n3e18,4\nxs,5\n")
    assert read_table(path)["budget"].tolist() == ["1e18"] * 3 + ["3e18", "xs"]
    assert label_of_budgets(["5e10"]) == {"5e10": "5e10"}


@pytest.mark.parametrize(
    "cell",
    ["1,234", "1.5%", "1 234", "1_000", "0x10", "1e", "--1", "five", "1.2.3", "true", "1;5", "１"],
)
def test_text_in_a_column_of_numbers_names_file_line_column_and_value(tmp_path, cell):
    path = written(tmp_path, f'run,tokens\na,10\n\nb,"{cell}"\n')
    with pytest.raises(
        ValueError, match=r"t\.csv: line 4: tokens is .*: a number is needed"
    ) as found:
        read_table(path)
    assert repr(cell) in str(found.value)
    frame = pd.DataFrame({"run": ["a", "b"], "tokens": ["10", cell]})
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"t\.parquet: row 2 \(below the header\): tokens is"):
        read_table(tmp_path / "t.parquet")


def test_long_integers_and_decimals_are_numbers(tmp_path):
    long = 123_456_789_012_345_678_901
    path = written(tmp_path, f"run,training_flops\na,{long}\nb,{2**63}\nc,5\n")
    assert read_table(path)["training_flops"].tolist() == [float(long), 2.0**63, 5.0]
    column = pa.array([long, 5], type=pa.decimal128(30, 0))
    pq.write_table(pa.table({"training_flops": column}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["training_flops"].tolist() == [float(long), 5.0]


@pytest.mark.parametrize(
    ("words", "truth"),
    [
        ("yes no", [True, False]),
        ("TRUE False", [True, False]),
        ("1 0", [True, False]),
        ("1.0 0.0", [True, False]),
        ("t f", [True, False]),
        ("Y N", [True, False]),
    ],
)
def test_words_for_truth_values(tmp_path, words, truth):
    rows = "".join(f"r{word},{word}\n" for word in words.split())
    for column in ("at_chance", "overlaps", "best"):
        found = read_table(written(tmp_path, f"run,{column}\n{rows}x,\n"))
        assert found[column].tolist() == [*truth, False]


@pytest.mark.parametrize("word", ["maybe", "2", "ja", "x", "at chance", "-1"])
def test_other_words_are_not_truth_values(tmp_path, word):
    path = written(tmp_path, f"run,at_chance\na,no\nb,{word}\n")
    with pytest.raises(ValueError, match=f"t.csv: line 3: at_chance is '{word}': true or false"):
        read_table(path)


def test_a_byte_order_mark_blank_lines_and_line_ends_change_nothing(tmp_path):
    rows = "run,value\r\na,1.5\r\n\r\n  \r\n,\r\nb,2.5\r\n\r\n"
    for content in (rows, "\ufeff" + rows, rows.replace("\r\n", "\n"), rows.replace("\r\n", "\r")):
        found = read_table(written(tmp_path, content))
        assert found.to_dict("list") == {"run": ["a", "b"], "value": [1.5, 2.5]}


def test_blanks_around_cells_and_an_index_column_change_nothing(tmp_path):
    found = read_table(written(tmp_path, ", run ,value\n0, a , 1.5\n1,b,2.5 \n", "T.CSV"))
    assert found["run"].tolist() == ["a", "b"] and found["value"].tolist() == [1.5, 2.5]


BAD = [
    (b"run,value\na,1\nC\xf4te,2\n", r"t\.csv: line 3: not UTF-8 text \(as Latin-1: 'Côte,2'\)"),
    ("run,value\na,1\n".encode("utf-16"), r"t\.csv: is UTF-16; save the table as CSV in UTF-8"),
    ("run,value\na,1\n".encode("utf-16-le"), r"t\.csv: line 1: has a null character"),
    (gzip.compress(b"run,value\na,1\n", mtime=0), r"t\.csv: is compressed by gzip"),
    (b"PK\x03\x04rest", r"t\.csv: is a spreadsheet"),
    (b"", r"t\.csv: is empty"),
    (b"\n\n", r"t\.csv: is empty"),
    (b"run,value,value\na,1,2\n", r"t\.csv: column\(s\) value more than once in the header"),
    (b"run,value\na,1\nrun,value\nb,2\n", r"t\.csv: line 3: the header is repeated"),
    (b"run,value\na,1,2\n", r"t\.csv: line 2: the number of columns differs .*: 3, not 2"),
    (b"run,value\na\n", r"t\.csv: line 2: the number of columns differs .*: 1, not 2"),
    (b"run;value\na;1,5\n", r"t\.csv: the header is 'run;value': columns are separated by semicol"),
    (b"run\tvalue\na\t1\n", r"t\.csv: the header is .*separated by tabs"),
    (b'run,value\n"a"b,1\n', r"t\.csv: line 2: not a readable CSV table"),
    (b'run,value\n"a,1\n', r"t\.csv: line 2: not a readable CSV table"),
]


@pytest.mark.parametrize(("content", "match"), BAD)
def test_csv_files_that_are_refused(tmp_path, content, match):
    with pytest.raises(ValueError, match=match) as found:
        read_table(written(tmp_path, content))
    assert "\n" not in str(found.value)


def test_parquet_files_that_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"run": ["a"] * 99}).to_parquet(path)
    data = path.read_bytes()
    for content in (data[:54], data[: len(data) // 2], b"", b"run,value\n", data[:-1]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"t\.parquet: not a readable Parquet table") as found:
            read_table(path)
        assert "\n" not in str(found.value)
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["run", "run"]), path)
    with pytest.raises(ValueError, match=r"t\.parquet: column\(s\) run more than once"):
        read_table(path)


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.tsv", "t.xlsx", "t"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"a table must end in .csv or .parquet"):
        read_table(written(tmp_path, '{"run": "a"}\n', name))


def test_the_name_of_a_folder_adds_no_column(tmp_path):
    folder = tmp_path / "corpus=web"
    folder.mkdir()
    pd.DataFrame({"run": ["a"]}).to_parquet(folder / "t.parquet")
    assert list(read_table(folder / "t.parquet").columns) == ["run"]


def test_an_index_with_a_name_is_a_column(tmp_path):
    pd.DataFrame({"run": ["a"], "value": [1.5]}).set_index("run").to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", ("run", "value"))["run"].tolist() == ["a"]


def test_an_empty_key_is_named_by_its_column_in_the_file_and_its_line(tmp_path):
    path = written(tmp_path, "suite,run,value\nweb,a,1\n,b,2\n,c,3\n")
    match = r"t\.csv: suite is empty in 2 row\(s\), first line 3, run 'b': every row needs one"
    with pytest.raises(ValueError, match=match):
        read_table(path, ("corpus",), keys=("corpus", "run"))


FORMULAS = ["=1+1", "+1", "-1", "@x", "'=1", "''@x", '=HYPERLINK("http://x","y")']


def test_no_cell_that_is_written_is_a_formula_and_names_survive(tmp_path):
    names = [*FORMULAS, "US", "'quoted'", "a=b"]
    frame = pd.DataFrame({"domain": names, "value": -1.5})
    write_table(frame, tmp_path / "t.csv", NAMED)
    cells = pd.read_csv(tmp_path / "t.csv")["domain"]
    assert not cells.str.startswith(("=", "+", "-", "@")).any()
    assert cells.tolist()[len(FORMULAS) :] == names[len(FORMULAS) :]
    found = read_table(tmp_path / "t.csv")
    assert found["domain"].tolist() == names and set(found["value"]) == {-1.5}
    assert frame["domain"].tolist() == names
    assert all(with_formula(without_formula(name)) == name for name in [*names, "", "\tx", "'"])


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    found = read_table(written(tmp_path, "domain,value,at_chance\n"), ("domain", "value"))
    assert found.empty and list(found.columns) == ["domain", "value", "at_chance"]
