"""Facts about runs that the imported files lack: from the table of runs and from the options.

Nothing is guessed. A run that lacks a needed fact is an error that names the run and the columns,
or, if the user asks for it, is left out.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relscale.contract.columns import MISSING
from relscale.contract.csv_text import CsvText, read_csv_text
from relscale.contract.losses import RUN_COLUMNS
from relscale.contract.units import EXPECTED
from relscale.importers.cells import amount, count
from relscale.importers.importer import ImportedRun, ImportOptions, listing

TEXTS = ("corpus", "run", "recipe", "budget", "excluded_reason")
"""Columns of names."""
FLOPS = ("forward_flops", "training_flops")
FACTS = (*RUN_COLUMNS, "excluded_reason")
"""Columns that the table of runs may have."""
NEEDED = ("corpus", "num_params_total", "tokens")
"""CompletedRuns that every run needs, in addition to one of the FLOPs."""
SHOWN = 8
"""Most incomplete runs that an error lists."""


@dataclass
class CompletedRuns:
    """Completed runs, with assumptions and runs left out."""

    runs: list[ImportedRun]
    """The runs to keep, complete."""
    decisions: list[str] = field(default_factory=list)
    """Assumptions, one sentence each."""
    left_out: list[str] = field(default_factory=list)
    """Runs that were left out, one sentence each."""


def fact(name: str, cell: str, where: str) -> str | int | float | None:
    """Return the value of a cell of a column about runs; None if it is missing.

    Raises:
        ValueError: naming place, column and value, if it is not of the column's type.
    """
    if name in TEXTS:
        return cell or None
    if name in FLOPS:
        return amount(cell, where, name)
    if name == "seed":
        if cell in MISSING:
            return None
        if not (cell.isascii() and cell.isdecimal() and len(cell) < 19):
            raise ValueError(f"{where}: seed is {cell!r}: a whole number is needed")
        return int(cell)
    return count(cell, where, name)


def read_runs(path: Path) -> dict[str, dict[str, str | int | float | None]]:
    """Read the table of runs: the facts of each run by its name.

    Raises:
        ValueError: naming file and line, for a missing column `run`, another column than `FACTS`, a
            cell of another type, an empty name, or a run with two rows.
    """
    found = read_csv_text(path)
    if "run" not in found.header:
        raise ValueError(f"{path}: no column run; it has {', '.join(found.header)}")
    unknown = [name for name in found.header if name not in FACTS]
    if unknown:
        raise ValueError(
            f"{path}: column(s) {listing(unknown)} are not known; the choices are "
            f"{', '.join(FACTS)}"
        )
    facts: dict[str, dict[str, str | int | float | None]] = {}
    for where, row in rows_of(found, path):
        run = row["run"]
        if not run:
            raise ValueError(f"{where}: run is empty")
        if run in facts:
            raise ValueError(f"{where}: run {run!r} has more than one row")
        facts[run] = {name: fact(name, cell, where) for name, cell in row.items() if name != "run"}
    return facts


def rows_of(found: CsvText, path: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a CSV table by column, each with words for its place."""
    return [
        (f"{path}: line {line}", dict(zip(found.header, cells, strict=True)))
        for line, cells in zip(found.lines, found.rows, strict=True)
    ]


def stated(row: Mapping[str, str], options: ImportOptions, where: str) -> dict[str, object]:
    """Return the facts that the user's `--column` finds in a row of the imported file.

    Raises:
        ValueError: for a fact that is not known, a missing column, or a cell of another type.
    """
    facts: dict[str, object] = {}
    for ours, theirs in options.columns.items():
        if ours not in FACTS:
            raise ValueError(
                f"--column {ours}={theirs}: {ours!r} is not known; the choices are "
                f"{', '.join(FACTS)}"
            )
        if theirs not in row:
            raise ValueError(
                f"{where}: --column {ours}={theirs}: no column {theirs!r}; it has "
                f"{listing(list(row), 30)}"
            )
        facts[ours] = fact(ours, row[theirs], f"{where}: {theirs}")
    return facts


