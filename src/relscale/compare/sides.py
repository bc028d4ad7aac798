"""Reading the two sides of a comparison: items of one run, or of the runs of a corpus."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.contract.check import check_columns
from relscale.contract.io import read_table, with_present_names
from relscale.contract.losses import ITEMS_COLUMNS, ITEMS_KEY, ITEMS_OPTIONAL
from relscale.contract.metrics import METRICS
from relscale.contract.typed import check_keys, flags, typed
from relscale.files import sha256_of

REQUIRED = tuple(name for name in ITEMS_COLUMNS if name not in (*ITEMS_OPTIONAL, "overlaps"))
"""Columns that an items table must have."""
LOSSES = ("corpus", "run", "family", "domain", "metric", "value")
"""Columns that a losses table must have."""
ENDINGS = (".parquet", ".csv")
"""Endings of tables, in the order in which a folder is searched."""
CORPUS = "corpus:"
"""Start of a choice that names a corpus, whose runs are compared."""
RUN = "run:"
"""Start of a choice that names a run, for runs whose names begin with `corpus:`."""
PERCENT_TOLERANCE = 1e-6
"""Largest excess of a share over 1 that counts as rounding."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """Items of one side."""

    letter: str
    """`a` or `b`."""
    name: str
    """Name for tables and figures."""
    corpus: str
    """Corpus of its runs. Two corpora may have runs of one name."""
    is_corpus: bool
    """Whether the side is all runs of the corpus, not one run."""
    items: pd.DataFrame
    """Its rows of the items table."""
    losses: pd.DataFrame | None
    """Rows of its corpus in the losses table, if there is one."""
    where: str
    """Words for errors."""
    source: str | None
    """Path of the items table."""
    sha256: str | None
    """Checksum of the items table."""

    @property
    def runs(self) -> list[str]:
        """Names of its runs."""
        return sorted(self.items["run"].astype(str).unique())


@dataclass(frozen=True, kw_only=True)
class ItemsTable:
    """An items table with the losses table that belongs to it."""

    items: pd.DataFrame
    losses: pd.DataFrame | None
    where: str
    source: Path | None


def read_items(
    given: Path | str | pd.DataFrame, losses: Path | str | pd.DataFrame | None = None
) -> ItemsTable:
    """Read an items table, and the losses table that is given or in its folder.

    Args:
        given: a table, a file, or a folder that has items.parquet or items.csv.
        losses: the losses table.

    Raises:
        ValueError: naming the file, and the column, row or folder that is wrong.
    """
    if isinstance(given, pd.DataFrame):
        frame = typed(with_present_names(given), "items")
        where, path = "items", None
    else:
        path = _items_path(Path(given))
        frame, where = read_table(path, REQUIRED), str(path)
        if losses is None:
            near = [path.parent / f"losses{ending}" for ending in ENDINGS]
            losses = next((one for one in near if one.is_file()), None)
    check_columns(where, frame.columns, REQUIRED)
    check_keys(frame, (*ITEMS_KEY, "stratum"), where)
    if not len(frame):
        raise ValueError(f"{where}: has no items")
    table = None if losses is None else _losses(losses)
    return ItemsTable(items=frame, losses=table, where=where, source=path)


def _losses(given: Path | str | pd.DataFrame) -> pd.DataFrame:
    if not isinstance(given, pd.DataFrame):
        return read_table(Path(given), LOSSES)
    frame = typed(with_present_names(given), "losses")
    check_columns("losses", frame.columns, LOSSES)
    return frame


def _items_path(given: Path) -> Path:
    """Return the file of an items table, which may be given by its folder."""
    if not given.is_dir():
        return given
    for ending in ENDINGS:
        if (given / f"items{ending}").is_file():
            return given / f"items{ending}"
    raise ValueError(f"{given}: the folder has neither items.parquet nor items.csv")


def side_of(letter: str, table: ItemsTable, choice: str | None, name: str | None) -> Side:
    """Return the rows of a run or of a corpus, checked.

    Args:
        letter: `a` or `b`.
        table: the items table.
        choice: the run, `CORPUS/RUN` where several corpora have runs of that name, or
            `corpus:NAME`; None where the table has only one run.
        name: the side's name; None for that of the run or corpus.

    Raises:
        ValueError: naming the choices, or the item whose value cannot be used.
    """
    items = table.items
    is_corpus = choice is not None and choice.startswith(CORPUS)
    if choice is not None and is_corpus:
        corpus, run = _corpus_of(letter, table, choice), None
        rows = items[items["corpus"] == corpus]
    else:
        corpus, run = _run_of(letter, table, choice)
        rows = items[(items["corpus"] == corpus) & (items["run"] == run)]
    _check_values(rows, table.where)
    losses = table.losses
    return Side(
        letter=letter,
        name=name or (corpus if run is None else _short(run)),
        corpus=corpus,
        is_corpus=is_corpus,
        items=rows,
        losses=None if losses is None else losses[losses["corpus"] == corpus],
        where=table.where,
        source=None if table.source is None else str(table.source),
        sha256=None if table.source is None else sha256_of(table.source),
    )


def _corpus_of(letter: str, table: ItemsTable, choice: str) -> str:
    """Return the corpus that a choice names.

    Raises:
        ValueError: if the table lacks it.
    """
    corpus = choice.removeprefix(CORPUS)
    known = sorted(table.items["corpus"].astype(str).unique())
    if corpus not in known:
        raise ValueError(
            f"--{letter} {choice!r}: {table.where} has no such corpus; it has {_listed(known)}"
        )
    return corpus


def _run_of(letter: str, table: ItemsTable, choice: str | None) -> tuple[str, str]:
    """Return corpus and name of the run that a choice names; None is the only run.

    Raises:
        ValueError: if the table has no such run, or several.
    """
    rows = table.items[["corpus", "run"]].drop_duplicates().astype(str)
    pairs = sorted(zip(rows["corpus"], rows["run"], strict=True), key=lambda pair: pair[::-1])
    times = Counter(run for _, run in pairs)
    shown = [f"{corpus}/{run}" if times[run] > 1 else run for corpus, run in pairs]
    if choice is None:
        if len(pairs) != 1:
            raise ValueError(
                f"{table.where}: has {len(pairs)} runs; choose one with --{letter} RUN, or all "
                f"runs of a corpus with --{letter} {CORPUS}NAME; the runs are {_listed(shown)}"
            )
        return pairs[0]
    name = choice.removeprefix(RUN)
    found = [pair for pair in pairs if pair[1] == name]
    found = found or [pair for pair in pairs if "/".join(pair) == name]
    if not found:
        raise ValueError(
            f"--{letter} {choice!r}: {table.where} has no such run; it has {_listed(shown)}"
        )
    if len(found) > 1:
        named = sorted("/".join(pair) for pair in found)
        raise ValueError(
            f"--{letter} {choice!r}: {table.where} has this run in {len(found)} corpora; choose "
            f"{' or '.join(f'--{letter} {one}' for one in named)}"
        )
    return found[0]


def _short(run: str) -> str:
    """Return the last part of a run's name that is a path."""
    return run.rstrip("/").rpartition("/")[2] or run


