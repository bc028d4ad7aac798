"""Format `wandb`: CSV files exported from Weights & Biases.

A chart's export has one column per run, named `<run> - <logged name>`, two more columns with
`__MIN` and `__MAX` after it, and the x axis as its first column. The export of the table of runs
has one row per run, with configuration and last values as columns.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from relscale.contract.csv_text import CsvText, read_csv_text
from relscale.importers.cells import number, value_of
from relscale.importers.curves import LoggedValue, last_values, tokens_at
from relscale.importers.importer import (
    Imported,
    ImportedRun,
    ImportedValue,
    Importer,
    ImportOptions,
    listing,
)
from relscale.importers.input_files import check_ending, input_files
from relscale.importers.logged_names import LoggedNames
from relscale.importers.run_facts import rows_of, stated

FAMILY = "evaluations"
"""Family of the values, if the user names none."""
BETWEEN = " - "
"""Separates the name of a run from the logged name."""
SPREAD = ("__MIN", "__MAX")
"""Ends of the columns with the extremes of the values that a point stands for."""
GROUP = "Group: "
"""Begins the name of a column with the mean of several runs."""
NAME, STATE, FINISHED = "Name", "State", "finished"
"""Columns of the table of runs, and the state of a complete run."""


def _read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    files, left_out = input_files(paths, lambda name: name.endswith(".csv"), "CSV file")
    names = LoggedNames(options)
    family = options.family or FAMILY
    listed: list[ImportedRun] = []
    values: list[ImportedValue] = []
    logged: list[LoggedValue] = []
    for file in files:
        check_ending(file.path, ".csv")
        found = read_csv_text(file.path)
        if not found.rows:
            raise ValueError(f"{file.path}: has no rows below the header")
        if NAME in found.header:
            for where, row in rows_of(found, file.path):
                run = _listed_run(row, where, options)
                listed.append(run)
                values += _values_of_row(run, row, names, family)
        else:
            logged += _chart(found, file.path, names)
    if not values and not logged:
        raise ValueError(f"{files[0].path}: {names.problem()}")
    last = last_values(logged, family)
    decisions = [*last.decisions, *_axes(logged, options)]
    known = {run.run for run in listed}
    charted = {one.run: one.where for one in logged if one.run not in known}
    runs = [*listed, *(ImportedRun(run=run, where=where) for run, where in charted.items())]
    if options.x_is_tokens:
        runs = [
            dataclasses.replace(run, tokens=tokens_at(last.steps[run.run], run, True))
            if run.run in last.steps
            else run
            for run in runs
        ]
    return Imported(
        runs=runs,
        values=[*values, *last.values],
        decisions=decisions if logged else ["each run has the last value that W&B lists"],
        left_out=[*left_out, *names.left_out(), *last.notes],
    )


def _axes(logged: Sequence[LoggedValue], options: ImportOptions) -> list[str]:
    """Return a decision about charts that have different x axes.

    Raises:
        ValueError: naming the axes, if the x axis is stated to be the tokens.
    """
    axes = {one.axis: one.where.rpartition(": line ")[0] for one in reversed(logged)}
    if len(axes) < 2:
        return []
    named = ", ".join(f"{axis!r} in {path}" for axis, path in sorted(axes.items()))
    if options.x_is_tokens:
        raise ValueError(
            f"--x-is-tokens: the charts have {len(axes)} different x axes, {named}: export all of "
            "them over tokens"
        )
    return [
        f"the charts have {len(axes)} different x axes, {named}: whether the last values of a run "
        "are of one step is not known"
    ]


def _listed_run(row: Mapping[str, str], where: str, options: ImportOptions) -> ImportedRun:
    """Return the run of a row of the table of runs.

    Raises:
        ValueError: naming the place, if its name is empty or a fact of `--column` is wrong.
    """
    facts: dict[str, Any] = stated(row, options, where)
    state = row.get(STATE, FINISHED)
    if state.lower() not in ("", FINISHED):
        facts.setdefault("excluded_reason", f"the run is {state}")
    facts.setdefault("run", row[NAME])
    if not facts["run"]:
        raise ValueError(f"{where}: the name of the run is empty")
    return ImportedRun(where=where, **facts)


def _values_of_row(
    run: ImportedRun, row: Mapping[str, str], names: LoggedNames, family: str
) -> list[ImportedValue]:
    """Return the last values of a run, which the table of runs lists."""
    values = []
    for name, cell in row.items():
        if name in (NAME, STATE) or (key := names.split(name)) is None:
            continue
        value, reason = value_of(cell, run.where, name)
        values.append(
            ImportedValue(
                run=run.run,
                where=f"{run.where}: {name}",
                family=family,
                domain=key[0],
                metric=key[1],
                value=value,
                excluded_reason=reason,
            )
        )
    return values


def _chart(found: CsvText, path: Path, names: LoggedNames) -> list[LoggedValue]:
    """Return all values of a chart's export.

    Raises:
        ValueError: naming file, line and column, for a file of another shape, a mean over a group
            of runs, or a cell that is not a number.
    """
    x = found.header[0]
    columns = {
        index: tuple(name.rsplit(BETWEEN, 1))
        for index, name in enumerate(found.header)
        if BETWEEN in name and not name.endswith(SPREAD)
    }
    if not columns or BETWEEN in x:
        raise ValueError(
            f"{path}: is not an export of a W&B chart or table of runs: the first column must be "
            f"the x axis and others named 'run{BETWEEN}metric', or one must be {NAME}; it has "
            f"{listing(found.header)}"
        )
    if groups := [
        found.header[index] for index in columns if found.header[index].startswith(GROUP)
    ]:
        raise ValueError(
            f"{path}: {listing(groups, 3)}: means over groups of runs; export the chart ungrouped"
        )
    keys = {
        index: (run, key)
        for index, (run, logged) in columns.items()
        if not logged.startswith("_") and (key := names.split(logged))
    }
    values = []
    for cells, line in zip(found.rows, found.lines, strict=True):
        where = f"{path}: line {line}"
        step = number(cells[0], where, x)
        if step is None or math.isnan(step):
            raise ValueError(f"{where}: {x} is {cells[0]!r}: a number is needed")
        for index, (run, (domain, metric)) in keys.items():
            value = number(cells[index], where, found.header[index])
            if value is not None:
                values.append(
                    LoggedValue(
                        run=run,
                        domain=domain,
                        metric=metric,
                        step=step,
                        value=value,
                        where=where,
                        axis=x,
                    )
                )
    return values


IMPORTER = Importer(
    name="wandb",
    description="CSV files exported from charts or the table of runs of Weights & Biases",
    read=_read,
)
