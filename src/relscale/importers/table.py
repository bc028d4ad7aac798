"""Imported runs and values as a losses table: the function behind `relscale table import`.

Read `import_losses` first. `write` writes the table, and the notes next to it.
"""

import fnmatch
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.contract.directions import known_direction
from relscale.contract.io import write_table
from relscale.contract.losses import LOSSES_COLUMNS, LOSSES_KEY, RUN_COLUMNS
from relscale.contract.out_paths import check_out_file
from relscale.contract.typed import check_keys
from relscale.contract.units import unit_error
from relscale.files import write_text
from relscale.importers.formats import IMPORTERS
from relscale.importers.importer import (
    Imported,
    ImportedRun,
    ImportedValue,
    Importer,
    ImportOptions,
    listing,
)
from relscale.importers.logged_names import is_share, unit_of
from relscale.importers.run_facts import completed

INTEGERS = (
    "seed",
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
    "tokens",
    "num_items",
    "num_bytes",
    "num_truncated",
)
MAX_SHARE = 1 + 1e-6
"""A share may exceed 1 by rounding in single precision."""


@dataclass(frozen=True, kw_only=True)
class ImportedLosses:
    """A losses table, and everything that was decided on the way."""

    frame: pd.DataFrame
    """The losses table, with the columns of `relscale.contract.losses`."""
    decisions: tuple[str, ...]
    """Assumptions, one sentence each."""
    left_out: tuple[str, ...]
    """Contents of the files that the table lacks, one sentence each."""

    def notes(self) -> str:
        """Return the counts, the decisions and what was left out, as lines of text."""
        frame = self.frame
        domains = frame.groupby("family", sort=True)["domain"].nunique()
        lines = [
            f"{frame['run'].nunique()} run(s) of {frame['corpus'].nunique()} corpora, "
            f"{len(frame)} value(s)",
            *(f"family {family}: {number} domain(s)" for family, number in domains.items()),
        ]
        for title, sentences in (("Decisions", self.decisions), ("Left out", self.left_out)):
            lines += [f"{title}:", *(f"- {one}" for one in sentences or ("nothing",))]
        return "\n".join(lines) + "\n"

    def write(self, out: Path) -> Path:
        """Write the table, and the notes next to it; return the path of the notes.

        Raises:
            ValueError: for a name that `check_out` refuses.
        """
        check_out(out)
        notes = out.with_name(f"{out.name}.notes.txt")
        write_table(self.frame, out, LOSSES_COLUMNS)
        write_text(notes, self.notes())
        return notes


