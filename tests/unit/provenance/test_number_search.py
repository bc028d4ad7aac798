"""A printed number is found in the tables that it was rounded from."""

from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.contract.column_meanings import REFERENCE, read_meanings
from relscale.contract.law_tables import LAW_TABLES
from relscale.provenance.number_search import cell_at, number, rounds_to, search, tables_of

ROOT = Path(__file__).parents[3]
RELATIVE = (
    "corpus,family,metric,treatment,baseline,estimator,scale,path,dbeta,margin\n"
    "web,news,bits_per_byte,NG,US,auto,ratio,optimal,-0.013459706,0.084933228\n"
    "web,news,bits_per_byte,IN,US,auto,ratio,optimal,0.0135,2.4514664e+20\n"
)


@pytest.fixture
def folder(tmp_path):
    """A checkout with the tables of two experiments."""
    for name in ("one", "two"):
        place = tmp_path / f"results/{name}/laws"
        (place / "news").mkdir(parents=True)
        (place / "relative.csv").write_text(RELATIVE if name == "one" else "a,dbeta\nx,7.25\n")
        (place / "news/relative.csv").write_text(RELATIVE)
    return tmp_path


def found(folder, text, experiment=""):
    cells = search(tables_of(folder, experiment), Decimal(text))
    return [(cell.path.parts[-3], cell.row, cell.column) for cell in cells]


@pytest.mark.parametrize(
    ("value", "shown", "rounds"),
    [
        ("-0.013459706", "-0.0135", True),
        ("-0.013459706", "-0.01346", True),
        ("-0.013459706", "-0.013", True),
        ("-0.013459706", "-0.01345", False),
        ("-0.013459706", "0.0135", False),
        ("0.125", "0.12", True),
        ("0.125", "0.13", True),  # programs differ in rounding halves
        ("2.4514664e+20", "2.45e20", True),
        ("2.4514664e+20", "2.4e20", False),
        ("100.4", "100", True),
        ("0", "0.000", True),
    ],
)
def test_a_value_rounds_to_the_digits_that_are_shown(value, shown, rounds):
    assert rounds_to(Decimal(value), Decimal(shown)) is rounds


@pytest.mark.parametrize("text", ["", "widens", "nan", "inf", "1e", "0x1", "1,000"])
def test_words_and_infinities_are_not_numbers(text):
    assert number(text) is None


def test_a_typographic_minus_is_a_minus():
    assert number(" −0.0135 ") == Decimal("-0.0135")


def test_a_number_is_found_in_the_tables_of_experiments_and_not_in_those_of_families(folder):
    assert found(folder, "-0.0135") == [("one", 1, "dbeta")]
    assert found(folder, "0.0135") == [("one", 2, "dbeta")]
    assert found(folder, "7.3") == [("two", 1, "dbeta")]
    assert found(folder, "7.3", "two") == [("two", 1, "dbeta")]
    assert found(folder, "0.5") == []
    with pytest.raises(ValueError, match="results/three has no tables"):
        tables_of(folder, "three")


def test_a_folder_of_tables_is_searched_itself(folder, tmp_path):
    plain = folder / "results/one/laws"
    assert tables_of(plain) == [plain / "relative.csv"]
    with pytest.raises(ValueError, match="has no tables"):
        tables_of(folder / "results/one/laws/news" / "absent")


def test_a_cell_is_named_by_file_row_and_column(folder):
    path = folder / "results/one/laws/relative.csv"
    cell = cell_at(path, "1", "margin")
    assert cell.text == "0.084933228"
    assert cell.key() == {
        "corpus": "web", "family": "news", "metric": "bits_per_byte", "treatment": "NG",
        "baseline": "US", "estimator": "auto", "scale": "ratio", "path": "optimal",
    }  # fmt: skip
    for row, column, message in (
        ("3", "dbeta", "from 1 to 2"),
        ("0", "dbeta", "from 1 to 2"),
        ("x", "dbeta", "from 1 to 2"),
        ("1", "beta", "no column 'beta'; the choices are corpus, family"),
    ):
        with pytest.raises(ValueError, match=message):
            cell_at(path, row, column)
    with pytest.raises(ValueError, match="CSV files only"):
        cell_at(Path(__file__), "1", "x")


def test_the_reference_describes_every_column_of_every_law_table():
    meanings = read_meanings(ROOT / REFERENCE)
    for table in LAW_TABLES:
        assert set(table.columns) <= set(meanings[f"{table.name}.csv"]), table.name
    assert "small" in meanings["relative.csv"]["margin"].meaning
    assert meanings["losses.csv"] == meanings["losses.parquet"]
    assert read_meanings(ROOT / "absent.md") == {}


def invoke(*words):
    return CliRunner().invoke(app, ["explain", *map(str, words)])


def test_the_command_lists_rows_with_their_keys_and_the_meaning_of_the_column(folder):
    laws = folder / "results/one/laws"
    done = invoke("-0.0135", "--folder", laws)
    assert done.exit_code == 0, done.output
    assert f"{laws}/relative.csv:1:dbeta  =  -0.013459706" in done.output
    assert "treatment NG, baseline US" in done.output and "slope at F_ref" in done.output
    assert "is not a result of the workflow, so no job made it" in done.output


def test_a_number_that_no_cell_has_gives_exit_code_one(folder):
    done = invoke("123.456", "--folder", folder)
    assert done.exit_code == 1 and "rounds to 123.456" in done.output


def test_an_unusable_target_is_refused_with_the_choices(folder):
    done = invoke("relative", "--folder", folder)
    assert "not a file, not FILE:ROW:COLUMN and not a number" in str(done.exception)


def test_cells_of_many_tables_are_listed_and_not_explained(tmp_path):
    for place in range(5):
        (tmp_path / f"t{place}.csv").write_text("name,x\na,0.25\n")
    done = invoke("0.25", "--folder", tmp_path)
    assert done.exit_code == 0
    assert "5 cells round to 0.25" in done.output
    assert "in 5 tables and families, too many to explain" in done.output