def _listed(names: Sequence[str], most: int = 8) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _check_values(rows: pd.DataFrame, where: str) -> None:
    """Check that numerators and denominators are usable, and shares are not in percent.

    Raises:
        ValueError: naming run, domain, item and value.
    """
    numerator = rows["numerator"].to_numpy(dtype=np.float64)
    denominator = rows["denominator"].to_numpy(dtype=np.float64)
    shares = [name for name, metric in METRICS.items() if metric.unit == "1"]
    is_share = rows["metric"].isin(shares).to_numpy(dtype=np.bool_)
    above = numerator > denominator * (1 + PERCENT_TOLERANCE)
    for wrong, column, needed in (
        (~np.isfinite(numerator), "numerator", "a finite number is needed"),
        (
            ~(np.isfinite(denominator) & (denominator > 0)),
            "denominator",
            "a positive number is needed",
        ),
        (
            is_share & (above | (numerator < 0)),
            "numerator",
            "from 0 to the denominator is needed, not percent",
        ),
    ):
        if wrong.any():
            row = rows.iloc[int(np.flatnonzero(wrong)[0])]
            raise ValueError(
                f"{where}: {column} is {float(row[column])!r} of item {row['item']!r} (run "
                f"{row['run']!r}, domain {row['domain']!r}, metric {row['metric']!r}; "
                f"{int(wrong.sum())} such row(s)): {needed}"
            )


def overlaps_of(rows: pd.DataFrame) -> np.ndarray:
    """Return whether each row's item overlaps the training corpus, (row,)."""
    if "overlaps" not in rows.columns:
        return np.zeros(len(rows), dtype=np.bool_)
    return flags(rows["overlaps"])
