"""`relscale table inspect`: guesses with evidence, and a mapping that reads the file."""

import shlex

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from outside_tables import assert_same, wide_of
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.losses_file import read_mapping
from relscale.losses_table.proposal.inspection import inspect_table
from relscale.losses_table.proposal.mapping_text import scalar
from relscale.losses_table.proposal.names import likeness, metric_and_domain, stated_unit
from relscale.losses_table.proposal.unit_guess import guess_units
from relscale.losses_table.read import read_losses


def inspected(frame, path, **options):
    frame.to_csv(path, index=False, **options)
    return inspect_table(path)


def read_back(inspection, tmp_path):
    """Read the file through the mapping as written, and check that it is the one proposed."""
    path = tmp_path / "mapping.yaml"
    path.write_text(inspection.mapping(), encoding="utf-8")
    found = read_losses(read_mapping(path))
    pd.testing.assert_frame_equal(found.frame, inspection.found.frame, check_exact=True)
    return found


def reports(inspection):
    return {guess.key: guess for guess in inspection.proposal.guesses}


@pytest.mark.parametrize("options", [{}, {"sep": ";", "decimal": ","}, {"encoding": "cp1252"}])
def test_a_canonical_table_needs_no_editing(table, tmp_path, options):
    found = inspected(table, tmp_path / "losses.csv", **options)
    assert found.problem == ""
    read_back(found, tmp_path)
    assert_same(found.found.frame, table)


def test_a_wide_table_needs_only_names_for_corpus_and_family(table, tmp_path):
    wide = wide_of(table).drop(columns=["corpus", "family"])
    wide = wide.rename(columns={"num_params_total": "N", "tokens": "D"})
    found = inspected(wide, tmp_path / "w.csv")
    assert found.proposal.content["constants"] == {
        "corpus": "one_corpus",
        "family": "texts",
        "metric": "loss",
    }
    frame = read_back(found, tmp_path).frame
    assert_same(frame.assign(corpus="web", family="places"), table)


@pytest.mark.parametrize(
    ("column", "divided", "unit"),
    [
        ("tokens", 1e9, "billions"),
        ("tokens", 1e6, "millions"),
        ("num_params_total", 1e6, "millions"),
        ("num_params_total", 1e9, "billions"),
        ("training_flops", 1e18, "exaflops"),
        ("training_flops", 8.64e19, "petaflop_days"),
    ],
)
def test_units_are_found_from_the_ratio_of_compute(table, tmp_path, column, divided, unit):
    found = inspected(table.assign(**{column: table[column] / divided}), tmp_path / "losses.csv")
    assert found.proposal.content["units"] == {column: unit}
    frame = read_back(found, tmp_path).frame
    np.testing.assert_allclose(frame[column], table[column], rtol=1e-12)
    assert "about 6 is usual" in reports(found)[f"units.{column}"].evidence


def test_two_units_are_found_together(table, tmp_path):
    other = table.assign(
        num_params_total=table["num_params_total"] / 1e6, tokens=table["tokens"] / 1e9
    )
    found = inspected(other, tmp_path / "losses.csv")
    units = {"num_params_total": "millions", "tokens": "billions"}
    assert found.proposal.content["units"] == units


def test_usual_units_are_left_alone_although_the_ratio_is_not_six(table, tmp_path):
    for factor in (0.2, 3.0):
        scaled = table.assign(training_flops=table["training_flops"] * factor)
        found = inspected(scaled, tmp_path / "losses.csv")
        assert "units" not in found.proposal.content


def test_forward_flops_called_flops_are_found(table, tmp_path):
    forward = table.rename(columns={"training_flops": "flops"})
    forward["flops"] /= 3
    found = inspected(forward, tmp_path / "losses.csv")
    assert found.proposal.content["columns"]["forward_flops"] == "flops"
    assert "2 is that of forward passes" in reports(found)["columns.forward_flops"].evidence
    np.testing.assert_allclose(found.found.frame["training_flops"], table["training_flops"])


def test_units_in_names_are_taken_without_compute():
    params = np.array([70.0, 160.0, 410.0])
    tokens = np.array([300.0, 300.0, 300.0])
    found = guess_units(
        {"num_params_total": ("n_params (M)", params), "tokens": ("tokens_B", tokens)}
    )
    assert found.units == {"num_params_total": "millions", "tokens": "billions"}
    assert "its name states it" in found.guesses[0].evidence


def test_perplexities_and_percent_are_found(tmp_path):
    params = np.array([70e6, 160e6, 410e6, 1e9, 2.8e9, 6.9e9])
    loss = 1.7 + 400 / params**0.34
    frame = pd.DataFrame(
        {
            "model": [f"m{index}" for index in range(6)],
            "params": params,
            "tokens": 20 * params,
            "ppl/C4": np.exp(loss),
            "ppl/Pile": np.exp(loss - 0.2),
            "piqa_acc": 60 + 5 * np.arange(6),
        }
    )
    found = inspected(frame, tmp_path / "ppl.csv")
    assert found.proposal.content["metric_units"] == {"loss": "perplexity", "accuracy": "percent"}
    assert found.proposal.content["families"] == {"texts": ["C4", "Pile"], "tasks": ["piqa"]}
    rows = read_back(found, tmp_path).frame.set_index(["domain", "run"])["value"]
    np.testing.assert_allclose(rows["C4"], loss, rtol=1e-14)
    np.testing.assert_allclose(rows["piqa"], 0.6 + 0.05 * np.arange(6))


