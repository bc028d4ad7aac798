"""Find a printed number in the tables of results: the cells whose value rounds to it."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from relscale.contract.law_tables import LAW_TABLES
from relscale.contract.losses import LOSSES_KEY

FOLDERS = ("laws", "tables")
"""Folders of an experiment's results whose tables are searched; those of single families repeat
the rows."""
KEYS = {f"{table.name}.csv": table.key for table in LAW_TABLES} | {"losses.csv": LOSSES_KEY}
"""Columns that name a row, by file."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table."""

    path: Path
    """The table's file."""
    row: int
    """Number of the row, counted from 1; the header does not count."""
    column: str
    """Name of the column."""
    values: dict[str, str]
    """All cells of the row, as they are written in the file."""

    @property
    def text(self) -> str:
        """The cell as it is written in the file."""
        return self.values[self.column]

    def key(self) -> dict[str, str]:
        """Return the columns that name the row: the key of the table, else all that are text."""
        names: Sequence[str] = KEYS.get(self.path.name, ())
        if not names:
            names = [name for name, text in self.values.items() if text and number(text) is None]
        return {name: self.values[name] for name in names if self.values.get(name)}


def number(text: str) -> Decimal | None:
    """Return the number that a text is, None if it is not a finite one.

    A typographic minus sign counts as a hyphen.
    """
    try:
        value = Decimal(text.strip().replace("−", "-"))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def rounds_to(value: Decimal, shown: Decimal) -> bool:
    """Return whether a value rounds to a number with as many digits as that is written with.

    Halves round either way, since programs differ there.

    Examples:
        >>> rounds_to(Decimal("-0.013459706"), Decimal("-0.0135"))
        True
        >>> rounds_to(Decimal("2.4514664e+20"), Decimal("2.45e20"))
        True
        >>> rounds_to(Decimal("0.01354"), Decimal("0.01350"))
        False
    """
    exponent = shown.as_tuple().exponent
    assert isinstance(exponent, int)  # it is text for infinities only
    return abs(value - shown) <= Decimal(5).scaleb(exponent - 1)


def tables_of(folder: Path, experiment: str = "") -> list[Path]:
    """Return the tables to search, sorted.

    Args:
        folder: a checkout with `results/`, or a folder of tables.
        experiment: only the results of this one; all if empty.

    Raises:
        ValueError: naming the folder, if it has no tables.
    """
    results = folder / "results"
    places = [path for path in sorted(results.glob("*")) if path.is_dir()]
    if experiment:
        places = [path for path in places if path.name == experiment]
    found = [path for place in places for name in FOLDERS for path in place.glob(f"{name}/*.csv")]
    if not results.is_dir() and not experiment:
        found = list(folder.glob("*.csv"))
    if not found:
        of = f"results/{experiment} has" if experiment else "has"
        raise ValueError(
            f"{folder}: {of} no tables (*.csv): run the experiment, or name a --folder"
        )
    return sorted(found)


def search(tables: Sequence[Path], shown: Decimal) -> Iterator[Cell]:
    """Yield the cells whose value rounds to a number, table by table."""
    for path in tables:
        for row, values in enumerate(_rows(path), start=1):
            for column, text in values.items():
                value = number(text)
                if value is not None and rounds_to(value, shown):
                    yield Cell(path=path, row=row, column=column, values=values)


def cell_at(path: Path, row: str, column: str) -> Cell:
    """Return one cell of a table.

    Args:
        path: a CSV file.
        row: number of the row, counted from 1 after the header.
        column: its name.

    Raises:
        ValueError: naming file and choices, if the file, row or column does not exist.
    """
    rows = _rows(path)
    if not row.isdecimal() or not 1 <= int(row) <= len(rows):
        raise ValueError(f"{path}: row {row!r} must be a number from 1 to {len(rows)}")
    values = rows[int(row) - 1]
    if column not in values:
        raise ValueError(f"{path}: no column {column!r}; the choices are {', '.join(values)}")
    return Cell(path=path, row=int(row), column=column, values=values)


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file as text.

    Raises:
        ValueError: naming the file, if it cannot be read as CSV.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix.lower() != ".csv":
        raise ValueError(f"{path}: cells can be named in CSV files only")
    csv.field_size_limit(2**31 - 1)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            read = csv.DictReader(handle, restval="", restkey="")
            return [
                {name: text for name, text in row.items() if name and isinstance(text, str)}
                for row in read
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a readable CSV file: {error}") from None
