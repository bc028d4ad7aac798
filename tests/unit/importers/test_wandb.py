"""Format `wandb`: charts and tables of runs exported from Weights & Biases."""

import math

import pandas as pd
import pytest
from imported_files import run_facts, wandb_chart, write_csv

from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses


def options(tmp_path, *runs, **others):
    return ImportOptions(runs=run_facts(tmp_path / "runs.csv", runs), six_nd=True, **others)


def values(found):
    frame = found.frame
    return {
        (run, domain, metric): value
        for run, domain, metric, value in zip(
            frame["run"], frame["domain"], frame["metric"], frame["value"], strict=True
        )
    }


def test_the_last_value_of_each_run_and_chart_is_read(tmp_path):
    c4 = wandb_chart(
        tmp_path / "c4.csv", ["a", "b"], "eval/c4_loss", {1000: [4.0, 5.0], 2000: [3.0, ""]}
    )
    ice = wandb_chart(tmp_path / "ice.csv", ["a", "b"], "eval/ice/bpb", {1000: [1.5, 1.25]})
    found = import_losses("wandb", [c4, ice], options(tmp_path, "a", "b"))
    assert values(found) == {
        ("a", "c4", "loss"): 3.0,
        ("b", "c4", "loss"): 5.0,
        ("a", "ice", "bits_per_byte"): 1.5,
        ("b", "ice", "bits_per_byte"): 1.25,
    }
    assert "1 evaluation(s) before the last one of their run" in found.left_out
    # a's value on ice is of step 1000, and its last evaluation is at 2000.
    assert (
        "1 value(s) were evaluated before the last evaluation of their run, so its values are of "
        "different steps: run 'a', domain 'ice' (bits_per_byte) at step 1000 of 2000"
    ) in found.decisions


def test_charts_over_different_axes_are_named_and_their_steps_are_not_compared(tmp_path):
    c4 = wandb_chart(tmp_path / "c4.csv", ["a"], "eval/c4_loss", {1000: [4.0], 2000: [3.0]})
    ice = wandb_chart(
        tmp_path / "ice.csv", ["a"], "eval/ice/bpb", {10**6: [1.5], 2 * 10**6: [1.25]}
    )
    ice.write_text(ice.read_text().replace("Step", "tokens", 1))
    found = import_losses("wandb", [c4, ice], options(tmp_path, "a"))
    assert values(found) == {("a", "c4", "loss"): 3.0, ("a", "ice", "bits_per_byte"): 1.25}
    (note,) = [one for one in found.decisions if "x axes" in one]
    assert f"2 different x axes, 'Step' in {c4}, 'tokens' in {ice}: whether" in note
    assert not any("before the last" in one for one in found.decisions)
    with pytest.raises(ValueError, match="--x-is-tokens: the charts have 2 different x axes, 'Ste"):
        import_losses("wandb", [c4, ice], options(tmp_path, "a", x_is_tokens=True))


def test_flops_and_budgets_follow_from_parameters_and_tokens_if_asked_for(tmp_path):
    chart = wandb_chart(tmp_path / "c4.csv", ["a", "b"], "eval/c4_loss", {1: [4.0, 3.0]})
    frame = import_losses("wandb", [chart], options(tmp_path, "a", "b")).frame
    assert list(frame["training_flops"]) == [6 * 1e8 * 2e9, 6 * 2e8 * 4e9]
    assert list(frame["forward_flops"]) == [2 * 1e8 * 2e9, 2 * 2e8 * 4e9]
    assert list(frame["budget"]) == ["1.2e18", "4.8e18"]


@pytest.mark.parametrize("name", ["a, b", 'the "best"', "<b>x</b>", "../up", "x - y", "=1+1"])
def test_any_name_of_a_run_stays_as_it_is(tmp_path, name):
    chart = wandb_chart(tmp_path / "c4.csv", [name], "eval/c4_loss", {1: [4.0]})
    found = import_losses("wandb", [chart], options(tmp_path, name))
    assert list(found.frame["run"]) == [name]


def test_a_value_that_diverged_is_excluded_and_not_replaced(tmp_path):
    losses = {1: [4.0, 4.0], 2: ["NaN", 3.0]}
    chart = wandb_chart(tmp_path / "c4.csv", ["a", "b"], "eval/c4_loss", losses)
    frame = import_losses("wandb", [chart], options(tmp_path, "a", "b")).frame.set_index("run")
    assert math.isnan(frame.loc["a", "value"])
    assert frame.loc["a", "excluded_reason"] == "nan at step 2"
    assert frame.loc["b", "value"] == 3.0 and pd.isna(frame.loc["b", "excluded_reason"])


def test_the_x_axis_may_be_tokens(tmp_path):
    chart = wandb_chart(tmp_path / "c4.csv", ["a"], "eval/c4_loss", {10**9: [4.0], 2 * 10**9: [3]})
    table = write_csv(tmp_path / "runs.csv", [["run", "num_params_total"], ["a", 10**8]])
    wanted = ImportOptions(runs=table, corpus="c", six_nd=True, x_is_tokens=True)
    assert list(import_losses("wandb", [chart], wanted).frame["tokens"]) == [2 * 10**9]