def test_cells_with_percent_signs_are_percent(table, tmp_path):
    signed = table.assign(value=[f"{100 * one:.9f}%" for one in table["value"]])
    found = inspected(signed.drop(columns="standard_error"), tmp_path / "losses.csv")
    assert found.proposal.content["metric_units"] == {"loss": "percent"}
    np.testing.assert_allclose(found.found.frame["value"], table["value"], rtol=1e-10)


def test_a_logged_table_says_that_tokens_are_missing_and_how_to_add_them(logged, tmp_path):
    path = tmp_path / "logged.csv"
    found = inspected(logged, path)
    assert found.found is None
    assert any(
        one.startswith("tokens: no column") and "'_step'" in one for one in found.proposal.lacking
    )
    assert "Missing" in found.report() and "does not read the file yet" in found.report()
    text = found.mapping()
    assert "# MISSING: no column of training tokens." in text
    edited = text.replace("# tokens: COLUMN", "tokens: _step").replace(
        "  units:\n", "  units:\n    tokens: 524288\n"
    )
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(edited, encoding="utf-8")
    frame = read_losses(read_mapping(mapping)).frame
    assert frame["run"].nunique() == 3 and set(frame["tokens"]) == {4000 * 524288}


def test_runs_without_a_name_are_named_by_the_columns_that_tell_them_apart(table, tmp_path):
    seeds = pd.concat([table.assign(seed=seed) for seed in (0, 1)]).drop(columns=["run", "budget"])
    found = inspected(seeds, tmp_path / "losses.csv")
    columns = found.proposal.content["columns"]
    assert set(columns["run"]) == {"num_params_total", "seed"}
    assert found.found.frame["run"].nunique() == 40
    assert "no column is named like a run" in reports(found)["columns.run"].evidence


def test_joined_files_and_two_headers_are_opened_with_their_settings(table, tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text(table.iloc[:30].to_csv(index=False) + table.iloc[30:].to_csv(index=False))
    found = inspect_table(path)
    assert found.proposal.content["csv"] == {"repeated_headers": "skip"}
    assert_same(read_back(found, tmp_path).frame, table)


def test_the_first_row_below_a_column_that_is_named_twice_is_no_header(table, tmp_path):
    header, *rows = wide_of(table).to_csv(index=False).splitlines()
    names = header.split(",")
    names[-1] = names[-2]
    path = tmp_path / "twice.csv"
    path.write_text("\n".join([",".join(names), *rows]))
    with pytest.raises(ValueError, match=rf"twice\.csv: column\(s\) {names[-2]} more than once in"):
        inspect_table(path)


@pytest.mark.parametrize("years", [False, True])
def test_a_second_header_below_recurring_names_is_found(table, tmp_path, years):
    wide = wide_of(table)
    names = list(wide.columns)
    below = [
        "" if place < 7 else f"{2019 + place}" if years else name.rpartition(" ")[0]
        for place, name in enumerate(names)
    ]
    above = [*names[:7], *(["loss"] * 3), *(["se"] * 3)]
    body = wide.to_csv(index=False, header=False)
    path = tmp_path / "two.csv"
    path.write_text(f"{','.join(above)}\n{','.join(below)}\n{body}")
    found = inspect_table(path)
    assert found.proposal.content["csv"]["header_lines"] == 2
    assert found.proposal.raw.frame.columns[7] == f"loss/{below[7]}"


@pytest.mark.parametrize("start", ["# made by hand\n# in May\n", "sep=,\n"])
def test_remarks_above_the_header_are_skipped(table, tmp_path, start):
    path = tmp_path / "losses.csv"
    path.write_text(start + table.to_csv(index=False), encoding="utf-8")
    found = inspect_table(path)
    assert found.proposal.content["csv"] == {"skip_lines": start.count("\n")}
    assert_same(read_back(found, tmp_path).frame, table)


def test_a_header_that_begins_with_a_hash_is_a_header(table, tmp_path):
    wide = wide_of(table).rename(columns={"num_params_total": "# params"})
    found = inspected(
        wide[["# params", *[one for one in wide if one != "# params"]]], tmp_path / "w.csv"
    )
    assert found.proposal.content["columns"]["num_params_total"] == "# params"
    assert "csv" not in found.proposal.content


def test_a_spreadsheet_is_to_be_saved_as_csv(tmp_path):
    path = tmp_path / "losses.xlsx"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"losses\.xlsx: is a spreadsheet: save its sheet as CSV"):
        inspect_table(path)


