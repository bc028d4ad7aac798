"""Tables as other programs and people write them: read as meant, or one line with the place."""

import numpy as np
import pandas as pd
import pytest
from outside_tables import assert_same, read, wide_of
from typer.testing import CliRunner

from relscale.cli import app
from relscale.laws.run import fit_laws

FIT = {"family": "places", "baseline": "US", "metrics": ("loss",), "draws": 100}


def write(text, path, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def with_cell(frame, row, column, value):
    changed = frame.astype({column: object})
    changed.loc[row, column] = value
    return changed


def test_semicolons_and_decimal_commas_are_found_and_stated(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.to_csv(path, index=False, sep=";", decimal=",")
    found = read(path)
    assert_same(found.frame, table)
    assert "columns are separated by: semicolon" in found.decisions
    assert "numbers are read with decimal commas" in found.decisions


def test_a_number_that_may_have_a_decimal_comma_or_thousands_is_an_error(tmp_path):
    text = "corpus;run;family;domain;metric;value;num_params_total;tokens;training_flops\n"
    text += "c;r;f;d;m;1,234;70;100;42\n"
    path = write(text, tmp_path / "losses.csv")
    with pytest.raises(ValueError, match=r"'1,234' may have a decimal comma or a separator"):
        read(path)
    values = [read(path, numbers={"decimal": "comma"}), read(path, numbers={"thousands": "comma"})]
    assert [one.frame["value"].iloc[0] for one in values] == [1.234, 1234.0]


def test_a_table_in_utf_16_is_read_and_stated(table, tmp_path):
    path = write(table.to_csv(index=False), tmp_path / "losses.csv", "utf-16")
    found = read(path)
    assert_same(found.frame, table)
    assert "the file is read as utf-16" in found.decisions


def test_latin_letters_are_an_error_with_the_line_until_the_encoding_is_stated(table, tmp_path):
    path = write(table.to_csv(index=False), tmp_path / "losses.csv", "cp1252")
    with pytest.raises(ValueError, match=r"losses\.csv: line 2: not utf-8 text.*Côte d'Ivoire"):
        read(path)
    assert_same(read(path, csv={"encoding": "windows-1252"}).frame, table)


def test_a_column_that_is_named_twice_is_an_error_with_its_places(table, tmp_path):
    text = table.to_csv(index=False).replace("domain,metric", "domain,domain", 1)
    with pytest.raises(ValueError, match=r"column\(s\) domain more than once.*columns 8 and 9"):
        read(write(text, tmp_path / "losses.csv"))


def test_a_repeated_header_is_an_error_or_left_out_and_counted(table, tmp_path):
    text = table.iloc[:30].to_csv(index=False) + table.iloc[30:].to_csv(index=False)
    path = write(text, tmp_path / "losses.csv")
    with pytest.raises(ValueError, match=r"line 32: the header is repeated"):
        read(path)
    found = read(path, csv={"repeated_headers": "skip"})
    assert_same(found.frame, table)
    assert "1 repeated header(s) are left out, first in line 32" in found.decisions


def test_a_row_of_another_width_is_an_error_with_its_line(table, tmp_path):
    lines = table.to_csv(index=False).splitlines()
    lines[4] = lines[4].rpartition(",")[0]
    with pytest.raises(ValueError, match=r"line 5: 10 cells, and the header has 11"):
        read(write("\n".join(lines), tmp_path / "losses.csv"))


def test_two_lines_of_header_are_joined(table, tmp_path):
    wide = wide_of(table)
    ends = ["loss"] * 3 + ["se"] * 3
    groups = ["" for _ in wide.columns[:7]] + ["loss", "", "", "se", "", ""]
    names = [*wide.columns[:7], *(name.rpartition(" ")[0] for name in wide.columns[7:])]
    body = wide.to_csv(index=False, header=False)
    text = f"{','.join(groups)}\n{','.join(names)}\n{body}"
    path = write(text, tmp_path / "wide.csv")
    assert [f"{name} {end}" for name, end in zip(names[7:], ends, strict=True)] == list(wide)[7:]
    found = read(
        path,
        csv={"header_lines": 2},
        shape="wide",
        constants={"metric": "loss"},
        domains={name: f"loss/{name}" for name in names[7:10]},
        standard_errors={name: f"se/{name}" for name in names[10:]},
    )
    assert_same(found.frame, table)


def test_lines_before_the_header_are_left_out_and_counted(table, tmp_path):
    path = write("made by hand\n\n" + table.to_csv(index=False), tmp_path / "losses.csv")
    found = read(path, csv={"skip_lines": 2})
    assert_same(found.frame, table)
    assert "2 line(s) before the header are left out" in found.decisions


@pytest.mark.parametrize(
    ("column", "cell", "advice"),
    [
        ("tokens", "2,265,234,857", r"numbers: \{thousands: comma\}"),
        ("tokens", "2.265.234.857", r"numbers: \{thousands: point\}"),
        ("value", "1.17%", r"units: \{value: percent\}"),
        ("value", "1,17", r"numbers: \{decimal: comma\}"),
        ("num_params_total", "190M", r"numbers: \{suffixes: k_m_b_t\}"),
        ("value", "diverged", r"numbers: \{missing: \[\.\.\.\]\}"),
    ],
)
def test_text_among_numbers_is_an_error_that_names_the_setting(
    table, tmp_path, column, cell, advice
):
    path = tmp_path / "losses.csv"
    with_cell(table, 3, column, cell).to_csv(path, index=False)
    with pytest.raises(ValueError, match=rf"losses\.csv: line 5: {column} is .*{advice}"):
        read(path)


@pytest.mark.parametrize("column", ["corpus", "run", "budget", "family", "domain", "metric"])
def test_an_empty_name_is_an_error_with_column_and_line(table, tmp_path, column):
    path = tmp_path / "losses.csv"
    with_cell(table, [4, 9], column, "").to_csv(path, index=False)
    with pytest.raises(ValueError, match=rf"{column} is empty in 2 row\(s\), first line"):
        read(path)


def test_a_column_of_empty_budgets_can_be_ignored(table, tmp_path):
    path = tmp_path / "losses.csv"
    with_cell(table, [4, 9], "budget", "").to_csv(path, index=False)
    found = read(path, ignore=["budget"])
    assert found.frame["budget"].nunique() == 4
    assert any("share 4 IsoFLOP budgets" in one for one in found.decisions)


def test_repeated_names_of_runs_are_an_error_that_names_the_columns_that_differ(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.assign(run=table["run"].str[-1]).to_csv(path, index=False)
    with pytest.raises(
        ValueError, match=r"45 repeated row\(s\), first line 7 after line 2.*differ in budget"
    ):
        read(path)


@pytest.mark.parametrize(
    ("names", "baseline"),
    [
        ({"US": "2019", "UK": "2020"}, "2019"),
        ({"US": "NA", "UK": "None"}, "NA"),
        ({"US": "1", "UK": "1.0"}, "1"),
        ({"US": "=A1", "UK": "true"}, "=A1"),
    ],
)
def test_names_stay_text_whatever_they_look_like(table, tmp_path, names, baseline):
    path = tmp_path / "losses.csv"
    changed = table.assign(domain=table["domain"].replace(names), family="7", corpus="1e3")
    changed.to_csv(path, index=False)
    found = read(path).frame
    assert set(found["domain"]) == {*names.values(), "Côte d'Ivoire"}
    assert set(found["family"]) == {"7"} and set(found["corpus"]) == {"1e3"}
    assert (found["domain"] == baseline).sum() == 20


def test_whole_numbers_of_many_digits_are_read(table, tmp_path):
    path = tmp_path / "losses.csv"
    long = table.assign(training_flops=[str(int(one)) for one in table["training_flops"]])
    long.to_csv(path, index=False)
    assert_same(read(path).frame, table)


def test_truth_values_are_words_and_others_are_an_error(table, tmp_path):
    path = tmp_path / "losses.csv"
    words = table.assign(at_chance=np.where(table["domain"] == "UK", "yes", "no"))
    words.to_csv(path, index=False)
    found = read(path).frame
    assert (found["at_chance"] == (found["domain"] == "UK")).all()
    with_cell(words, 2, "at_chance", "maybe").to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"line 4: at_chance is 'maybe': true or false"):
        read(path)


def test_an_empty_value_keeps_its_row_with_a_reason(table, tmp_path):
    path = tmp_path / "losses.csv"
    with_cell(table, [0, 21], "value", "").to_csv(path, index=False)
    found = read(path)
    empty = found.frame["value"].isna()
    assert empty.sum() == 2
    assert set(found.frame["excluded_reason"][empty]) == {"no value in the file"}
    assert found.frame["excluded_reason"][~empty].isna().all()
    assert any(one.startswith("2 value(s) are empty") for one in found.decisions)


def test_runs_without_tokens_are_left_out_and_named(table, tmp_path):
    path = tmp_path / "losses.csv"
    with_cell(table, table["run"] == "1e18-2", "tokens", "").to_csv(path, index=False)
    found = read(path)
    assert "1e18-2" not in set(found.frame["run"])
    assert "1 run(s) are left out whose tokens is empty: 1e18-2" in found.decisions


def test_a_number_of_parameters_that_is_not_positive_is_an_error_with_its_line(table, tmp_path):
    path = tmp_path / "losses.csv"
    with_cell(table, 6, "num_params_total", -70).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"line 8: num_params_total is -70: a positive number"):
        read(path)


def test_older_names_of_columns_are_read_and_stated(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.rename(columns={"corpus": "suite", "value": "error"}).to_csv(path, index=False)
    found = read(path)
    assert_same(found.frame, table)
    assert "column suite is read as corpus" in found.decisions
    assert "column error is read as value" in found.decisions


def test_columns_that_are_lacking_are_named_at_once_with_the_closest_names(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.to_csv(path, index=False)
    with pytest.raises(ValueError) as caught:
        read(path, columns={"tokens": "tokenz", "run": ["runs", "budget"]})
    assert "columns.tokens: 'tokenz' (is it 'tokens'?)" in str(caught.value)
    assert "columns.run: 'runs' (is it 'run'" in str(caught.value)


def test_a_table_without_anything_known_says_what_to_add(tmp_path):
    path = write("a,b\n1,2\n", tmp_path / "losses.csv")
    with pytest.raises(ValueError) as caught:
        read(path)
    for name in ("corpus", "num_params_total", "tokens", "training_flops or forward_flops"):
        assert f"no {name} (" in str(caught.value)


def test_json_lines_name_the_line_of_a_mistake(table, tmp_path):
    path = tmp_path / "losses.jsonl"
    lines = [f'{{"run": "{index}", "value": 1}}' for index in range(3)]
    lines[1] = '{"run": "1", "run": "2"}'
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"line 2: key\(s\) run more than once"):
        read(path)
    lines[1] = '{"run": '
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"line 2: not valid JSON"):
        read(path)
    lines[1] = "7"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"line 2: an object"):
        read(path)


