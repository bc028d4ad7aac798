"""Format `llm_line`: llm-line's table of models."""

import os
from pathlib import Path

import pandas as pd
import pytest
from imported_files import LLM_LINE_HEADER, LLM_LINE_KINDS, write_csv

from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses

REAL = os.environ.get("RELSCALE_LLM_LINE", "")


def row(name, corpus, size, tokens, c4, steps=""):
    facts = [name, "Llama", size, corpus, "", steps, "gpt2-HF", "", tokens]
    values = [c4, c4 / 4, 3.5, 0.875, 0.5, 5.0, 1.25, "", ""]
    return [*facts, *values, "True", "False", "True", "False"]


def table(path, *rows):
    return write_csv(path, [LLM_LINE_HEADER, LLM_LINE_KINDS, *rows])


def read(path, **options):
    return import_losses("llm_line", [path], ImportOptions(six_nd=True, **options))


def test_each_row_is_a_run_with_its_facts_and_values(tmp_path):
    path = table(
        tmp_path / "models.csv",
        row("org/a", "C4", 10**9, 2 * 10**10, 3.0),
        row("org/b", "The Pile", 2 * 10**9, 4 * 10**10, 2.5),
    )
    found = read(path)
    frame = found.frame.set_index(["run", "domain", "metric"])
    assert frame.loc[("org/a", "C4", "loss"), "value"] == 3.0
    assert frame.loc[("org/a", "C4", "bits_per_byte"), "value"] == 0.75
    assert frame.loc[("org/b", "ARC-Easy", "acc"), "value"] == 0.5
    first = frame.loc[("org/a", "C4", "loss")]
    assert (first["corpus"], first["recipe"], first["family"]) == ("C4", "Llama, gpt2-HF", "texts")
    assert first["training_flops"] == 6 * 1e9 * 2e10
    assert "MMLU Accuracy', 'MMLU_stem Loss'" in found.left_out[0]


def test_checkpoints_of_a_model_are_runs_named_by_step_or_line(tmp_path):
    path = table(
        tmp_path / "models.csv",
        row("org/a", "C4", 10**9, 2 * 10**10, 3.0, steps="1000.0"),
        row("org/a", "C4", 10**9, 4 * 10**10, 2.5, steps="2000.0"),
        row("org/b", "C4", 10**9, 4 * 10**10, 2.5),
        row("org/b", "C4", 10**9, 6 * 10**10, 2.4),
    )
    assert sorted(read(path).frame["run"].unique()) == [
        "org/a step 1000",
        "org/a step 2000",
        "org/b line 5",
        "org/b line 6",
    ]


def test_runs_without_size_and_tokens_are_an_error_or_left_out(tmp_path):
    path = table(
        tmp_path / "models.csv",
        row("org/a", "C4", 10**9, 2 * 10**10, 3.0),
        row("org/b", "Dolma", "", "", 2.5),
    )
    with pytest.raises(ValueError, match=r"line 4: 1 run\(s\) lack facts .*'org/b' lacks num_par"):
        read(path)
    found = read(path, leave_out_incomplete=True)
    assert set(found.frame["run"]) == {"org/a"}
    assert any("'org/b' lacks num_params_total, tokens" in line for line in found.left_out)


def test_an_empty_cell_is_an_excluded_row(tmp_path):
    rows = [row("a", "C4", 10**9, 2 * 10**10, 3.0), row("b", "C4", 10**9, 2 * 10**10, 3.0)]
    rows[1][9] = ""
    frame = read(table(tmp_path / "models.csv", *rows)).frame.set_index(["run", "domain", "metric"])
    assert frame.loc[("b", "C4", "loss"), "excluded_reason"] == "empty cell"
    assert pd.isna(frame.loc[("b", "C4", "loss"), "value"])


GOOD = row("a", "C4", 10**9, 2 * 10**10, 3.0)
BAD = {
    "one header": ([LLM_LINE_HEADER, GOOD], r"line 2: must be the second row of the header"),
    "no rows": ([LLM_LINE_HEADER, LLM_LINE_KINDS], r"has no rows below the header"),
    "empty": ([[]], r"no column Name, Architecture"),
    "twice": (
        [[*LLM_LINE_HEADER, "Size"], [*LLM_LINE_KINDS, ""]],
        r"column\(s\) Size more than once in the header",
    ),
    "cut": ([LLM_LINE_HEADER, LLM_LINE_KINDS, GOOD[:-2]], r"line 3: the number of columns differs"),
    "nameless": ([LLM_LINE_HEADER, LLM_LINE_KINDS, ["", *GOOD[1:]]], r"line 3: Name is empty"),
    "size": (
        [LLM_LINE_HEADER, LLM_LINE_KINDS, [*GOOD[:2], "1.7B", *GOOD[3:]]],
        r"line 3: Size is '1.7B', not a number",
    ),
    "percent": (
        [LLM_LINE_HEADER, LLM_LINE_KINDS, [*GOOD[:13], 45.5, *GOOD[14:]]],
        r"line 3: .*acc of domain 'ARC-Easy', run 'a', is 45.5: a share from 0 to 1",
    ),
    "millions": (
        [LLM_LINE_HEADER, LLM_LINE_KINDS, [*GOOD[:2], "1000.5", *GOOD[3:]]],
        r"line 3: Size is 1000.5: a positive whole number",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_broken_table_is_named_with_its_place(tmp_path, case):
    rows, message = BAD[case]
    path = write_csv(tmp_path / "models.csv", rows)
    with pytest.raises(ValueError, match=rf"models\.csv: .*{message}|models\.csv: {message}"):
        read(path)


def test_another_separator_is_refused(tmp_path):
    path = table(tmp_path / "models.csv", GOOD)
    path.write_text(path.read_text().replace(",", ";"))
    with pytest.raises(ValueError, match=r"columns are separated by commas, and it has 'Name;Arc"):
        read(path)


@pytest.mark.skipif(not REAL, reason="RELSCALE_LLM_LINE does not name llm-line's models.csv")
def test_the_published_table_has_83_models_with_sizes_and_tokens():
    frame = read(Path(REAL), leave_out_incomplete=True).frame
    assert frame["run"].nunique() == 83 and frame["corpus"].nunique() == 4
    c4 = frame[(frame["domain"] == "C4") & (frame["metric"] == "bits_per_byte")]
    assert c4["value"].between(0.8, 1.6).sum() == c4["value"].notna().sum()