def test_words_for_missing_numbers_are_found(table, tmp_path):
    changed = table.astype({"value": object})
    changed.loc[[3, 8], "value"] = "diverged"
    found = inspected(changed, tmp_path / "losses.csv")
    assert found.proposal.content["numbers"] == {"missing": ["diverged"]}
    assert found.found.frame["value"].isna().sum() == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eval/c4_en-validation/CrossEntropyLoss", ("loss", "c4_en")),
        ("eval/downstream/hellaswag_acc", ("accuracy", "hellaswag")),
        ("C4 Validation BPB", ("bits_per_byte", "C4")),
        ("The Pile UC Validation Loss", ("loss", "The Pile UC")),
        ("ppl/C4", ("perplexity", "C4")),
        ("c4_loss", ("loss", "c4")),
        ("loss.wikitext-103", ("loss", "wikitext-103")),
        ("val_loss", ("loss", "")),
        ("Runtime", None),
    ],
)
def test_metric_and_domain_are_read_from_names(name, expected):
    assert metric_and_domain(name) == expected


@pytest.mark.parametrize(
    ("ours", "names"),
    [
        (
            "num_params_total",
            ["N", "params", "n_params", "Model Size", "config.nParams", "#params"],
        ),
        ("tokens", ["D", "tokens", "train_tokens (B)", "num_tokens", "Tokens", "tokens_seen"]),
        ("training_flops", ["C", "FLOPs", "compute", "train_flops", "log10_flops", "PF-days"]),
        ("step", ["_step", "global_step", "iteration", "Step"]),
        ("run", ["Name", "model", "run_id", "checkpoint"]),
        ("corpus", ["corpus", "train_set", "Pretraining Data", "dataset"]),
    ],
)
def test_common_names_are_known(ours, names):
    assert [name for name in names if likeness(ours, name) is None] == []


def test_units_at_the_end_of_a_name_are_units():
    names = ["params_m", "tokens (B)", "log10_flops", "PF-days", "tokens", "bits_per_b_token"]
    assert [stated_unit(name) for name in names] == [
        "millions", "billions", "log10", "petaflop_days", None, None,
    ]  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_any_name_is_written_as_yaml_that_is_read_back(name):
    assert yaml.safe_load(f"key: {scalar(name)}\n") == {"key": name}
    assert yaml.safe_load(f"{scalar(name)}: 1\n") == {name: 1}


def test_names_of_columns_with_odd_signs_come_back(tmp_path):
    params = np.array([70e6, 160e6, 410e6, 1e9])
    frame = pd.DataFrame(
        {
            "name": list("abcd"),
            "N": params,
            "D": 20 * params,
            'say "hi": #1 loss': 1.7 + 400 / params**0.34,
            "{x}, [y] & *z loss": 1.5 + 400 / params**0.34,
            "日本 loss": 1.9 + 400 / params**0.34,
        }
    )
    found = inspected(frame, tmp_path / "odd 'names'.csv")
    assert found.problem == ""
    assert read_back(found, tmp_path).frame["domain"].nunique() == 3


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_writes_a_mapping_and_the_next_command_fits_laws(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wide_of(table).to_csv("wide.csv", index=False)
    done = invoke("table", "inspect", "wide.csv", "--mapping", "mapping.yaml")
    assert done.exit_code == 0
    assert "4 budgets (4 IsoFLOP curves)" in done.stdout
    command = shlex.split(done.stdout.splitlines()[-1])
    assert command[:2] == ["relscale", "laws"]
    done = invoke(*command[1:], "--draws", "100", "--estimator", "vertex")
    assert done.exit_code == 0, done.exception
    assert (tmp_path / "laws/relative.csv").is_file()
    assert "UK / Côte d'Ivoire" in done.stdout


def test_a_mapping_is_not_replaced_unless_told(table, tmp_path):
    path, mapping = tmp_path / "losses.csv", tmp_path / "mapping.yaml"
    table.to_csv(path, index=False)
    mapping.write_text("mine")
    done = invoke("table", "inspect", path, "--mapping", mapping)
    assert "is there already; add --force" in str(done.exception)
    assert mapping.read_text() == "mine"
    assert invoke("table", "inspect", path, "--mapping", mapping, "--force").exit_code == 0
    done = invoke("table", "inspect", path, "--mapping", tmp_path, "--force")
    assert f"--mapping {tmp_path}: is a folder, and the name of a file" in str(done.exception)
    done = invoke("table", "inspect", path, "--mapping", mapping / "m.yaml")
    assert f"--mapping {mapping}/m.yaml: {mapping} is a file, and a folder is" in str(
        done.exception
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("a,b\n", "has no rows"),
        ('a,b\n"1,2\n', "not a readable CSV table"),
    ],
)
def test_files_that_cannot_be_opened_are_one_line(tmp_path, text, problem):
    path = tmp_path / "losses.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"losses\.csv: .*{problem}"):
        inspect_table(path)


@given(st.text(max_size=300))
def test_no_text_ends_in_a_traceback(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "losses.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        inspect_table(path).report()
    except ValueError as error:
        assert str(path) in str(error)