def test_nested_objects_have_dotted_names(tmp_path):
    path = tmp_path / "losses.jsonl"
    path.write_text(
        '{"config": {"n": 7e7, "d": 1e9}, "eval": {"c4": {"loss": 3.1}}, "name": "a"}\n'
        '{"config": {"n": 7e7, "d": 2e9}, "eval": {"c4": {"loss": 3.0}}, "name": "b"}\n'
    )
    found = read(
        path,
        shape="wide",
        columns={"run": "name", "num_params_total": "config.n", "tokens": "config.d"},
        constants={"corpus": "web", "family": "texts", "metric": "loss"},
        domains={"C4": "eval.c4.loss"},
        derive={"training_flops": "6 x num_params_total x tokens"},
    ).frame
    assert found["value"].tolist() == [3.1, 3.0]
    assert found["training_flops"].tolist() == [4.2e17, 8.4e17]


def test_laws_through_a_mapping_are_those_of_the_canonical_table(table, tmp_path):
    path = tmp_path / "wide.csv"
    wide_of(table).to_csv(path, index=False, sep=";")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        'losses: {path: x, shape: wide, constants: {metric: loss}, domains: {US: "US loss", UK: '
        '"UK loss", "Côte d\'Ivoire": "Côte d\'Ivoire loss"}}',
        encoding="utf-8",
    )
    found = fit_laws(path, mapping=mapping, **FIT)
    expected = fit_laws(table.drop(columns="standard_error"), **FIT)
    pd.testing.assert_frame_equal(found.laws.relative, expected.laws.relative, check_exact=True)
    assert "columns are separated by: semicolon" in found.notes
    assert "Note: columns are separated by: semicolon.\n" in found.summary()


def test_laws_of_another_layout_without_a_mapping_point_to_inspect(table, tmp_path):
    path = tmp_path / "wide.csv"
    wide_of(table).to_csv(path, index=False)
    words = ["laws", "--losses", str(path), "--family", "places", "--baseline", "US"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "laws")])
    assert done.exit_code != 0
    assert f"relscale table inspect {path} --mapping FILE" in str(done.exception)
