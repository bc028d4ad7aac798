"""Format `nanochat`: results of its scaling-law and miniseries scripts."""

import pandas as pd
import pytest
from imported_files import run_facts, write_csv

from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses

SCALING = [
    *("flops_budget", "depth", "model_dim", "params_wte", "params_value_embeds", "params_lm_head"),
    *("params_transformer", "params_scalars", "params_total", "num_iterations", "tokens_trained"),
    *("val_bpb", "core_score", "train_time_sec"),
]
MINISERIES = [
    *("depth", "model_dim", "num_params", "num_scaling_params", "num_iterations"),
    *("tokens_trained", "param_data_ratio", "val_bpb", "core_score", "train_time_sec"),
]


def run(budget, depth, bits, core=""):
    parts = [20_000_000, 20_000_000, 20_000_000, 39_999_900, 100]
    return [budget, depth, 640, *parts, 100_000_000, 3000, 1_600_000_000, bits, core, 360]


def scaling(path, *rows):
    return write_csv(path, [SCALING, *rows])


def test_each_row_is_a_run_with_its_parameters_by_part(tmp_path):
    path = scaling(
        tmp_path / "results.csv", run("1e18", 10, 0.95, 0.12), run("1e18", 12, 0.94, 0.1)
    )
    found = import_losses("nanochat", [path], ImportOptions(corpus="climbmix"))
    frame = found.frame.set_index(["run", "metric"])
    row = frame.loc[("1e18_d10", "bits_per_byte")]
    assert (row["family"], row["domain"], row["value"]) == ("validation", "own", 0.95)
    assert (row["budget"], row["training_flops"]) == ("1e18", 1e18)
    assert row["num_params_embedding"] == 40_000_000
    assert row["num_params_head"] == 20_000_000
    assert row["num_params_transformer"] == 40_000_000
    assert (row["num_params_total"], row["tokens"]) == (100_000_000, 1_600_000_000)
    assert frame.loc[("1e18_d12", "core_score"), "value"] == 0.1
    assert any("'core_score'" in line for line in found.decisions)


def test_the_miniseries_needs_flops(tmp_path):
    rows = [[depth, 640, 10**8, 5 * 10**7, 3000, 2 * 10**9, 20, 0.9, "", 60] for depth in (10, 12)]
    path = write_csv(tmp_path / "results.csv", [MINISERIES, *rows])
    with pytest.raises(ValueError, match=r"line 2: 2 run\(s\) lack facts .*'d10' lacks training_f"):
        import_losses("nanochat", [path], ImportOptions(corpus="c"))
    found = import_losses("nanochat", [path], ImportOptions(corpus="c", six_nd=True))
    assert set(found.frame["training_flops"]) == {6 * 1e8 * 2e9}
    assert any("column core_score is empty in all rows" in line for line in found.left_out)


def test_a_run_without_a_score_is_an_excluded_row(tmp_path):
    path = scaling(tmp_path / "r.csv", run("1e18", 10, 0.95, 0.12), run("1e18", 12, "", "NaN"))
    frame = import_losses("nanochat", [path], ImportOptions(corpus="c")).frame
    rows = frame.set_index(["run", "metric"])
    assert rows.loc[("1e18_d12", "bits_per_byte"), "excluded_reason"] == "empty cell"
    assert rows.loc[("1e18_d12", "core_score"), "excluded_reason"] == "logged as NaN"
    assert pd.isna(rows.loc[("1e18_d12", "core_score"), "value"])


def test_a_run_of_another_corpus_in_the_table_of_runs_wins(tmp_path):
    path = scaling(tmp_path / "results.csv", run("1e18", 10, 0.95))
    table = run_facts(tmp_path / "runs.csv", [])
    table.write_text("run,corpus,tokens\n1e18_d10,mine,1700000000\n")
    found = import_losses("nanochat", [path], ImportOptions(runs=table))
    assert set(found.frame["corpus"]) == {"mine"} and set(found.frame["tokens"]) == {1_700_000_000}
    assert any("tokens 1600000000 -> 1700000000" in line for line in found.decisions)


BAD = {
    "other version": ([["depth", "bpb"], [10, 0.9]], r"no column tokens_trained, val_bpb"),
    "no total": (
        [["depth", "tokens_trained", "val_bpb"], [10, 10**9, 0.9]],
        r"no column params_total or num_params",
    ),
    "no rows": ([SCALING], r"has no rows below the header"),
    "twice": ([SCALING, run("1e18", 10, 0.9), run("1e18", 10, 0.9)], r"run '1e18_d10' is also in"),
    "depth": ([SCALING, run("1e18", "", 0.9)], r"line 2: depth is empty"),
    "budget": ([SCALING, run("high", 10, 0.9)], r"line 2: flops_budget is 'high', not a number"),
    "header": ([SCALING, run("1e18", 10, 0.9), SCALING], r"line 3: the header is repeated"),
    "unit": (
        [SCALING, [*run("1e18", 10, 0.9)[:8], 100, *run("1e18", 10, 0.9)[9:]]],
        r"one of the three is in another unit",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_broken_table_is_named_with_its_place(tmp_path, case):
    rows, message = BAD[case]
    path = write_csv(tmp_path / "results.csv", rows)
    with pytest.raises(ValueError, match=rf"results\.csv: .*{message}|results\.csv: {message}"):
        import_losses("nanochat", [path], ImportOptions(corpus="c"))
