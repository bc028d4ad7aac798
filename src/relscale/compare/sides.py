"""Reading the two sides of a comparison: items of one run, or of the runs of a corpus."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.contract.check import check_columns
from relscale.contract.io import read_table, with_present_names
from relscale.contract.losses import ITEMS_COLUMNS, ITEMS_KEY
from relscale.contract.metrics import METRICS
from relscale.contract.typed import check_keys, flags, typed
from relscale.files import sha256_of

REQUIRED = tuple(name for name in ITEMS_COLUMNS if name != "overlaps")
"""Columns that an items table must have."""
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
    corpus: str | None
    """The corpus, if the side is the runs of one; else None."""
    items: pd.DataFrame
    """Its rows of the items table."""
    losses: pd.DataFrame | None
    """The losses table of its folder, if there is one."""
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
    table = losses if isinstance(losses, pd.DataFrame) or losses is None else _losses(losses)
    return ItemsTable(items=frame, losses=table, where=where, source=path)


def _losses(path: Path | str) -> pd.DataFrame:
    return read_table(Path(path), ("corpus", "run", "family", "domain", "metric", "value"))


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
        choice: the run or `corpus:NAME`; None where the table has only one run.
        name: the side's name; None for that of the run or corpus.

    Raises:
        ValueError: naming the choices, or the item whose value cannot be used.
    """
    items = table.items
    runs = sorted(items["run"].astype(str).unique())
    corpus = None
    if choice is None:
        if len(runs) != 1:
            raise ValueError(
                f"{table.where}: has {len(runs)} runs; choose one with --{letter} RUN, or all runs "
                f"of a corpus with --{letter} {CORPUS}NAME; the runs are {_listed(runs)}"
            )
        chosen, rows = runs[0], items
    elif choice.startswith(CORPUS):
        corpus = chosen = choice.removeprefix(CORPUS)
        rows = items[items["corpus"] == corpus]
        if not len(rows):
            known = sorted(items["corpus"].astype(str).unique())
            raise ValueError(
                f"--{letter} {choice!r}: {table.where} has no such corpus; it has {_listed(known)}"
            )
    else:
        chosen = choice.removeprefix(RUN)
        rows = items[items["run"] == chosen]
        if not len(rows):
            raise ValueError(
                f"--{letter} {choice!r}: {table.where} has no such run; it has {_listed(runs)}"
            )
    if corpus is None and rows["corpus"].nunique() > 1:
        raise ValueError(f"{table.where}: run {chosen!r} is of more than one corpus")
    _check_values(rows, table.where)
    return Side(
        letter=letter,
        name=name or (chosen if corpus is not None else _short(chosen)),
        corpus=corpus,
        items=rows,
        losses=table.losses,
        where=table.where,
        source=None if table.source is None else str(table.source),
        sha256=None if table.source is None else sha256_of(table.source),
    )


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
