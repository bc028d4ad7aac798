"""Format `llm_line`: the table of models of llm-line.

Mayilvahanan et al. (2025), LLMs on the Line: Data Determines Loss-to-Loss Scaling Laws, arXiv
2502.12120. One row per model or checkpoint. The header has two rows, because six columns are all
named `Intervention`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from relscale.importers.cells import count, value_of
from relscale.importers.importer import (
    Imported,
    ImportedRun,
    ImportedValue,
    Importer,
    ImportOptions,
    listing,
)
from relscale.importers.input_files import check_ending, input_files
from relscale.text.formats import csv_rows

NAME, SIZE, TOKENS, STEPS = "Name", "Size", "Tokens", "Steps"
NEEDED = (NAME, "Architecture", SIZE, "Pretraining Data", STEPS, "Tokenizer", TOKENS)
"""Columns that the table must have."""
REPEATED = "Intervention"
"""The only name that several columns may have."""
METRICS = {"Loss": "loss", "BPB": "bits_per_byte", "Accuracy": "acc"}
"""Last words of the columns of values."""
_VALUE = re.compile(r"(.+?)( Validation)? (Loss|BPB|Accuracy)")
_NOT_DOMAINS = ("Train Loss", "Test Loss")


def _read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    files, left_out = input_files(paths, lambda name: name.endswith(".csv"), "CSV file")
    runs: list[ImportedRun] = []
    values: list[ImportedValue] = []
    for file in files:
        rows, columns = _rows(file.path)
        found = {name: column for name in columns if (column := _column(name))}
        filled = [name for name in found if any(row[name] for _, row in rows)]
        if not filled:
            raise ValueError(f"{file.path}: no column of values, such as 'C4 Validation Loss'")
        empty = [name for name in found if name not in filled]
        others = [name for name in columns if name not in found and name not in NEEDED]
        left_out.append(f"{file.path}: column(s) that are empty in all rows: {listing(empty)}")
        left_out.append(f"{file.path}: column(s) without values of a domain: {listing(others)}")
        for run, row in zip(_runs(rows), rows, strict=True):
            runs.append(run)
            values += [_value(run, name, row[1][name], found[name]) for name in filled]
    decisions = [
        "a model with several rows is one run per row, named after its step or its line",
        "losses are in nats per token of the model's own tokenizer; only bits_per_byte compares "
        "models with different tokenizers",
    ]
    return Imported(runs=runs, values=values, decisions=decisions, left_out=left_out)


def _rows(path: Path) -> tuple[list[tuple[str, dict[str, str]]], list[str]]:
    """Return the rows by column, each with its place, and the names of the columns.

    Raises:
        ValueError: naming file and line, for a missing column, a name that occurs twice, a second
            row that is not part of the header, or a row of another length.
    """
    check_ending(path, ".csv")
    lines = csv_rows(path)
    _, first = next(lines, (0, []))
    header = [cell.strip() for cell in first]
    if missing := [name for name in NEEDED if name not in header]:
        raise ValueError(
            f"{path}: is not llm-line's table of models: no column {', '.join(missing)}; columns "
            f"are separated by commas, and it has {listing(header)}"
        )
    twice = sorted(name for name, times in Counter(header).items() if name and times > 1)
    if others := [name for name in twice if name != REPEATED]:
        raise ValueError(f"{path}: column(s) {', '.join(others)} more than once in the header")
    line, second = next(lines, (0, []))
    kinds = [cell.strip() for cell in second]
    if len(kinds) != len(header) or kinds[header.index(NAME)]:
        raise ValueError(
            f"{path}: line {line}: must be the second row of the header, which is empty but for "
            f"the kinds of {REPEATED}"
        )
    names = [
        f"{name} {kind}" if name == REPEATED else name
        for name, kind in zip(header, kinds, strict=True)
    ]
    rows = []
    for line, raw in lines:
        if len(raw) != len(names):
            raise ValueError(
                f"{path}: line {line}: the number of columns differs from the header's: "
                f"{len(raw)}, not {len(names)}"
            )
        cells = [cell.strip() for cell in raw]
        if any(cells):
            rows.append((f"{path}: line {line}", dict(zip(names, cells, strict=True))))
    if not rows:
        raise ValueError(f"{path}: has no rows below the header")
    return rows, list(dict.fromkeys(names))


def _runs(rows: Sequence[tuple[str, dict[str, str]]]) -> list[ImportedRun]:
    """Return one run per row, with unique names."""
    times = Counter(row[NAME] for _, row in rows)
    named = [
        f"{row[NAME]} step {count(row[STEPS], where, STEPS)}"
        if times[row[NAME]] > 1 and row[STEPS]
        else row[NAME]
        for where, row in rows
    ]
    again = Counter(named)
    runs = []
    for name, (where, row) in zip(named, rows, strict=True):
        if not row[NAME]:
            raise ValueError(f"{where}: Name is empty")
        line = where.rpartition("line ")[2]
        recipe = ", ".join(part for part in (row["Architecture"], row["Tokenizer"]) if part)
        runs.append(
            ImportedRun(
                run=name if again[name] == 1 else f"{name} line {line}",
                where=where,
                corpus=row["Pretraining Data"] or None,
                recipe=recipe or None,
                num_params_total=count(row[SIZE], where, SIZE),
                tokens=count(row[TOKENS], where, TOKENS),
            )
        )
    return runs


def _column(name: str) -> tuple[str, str, str] | None:
    """Return family, domain and metric of a column, or None."""
    match = _VALUE.fullmatch(name)
    if match is None or name in _NOT_DOMAINS:
        return None
    domain, metric = match[1], METRICS[match[3]]
    if match[2]:
        return "texts", domain, metric
    if domain.startswith("MMLU_"):
        return "mmlu", domain.removeprefix("MMLU_"), metric
    return "tasks", domain, metric


def _value(run: ImportedRun, name: str, cell: str, column: tuple[str, str, str]) -> ImportedValue:
    value, reason = value_of(cell, run.where, name)
    return ImportedValue(
        run=run.run,
        where=f"{run.where}: {name}",
        family=column[0],
        domain=column[1],
        metric=column[2],
        value=value,
        excluded_reason=reason,
    )


IMPORTER = Importer(
    name="llm_line",
    description="the table of models of llm-line, models.csv",
    read=_read,
    families=("texts", "tasks", "mmlu"),
)