def check_out(out: Path) -> None:
    """Check the name of the table to write.

    Raises:
        ValueError: if it ends in neither .csv nor .parquet, or if no file can be written there.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"--out {out}: a losses table must end in .csv or .parquet")
    check_out_file(out, "--out")


def import_losses(
    name: str, paths: Sequence[Path], options: ImportOptions | None = None
) -> ImportedLosses:
    """Read files that another program wrote into a losses table.

    Args:
        name: the format, one of `relscale.importers.formats.IMPORTERS`.
        paths: files and folders.
        options: choices of the user.

    Raises:
        ValueError: for a format that is not known, a file that cannot be read or is of another
            format, a run that lacks a needed fact, or two values of one run, domain and metric; it
            names the file and the place.
    """
    options = options or ImportOptions()
    if name not in IMPORTERS:
        raise ValueError(f"format {name!r} is not known; the choices are {', '.join(IMPORTERS)}")
    importer = IMPORTERS[name]
    imported = importer.read(paths, options)
    where = ", ".join(str(path) for path in paths)
    values, dropped = _chosen(imported, importer, options, where)
    kept = _with_values(imported.runs, values)
    _check_values(values)
    facts = completed(kept, options)
    runs = {run.run: run for run in facts.runs}
    _check_runs(runs.values())
    frame = _frame([value for value in values if value.run in runs], runs)
    check_keys(frame, LOSSES_KEY, where)
    unknown = [one for one in sorted(set(frame["metric"])) if known_direction(one) is None]
    decisions = [*imported.decisions, *facts.decisions]
    if unknown:
        decisions.append(
            f"metric(s) whose direction is not known: {listing(unknown)}; state it to relscale laws"
            " with --higher-is-better or --lower-is-better"
        )
    return ImportedLosses(
        frame=_sorted(frame),
        decisions=tuple(decisions),
        left_out=(*imported.left_out, *dropped, *facts.left_out),
    )


def _chosen(
    imported: Imported, importer: Importer, options: ImportOptions, where: str
) -> tuple[list[ImportedValue], list[str]]:
    """Return the values to keep, and notes on the others.

    Raises:
        ValueError: if a choice matches nothing, with the choices.
    """
    values, notes = list(imported.values), []
    choices: list[tuple[str, str, tuple[str, ...]]] = []
    if importer.families and options.family is not None:
        choices.append(("--family", "family", (options.family,)))
    choices += [("--metric", "metric", options.metrics), ("--domain", "domain", options.domains)]
    for option, column, wanted in choices:
        if not wanted:
            continue
        names = sorted({getattr(value, column) for value in values})
        for pattern in wanted:
            if not any(fnmatch.fnmatchcase(one, pattern) for one in names):
                raise ValueError(
                    f"{where}: {option} {pattern!r} is not among the {column} names: "
                    f"{listing(names, 30)}"
                )
        kept = {one for one in names if any(fnmatch.fnmatchcase(one, each) for each in wanted)}
        values = [value for value in values if getattr(value, column) in kept]
        if others := [one for one in names if one not in kept]:
            notes.append(f"{column} names that {option} does not choose: {listing(others)}")
    if not any(math.isfinite(value.value) for value in values):
        raise ValueError(f"{where}: no run has a value")
    return values, notes


def _with_values(runs: Sequence[ImportedRun], values: Sequence[ImportedValue]) -> list[ImportedRun]:
    """Return the runs that have a row, and check that their names are unique.

    Raises:
        ValueError: naming both places of a name that occurs twice.
    """
    places: dict[str, str] = {}
    for run in runs:
        if run.run in places:
            raise ValueError(
                f"{run.where}: run {run.run!r} is also in {places[run.run]}: names must be unique"
            )
        places[run.run] = run.where
    named = {value.run for value in values}
    return [run for run in runs if run.run in named]


def _check_runs(runs: Iterable[ImportedRun]) -> None:
    """Check that the numbers of the runs are in FLOPs, parameters and tokens.

    Raises:
        ValueError: naming the first run whose numbers cannot be.
    """
    for run in runs:
        where = f"{run.where}: run {run.run!r}"
        flops, params, tokens = run.training_flops, run.num_params_total, run.tokens
        if flops is None or params is None or tokens is None:
            raise AssertionError(f"{where} is not complete")
        problem = unit_error(where, "training_flops", flops, params, tokens)
        if problem:
            raise ValueError(problem)


def _frame(values: Sequence[ImportedValue], runs: dict[str, ImportedRun]) -> pd.DataFrame:
    """Return the losses table, with the types of its columns."""
    places = {name: place for place, name in enumerate(runs)}
    described = pd.DataFrame(
        {column: [getattr(run, column) for run in runs.values()] for column in RUN_COLUMNS}
    )
    frame = described.iloc[[places[value.run] for value in values]].reset_index(drop=True)
    frame = frame.assign(
        family=[value.family for value in values],
        domain=[value.domain for value in values],
        metric=[value.metric for value in values],
        unit=[unit_of(value.metric) for value in values],
        value=[value.value for value in values],
        standard_error=[value.standard_error for value in values],
        num_items=_objects(value.num_items for value in values),
        num_bytes=None,
        num_truncated=None,
        at_chance=None,
        excluded_reason=_objects(
            runs[value.run].excluded_reason or value.excluded_reason for value in values
        ),
    )
    types = dict.fromkeys(INTEGERS, "Int64") | {"at_chance": "boolean"}
    return frame.loc[:, list(LOSSES_COLUMNS)].astype(types)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order of their key; sorting numbers of names is faster than names."""
    codes = [pd.factorize(frame[name], sort=True)[0] for name in LOSSES_KEY]
    return frame.iloc[np.lexsort(codes[::-1])].reset_index(drop=True)


def _objects(cells: Iterable[object]) -> pd.Series:
    """Return a column of cells that may be None."""
    return pd.Series(list(cells), dtype=object)


def _check_values(values: Sequence[ImportedValue]) -> None:
    """Check that no value occurs twice and that shares are not percentages.

    Raises:
        ValueError: naming run, domain, metric and the places.
    """
    keys = [(one.run, one.family, one.domain, one.metric) for one in values]
    if len(set(keys)) < len(keys):
        key, number = Counter(keys).most_common(1)[0]
        places = [one.where for one, mine in zip(values, keys, strict=True) if mine == key]
        raise ValueError(
            f"run {key[0]!r} has {number} values of {key[3]} for domain {key[2]!r}: "
            f"{' and '.join(places[:3])}"
        )
    for one in values:
        if one.value > MAX_SHARE and is_share(one.metric):
            raise ValueError(
                f"{one.where}: {one.metric} of domain {one.domain!r}, run {one.run!r}, is "
                f"{one.value:g}: a share from 0 to 1, not a percentage, is needed"
            )
