"""Format `olmo_ladder`: files of the OLMo ladder."""

import os
from pathlib import Path

import pytest
from imported_files import ladder_header, ladder_row, write_csv

from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses

REAL = os.environ.get("RELSCALE_OLMO_LADDER", "")


def ladder(folder, sizes=("190M", "1B")):
    for size, scale in zip(sizes, (1.0, 0.9), strict=True):
        for multiple in ("0.5", "2"):
            tokens = 2e9 * float(multiple)
            rows = [ladder_row(step, scale * (5 - step / 1000), tokens, 2e9) for step in (200, 900)]
            write_csv(folder / f"{size}-{multiple}xC.csv", [ladder_header(), *rows])
    return folder


def test_each_file_is_a_run_with_its_last_row(tmp_path):
    found = import_losses("olmo_ladder", [ladder(tmp_path)])
    frame = found.frame
    assert sorted(frame["run"].unique()) == ["190M-0.5xC", "190M-2xC", "1B-0.5xC", "1B-2xC"]
    row = frame[(frame["run"] == "190M-2xC") & (frame["domain"] == "C4")].iloc[0]
    assert (row["family"], row["metric"], row["unit"]) == ("texts", "loss", "nats")
    assert row["value"] == pytest.approx(5 - 0.9)
    assert (row["num_params_total"], row["tokens"]) == (190_354_176, 4_000_000_000)
    assert (row["training_flops"], row["budget"]) == (2e18, "2.0e18")
    assert "4 evaluation(s) before the last one of their run" in found.left_out
    assert any("soft" in line for line in found.left_out)


def test_tasks_and_mmlu_groups_are_families_of_their_own(tmp_path):
    frame = import_losses("olmo_ladder", [ladder(tmp_path)]).frame
    found = set(zip(frame["family"], frame["domain"], frame["metric"], strict=True))
    assert found == {
        ("texts", "C4", "loss"),
        ("texts", "ICE", "loss"),
        ("mmlu", "stem_test", "bits_per_byte"),
        ("tasks", "arc_easy_val", "bits_per_byte"),
        ("tasks", "arc_easy_val", "acc_norm"),
        ("tasks", "boolq_val", "acc"),
    }
    one = import_losses("olmo_ladder", [tmp_path], ImportOptions(family="texts")).frame
    assert set(one["family"]) == {"texts"}


def test_tokens_are_planned_ones_if_the_file_lacks_them(tmp_path):
    header = [name for name in ladder_header() if not name.startswith("throughput/")]
    row = ladder_row(900, 4.0, 1.0, 1.0)
    write_csv(tmp_path / "190M-0.5xC.csv", [header, [*row[: len(header) - 1], 0.1]])
    found = import_losses("olmo_ladder", [tmp_path], ImportOptions(six_nd=True))
    assert set(found.frame["tokens"]) == {10 * 190_354_176}
    assert any("multiple x 20 x parameters" in line for line in found.decisions)


def test_the_last_step_counts_in_any_order_of_the_rows(tmp_path):
    rows = [ladder_row(step, step / 1000, 2e9, 2e9) for step in (900, 200)]
    write_csv(tmp_path / "190M-1xC.csv", [ladder_header(), *rows])
    frame = import_losses("olmo_ladder", [tmp_path]).frame
    assert set(frame.loc[frame["domain"] == "C4", "value"]) == {0.9}


BAD = {
    "name": ("big.csv", "_step\n1\n", r"the name must be <size>-<multiple>xC\.csv"),
    "rows": ("190M-1xC.csv", "_step,a\n", r"has no rows"),
    "step": ("190M-1xC.csv", "step,a\n1,2\n", r"no column _step; it has 'step', 'a'"),
    "empty step": ("190M-1xC.csv", "_step,a\n,2\n", r"line 2: _step is ''"),
    "merged": ("190M-1xC.csv", "_step,a,a\n1,2,3\n", r"column\(s\) a more than once"),
    "tabs": ("190M-1xC.csv", "_step\ta\n1\t2\n", r"separated by tabs"),
    "no values": ("190M-1xC.csv", "_step,a\n1,2\n", r"no run has a value"),
    "text": (
        "190M-1xC.csv",
        "_step,eval/ice-validation/CrossEntropyLoss\n1,x\n",
        r"line 2: eval/ice-validation/CrossEntropyLoss is 'x', not a number",
    ),
    "cut": ("190M-1xC.csv", "_step,a\n1,2\n2\n", r"line 3: the number of columns differs"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_broken_file_is_named_with_its_place(tmp_path, case):
    name, text, message = BAD[case]
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        import_losses("olmo_ladder", [path])


def test_an_unknown_size_needs_its_parameters(tmp_path):
    write_csv(tmp_path / "7B-1xC.csv", [ladder_header(), ladder_row(9, 2.0, 1.4e11, 6e12)])
    with pytest.raises(ValueError, match=r"'7B-1xC' lacks num_params_total: give a CSV file"):
        import_losses("olmo_ladder", [tmp_path])
    table = write_csv(tmp_path / "runs.csv", [["run", "num_params_total"], ["7B-1xC", 7 * 10**9]])
    found = import_losses("olmo_ladder", [tmp_path / "7B-1xC.csv"], ImportOptions(runs=table))
    assert set(found.frame["num_params_total"]) == {7 * 10**9}


@pytest.mark.skipif(not REAL, reason="RELSCALE_OLMO_LADDER does not name the ladder's folder")
def test_the_published_ladder_has_25_runs():
    frame = import_losses("olmo_ladder", [Path(REAL)]).frame
    runs = frame.drop_duplicates("run")
    assert len(runs) == 25 and runs["num_params_total"].nunique() == 5
    multiples = runs["run"].str.extract(r"-([\d.]+)xC")[0].astype(float)
    planned = 20 * multiples * runs["num_params_total"].astype(float)
    assert (abs(runs["tokens"].astype(float) / planned - 1) < 0.01).all()
    assert frame[frame["family"] == "texts"]["domain"].nunique() == 11
    assert frame["value"].notna().all()
