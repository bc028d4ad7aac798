"""Format `olmo_ladder`: the files `<size>-<multiple>xC.csv` of the OLMo ladder.

Bhagia et al. (2024), Establishing Task Scaling Laws via Compute-Efficient Model Ladders, arXiv
2412.04403. One file per run, with a row per evaluation. The last row is the trained model, whose
learning rate has decayed.
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from relscale.contract.csv_text import read_csv_text
from relscale.importers.cells import amount, count, value_of
from relscale.importers.importer import (
    Imported,
    ImportedRun,
    ImportedValue,
    Importer,
    ImportOptions,
    listing,
)
from relscale.importers.input_files import check_ending, input_files
from relscale.importers.run_facts import rows_of

SIZES = {
    "190M": 190_354_176,
    "370M": 371_262_464,
    "760M": 758_220_288,
    "1B": 1_279_395_840,
    "3B": 3_169_537_280,
}
"""Parameters of the published models."""
CORPUS = "olmo_mix"
"""The corpus of the ladder, one for all runs (the OLMo 2 pre-training mix)."""
TOKENS_PER_PARAMETER = 20
"""Tokens per parameter of the multiple 1xC."""
TOKENS, GIGAFLOPS = "throughput/total_tokens", "throughput/total_training_Gflops"
"""Columns of tokens seen and FLOPs spent since the start."""
TEXTS = {
    "c4_en": "C4",
    "dolma_books": "Dolma books",
    "dolma_common-crawl": "Dolma Common Crawl",
    "dolma_pes2o": "Dolma peS2o",
    "dolma_reddit": "Dolma Reddit",
    "dolma_stack": "Dolma Stack",
    "dolma_wiki": "Dolma Wikipedia",
    "ice": "ICE",
    "m2d2_s2orc": "M2D2 S2ORC",
    "pile": "Pile",
    "wikitext_103": "WikiText-103",
}
"""Names of the text sets; others keep the name of their column."""
_NAME = re.compile(r"(?P<size>\d+[MB])-(?P<multiple>\d+(?:\.\d+)?)xC")
_TEXT = re.compile(r"eval/(.+)-validation/CrossEntropyLoss")
_TASK = re.compile(r"eval/downstream(?:_bpb)?/(.+)_(bpb|len_norm|acc)")
_METRICS = {"bpb": "bits_per_byte", "len_norm": "acc_norm", "acc": "acc"}
"""Metrics of tasks. `len_norm` divides log-likelihoods by the characters of an option, as
lm-evaluation-harness does for `acc_norm`."""


def _read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    files, left_out = input_files(
        paths, lambda name: name.endswith("xC.csv"), "file <size>-<multiple>xC.csv"
    )
    runs, values, earlier, planned = [], [], 0, []
    others: dict[str, None] = {}
    for file in files:
        run, last, rows = _run(file.path)
        earlier += rows - 1
        others |= dict.fromkeys(name for name in last if not _is_read(name))
        values += _values(run, last)
        params = run.num_params_total
        if run.tokens is None and params is not None:
            tokens = round(_multiple(file.path) * TOKENS_PER_PARAMETER * params)
            run = dataclasses.replace(run, tokens=tokens)
            planned.append(run.run)
        runs.append(run)
    decisions = ["each run has its last evaluation, after the learning rate has decayed"]
    if planned:
        decisions.append(
            f"tokens of {listing(planned)} are multiple x {TOKENS_PER_PARAMETER} x parameters, as "
            "planned: the file has no column throughput/total_tokens"
        )
    left_out.append(f"{earlier} evaluation(s) before the last one of their run")
    if others:
        left_out.append(
            f"{len(others)} column(s), among them the soft scores, whose normalization the files "
            f"do not state: {listing(list(others))}"
        )
    return Imported(runs=runs, values=values, decisions=decisions, left_out=left_out)


def _multiple(path: Path) -> float:
    """Return the multiple of the Chinchilla token count in the name of a file."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        raise ValueError(f"{path}: the name must be <size>-<multiple>xC.csv, such as 190M-0.5xC")
    return float(match["multiple"])


def _run(path: Path) -> tuple[ImportedRun, dict[str, str], int]:
    """Return a run, its last row, and the number of rows."""
    check_ending(path, ".csv")
    _multiple(path)
    table = read_csv_text(path)
    if "_step" not in table.header:
        raise ValueError(f"{path}: no column _step; it has {listing(list(table.header))}")
    if not table.rows:
        raise ValueError(f"{path}: has no rows")
    rows = rows_of(table, path)
    where, last = max(rows, key=lambda row: _step(*row))
    gigaflops = amount(last.get(GIGAFLOPS, ""), where, GIGAFLOPS)
    run = ImportedRun(
        run=path.stem,
        where=where,
        corpus=CORPUS,
        num_params_total=SIZES.get(path.stem.partition("-")[0]),
        tokens=count(last.get(TOKENS, ""), where, TOKENS),
        training_flops=None if gigaflops is None else 1e9 * gigaflops,
    )
    return run, last, len(rows)


def _step(where: str, row: dict[str, str]) -> int:
    step = count(row["_step"], where, "_step")
    if step is None:
        raise ValueError(f"{where}: _step is {row['_step']!r}: a number is needed")
    return step


def _values(run: ImportedRun, row: dict[str, str]) -> list[ImportedValue]:
    """Return the values of the columns that are read."""
    values = []
    for name, cell in row.items():
        if column := _column(name):
            value, reason = value_of(cell, run.where, name)
            values.append(
                ImportedValue(
                    run=run.run,
                    where=f"{run.where}: {name}",
                    family=column[0],
                    domain=column[1],
                    metric=column[2],
                    value=value,
                    excluded_reason=reason,
                )
            )
    return values


def _is_read(name: str) -> bool:
    """Return whether a column is read."""
    return name in ("_step", TOKENS, GIGAFLOPS) or _column(name) is not None


def _column(name: str) -> tuple[str, str, str] | None:
    """Return family, domain and metric of a column, or None."""
    if match := _TEXT.fullmatch(name):
        return "texts", TEXTS.get(match[1], match[1]), "loss"
    if match := _TASK.fullmatch(name):
        task = match[1].removesuffix("_rc_5shot")
        family = "mmlu" if task.startswith("mmlu_") else "tasks"
        return family, task.removeprefix("mmlu_"), _METRICS[match[2]]
    return None


IMPORTER = Importer(
    name="olmo_ladder",
    description="files <size>-<multiple>xC.csv of the OLMo ladder",
    read=_read,
    families=("texts", "tasks", "mmlu"),
)