def table_of_runs(path, *rows):
    facts = ["Name", "State", "Notes", "model.params", "data/tokens"]
    header = [*facts, "eval/c4_loss", "eval/ice_loss"]
    return write_csv(path, [header, *rows])


COLUMNS = {"num_params_total": "model.params", "tokens": "data/tokens"}


def test_the_table_of_runs_has_values_and_facts(tmp_path):
    path = table_of_runs(
        tmp_path / "runs_table.csv",
        ["a", "finished", "-", "1e8", "2000000000", "3.5", "4.0"],
        ["b", "crashed", "-", "2e8", "4000000000", "3.25", ""],
    )
    wanted = ImportOptions(columns=COLUMNS, corpus="c", six_nd=True)
    frame = import_losses("wandb", [path], wanted).frame.set_index(["run", "domain"])
    assert frame.loc[("a", "c4"), "value"] == 3.5
    assert frame.loc[("a", "c4"), "num_params_total"] == 10**8
    assert set(frame.loc["b", "excluded_reason"]) == {"the run is crashed"}
    assert math.isnan(frame.loc[("b", "ice"), "value"])


BAD_CHARTS = {
    "semicolons": ("Step;a - eval/c4_loss\n1;2\n", r"separated by semicolons"),
    "twice": ("Step,a - eval/c4_loss,a - eval/c4_loss\n1,2,3\n", r"more than once in the header"),
    "cut row": ("Step,a - eval/c4_loss\n1,2\n3\n", r"line 3: the number of columns differs"),
    "no rows": ("Step,a - eval/c4_loss\n", r"has no rows below the header"),
    "empty": ("", r"is empty"),
    "percent": ("Step,a - eval/c4_acc\n1,45%\n", r"line 2: .*'45%', not a number: a share"),
    "text": ("Step,a - eval/c4_loss\n1,high\n", r"line 2: a - eval/c4_loss is 'high'"),
    "thousands": ('Step,a - eval/c4_loss\n1,"1,000"\n', r"not a number: remove the separators"),
    "no step": ("Step,a - eval/c4_loss\n,2\n", r"line 2: Step is ''"),
    "groups": ("Step,Group: x - eval/c4_loss\n1,2\n", r"means over groups of runs"),
    "another table": ("step,loss\n1,2\n", r"not an export of a W&B chart or table of runs"),
    "training": ("Step,a - train/loss\n1,2\n", r"no evaluation is recognized.*'train/loss'"),
    "open quote": ('Step,"a - eval/c4_loss\n1,2\n', r"not a readable CSV table"),
}


@pytest.mark.parametrize("case", BAD_CHARTS)
def test_a_broken_chart_is_named_with_its_place(tmp_path, case):
    text, message = BAD_CHARTS[case]
    path = tmp_path / "chart.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"(?s)chart\.csv: .*{message}|chart\.csv: {message}"):
        import_losses("wandb", [path], options(tmp_path, "a"))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_refused(tmp_path, encoding):
    path = tmp_path / "chart.csv"
    path.write_text("Step,é - eval/c4_loss\n1,2\n", encoding=encoding)
    with pytest.raises(ValueError, match=r"chart\.csv: .*UTF-"):
        import_losses("wandb", [path], options(tmp_path, "é"))


def test_two_runs_of_one_name_in_the_table_are_an_error(tmp_path):
    row = ["a", "finished", "-", "1e8", "2000000000", "3.5", "4.0"]
    path = table_of_runs(tmp_path / "runs_table.csv", row, row)
    with pytest.raises(ValueError, match=r"line 3: run 'a' is also in .*line 2: names must be"):
        import_losses("wandb", [path], ImportOptions(columns=COLUMNS, corpus="c", six_nd=True))


def test_a_column_of_facts_that_is_not_there_is_named(tmp_path):
    path = table_of_runs(tmp_path / "t.csv", ["a", "finished", "-", "1e8", "2e9", "3.5", "4.0"])
    with pytest.raises(ValueError, match=r"--column tokens=seen: no column 'seen'; it has 'Name'"):
        import_losses("wandb", [path], ImportOptions(columns={"tokens": "seen"}))
    with pytest.raises(ValueError, match=r"--column size=seen: 'size' is not known; the choices"):
        import_losses("wandb", [path], ImportOptions(columns={"size": "seen"}))


def test_own_names_are_read_with_a_pattern(tmp_path):
    chart = wandb_chart(tmp_path / "x.csv", ["a"], "ppl/books@final", {1: [12.0]})
    with pytest.raises(ValueError, match=r"--key 'eval/\{domain\}/\{metric\}'"):
        import_losses("wandb", [chart], options(tmp_path, "a"))
    wanted = options(tmp_path, "a", keys=("ppl/{domain}@final",), metrics=("perplexity",))
    assert values(import_losses("wandb", [chart], wanted)) == {("a", "books", "perplexity"): 12.0}
    with pytest.raises(ValueError, match=r"has no \{metric\}: name it with --metric"):
        import_losses("wandb", [chart], options(tmp_path, "a", keys=("ppl/{domain}@final",)))