def completed(runs: Sequence[ImportedRun], options: ImportOptions) -> CompletedRuns:
    """Return runs with all facts that are needed.

    Raises:
        ValueError: naming the runs, and the columns that each of them lacks.
    """
    facts = CompletedRuns(runs=list(runs))
    if options.runs is not None:
        _add_table(facts, options.runs)
    if options.corpus is not None:
        facts.runs = [
            dataclasses.replace(run, corpus=options.corpus) if run.corpus is None else run
            for run in facts.runs
        ]
    _add_derived(facts, options)
    _check_complete(facts, options)
    return facts


def _add_table(facts: CompletedRuns, path: Path) -> None:
    """Add the facts of the table of runs, which replace those of the files."""
    table, replaced = read_runs(path), []
    names = {run.run for run in facts.runs}
    if not names & set(table):
        raise ValueError(
            f"{path}: has none of the imported runs; they are {listing(sorted(names))}, and it has "
            f"{listing(list(table))}"
        )
    if others := [name for name in table if name not in names]:
        facts.left_out.append(f"{path}: run(s) that the files do not have: {listing(others)}")
    for index, run in enumerate(facts.runs):
        added = {name: value for name, value in table.get(run.run, {}).items() if value is not None}
        replaced += [
            f"{run.run}: {name} {getattr(run, name)} -> {value}"
            for name, value in added.items()
            if getattr(run, name) not in (None, value)
        ]
        if added:
            facts.runs[index] = dataclasses.replace(run, **added)  # type: ignore[arg-type]
    if replaced:
        facts.decisions.append(f"{path} replaces what the files state: {listing(replaced)}")


def _add_derived(facts: CompletedRuns, options: ImportOptions) -> None:
    """Add training FLOPs, if asked for, the FLOPs of the other axis, and labels of budgets."""
    derived = labelled = 0
    for index, run in enumerate(facts.runs):
        training, forward, budget = run.training_flops, run.forward_flops, run.budget
        if training is None and forward is None and options.six_nd:
            if run.num_params_total is None or run.tokens is None:
                continue
            training = EXPECTED["training_flops"] * run.num_params_total * run.tokens
            derived += 1
        if training is None and forward is not None:
            training = 3 * forward
        if training is None:
            continue
        if budget is None:
            budget = f"{training:.1e}".replace("e+", "e")
            labelled += 1
        facts.runs[index] = dataclasses.replace(
            run,
            training_flops=training,
            forward_flops=training / 3 if forward is None else forward,
            budget=budget,
        )
    if derived:
        facts.decisions.append(
            f"training_flops of {derived} run(s) is 6 x num_params_total x tokens (--six-nd)"
        )
    if labelled:
        facts.decisions.append(
            f"budget of {labelled} run(s) is training_flops to two digits; give the planned "
            "budgets in a column budget of --runs if there are any"
        )


def _check_complete(facts: CompletedRuns, options: ImportOptions) -> None:
    """Check that no run lacks a fact, or leave out those that do.

    Raises:
        ValueError: naming the runs and the columns.
    """
    lacking = {run.run: _missing(run) for run in facts.runs}
    incomplete = [run for run in facts.runs if lacking[run.run]]
    if not incomplete:
        return
    shown = [f"{run.run!r} lacks {', '.join(lacking[run.run])}" for run in incomplete]
    text = "; ".join(shown[:SHOWN])
    if len(shown) > SHOWN:
        text += f"; and {len(shown) - SHOWN} more run(s)"
    if options.leave_out_incomplete:
        facts.runs = [run for run in facts.runs if not lacking[run.run]]
        facts.left_out.append(f"{len(incomplete)} run(s) that lack facts: {text}")
        if facts.runs:
            return
    raise ValueError(
        f"{incomplete[0].where}: {len(incomplete)} run(s) lack facts that laws need: {text}: give "
        "a CSV file with the columns run and those missing as --runs (--corpus NAME for the corpus "
        "of all runs, --six-nd for training_flops from parameters and tokens), or leave these runs "
        "out with --leave-out-incomplete"
    )


def _missing(run: ImportedRun) -> list[str]:
    missing = [name for name in NEEDED if getattr(run, name) is None]
    return missing + ([] if run.training_flops is not None else ["training_flops"])
