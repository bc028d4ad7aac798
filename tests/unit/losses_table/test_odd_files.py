"""Files that people have: captions, Markdown, other encodings, remarks in cells, accuracies."""

import numpy as np
import pandas as pd
import pytest
from outside_tables import assert_same, read, wide_of

from relscale.losses_table.given import GivenLosses
from relscale.losses_table.proposal.inspection import inspect_table


@pytest.fixture(name="wide")
def wide_fixture(table):
    """Return the table with one column of losses per domain, and no standard errors."""
    wide = wide_of(table)
    return wide[[name for name in wide.columns if name != "family" and not name.endswith(" se")]]


def written(text, path, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def keys(inspection):
    return {guess.key: guess for guess in inspection.proposal.guesses}


@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("caption", ["Table 1\n\n", "Losses, all runs\nby us\n"])
def test_captions_above_the_header_are_left_out(table, tmp_path, sep, caption):
    path = written(caption + table.to_csv(index=False, sep=sep), tmp_path / "losses.csv")
    found = inspect_table(path)
    assert found.proposal.content["csv"]["skip_lines"] == 2
    assert_same(found.found.frame, table)
    assert "2 line(s) before the header are left out" in found.found.decisions


def test_a_short_row_below_the_header_is_no_caption(table, tmp_path):
    lines = table.to_csv(index=False).splitlines()
    lines[4] = lines[4].rpartition(",")[0]
    with pytest.raises(ValueError, match=r"line 5: 10 cells, and the header has 11"):
        inspect_table(written("\n".join(lines), tmp_path / "losses.csv"))


def test_a_table_in_markdown_is_read_without_its_line_of_dashes(table, tmp_path):
    header, *rows = table.to_csv(index=False, sep="|").splitlines()
    rule = "|".join(["---", ":---:", *["----"] * (table.shape[1] - 2)])
    text = "\n".join(f"|{line}|" for line in (header, rule, *rows))
    found = inspect_table(written(text, tmp_path / "losses.csv"))
    assert "header_lines" not in found.proposal.content["csv"]
    assert_same(found.found.frame, table)
    assert "1 row(s) of dashes are left out, first in line 2" in found.found.decisions


def test_utf_16_without_a_mark_is_found_by_its_nulls(table, tmp_path):
    text = table.to_csv(index=False)
    found = inspect_table(written(text, tmp_path / "losses.csv", "utf-16-le"))
    assert found.proposal.content["csv"]["encoding"] == "utf-16"
    assert_same(found.found.frame, table)
    with pytest.raises(ValueError, match="line 1: has a null character; if it is UTF-16"):
        inspect_table(written(text, tmp_path / "other.csv", "utf-16-be"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("run params loss\na 1e6 3.1\nb 2e6 3.0\n", "has one column, 'run params loss': columns"),
        ("\n<!DOCTYPE html>\n<html><table>\n", r"is a web page \(HTML\), not CSV"),
        ("<html><body>\na,b\n1,2\n", r"is a web page \(HTML\), not CSV"),
    ],
)
def test_files_that_are_no_tables_are_one_line(tmp_path, text, problem):
    with pytest.raises(ValueError, match=problem):
        inspect_table(written(text, tmp_path / "losses.csv"))


@pytest.mark.parametrize(
    ("cell", "count"), [("2.36*", "1 of its "), ("2.36 ± 0.01", "1 of its "), ("(2.36)", "1 of ")]
)
def test_a_column_of_losses_with_a_cell_that_is_no_number_is_named(wide, tmp_path, cell, count):
    column = wide.columns[-1]
    odd = wide.astype({column: object})
    odd.loc[3, column] = cell
    path = tmp_path / "losses.csv"
    odd.to_csv(path, index=False)
    found = inspect_table(path)
    (guess,) = [one for one in found.proposal.guesses if column in one.value and "not" in one.value]
    assert guess.value == f"column {column} is not used"
    assert count in guess.evidence and repr(cell) in guess.evidence
    assert column in found.proposal.unused and guess.line() in found.report()


def test_a_column_of_words_named_like_a_loss_is_not_remarked_on(wide, tmp_path):
    path = tmp_path / "losses.csv"
    wide.assign(**{"web loss": "huber"}).to_csv(path, index=False)
    assert not any("not used" in guess.value for guess in keys(inspect_table(path)).values())


def test_two_seeds_of_one_name_are_told_to_have_a_column_of_seeds(wide, tmp_path):
    path = tmp_path / "losses.csv"
    column = wide.columns[-1]
    again = wide.assign(**{column: wide[column] * 1.01})
    pd.concat([wide, again]).to_csv(path, index=False)
    found = inspect_table(path)
    assert f"these two differ in their values only, {column}: if they are two" in found.problem
    assert "{run: [run, seed]}" in found.problem


def test_a_long_table_whose_rows_differ_in_their_values_is_told_the_same(table, tmp_path):
    path = tmp_path / "losses.csv"
    pd.concat([table, table.assign(value=table["value"] * 1.01)]).to_csv(path, index=False)
    with pytest.raises(ValueError, match="differ in their values only, value: if they are two se"):
        read(path)


def test_accuracies_alone_are_told_to_need_losses(wide, tmp_path):
    path = tmp_path / "losses.csv"
    names = {name: name.replace("loss", "accuracy") for name in wide.columns}
    shares = wide.rename(columns=names)
    for name in shares.columns[6:]:
        shares[name] = np.exp(-shares[name])
    shares.to_csv(path, index=False)
    report = inspect_table(path).report()
    assert "No metric falls with compute: laws place the optimum by a loss" in report
    assert "Next" not in report
    both = shares.assign(**{"C4 loss": wide[wide.columns[6]]})
    both.to_csv(path, index=False)
    report = inspect_table(path).report(tmp_path / "mapping.yaml")
    assert "--family tasks" in report and "--optimum-by texts" in report


def test_missing_names_of_families_and_metrics_are_not_sorted_with_the_others(table):
    frame = table.astype({"metric": object, "family": object})
    frame.loc[0, ["metric", "family"]] = None
    given = GivenLosses(frame=frame, path="losses")
    family = table["family"].iloc[1]
    assert given.family(None) == family
    assert given.metrics(family, ()) == (table["metric"].iloc[1],)
