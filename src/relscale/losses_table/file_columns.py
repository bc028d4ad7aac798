"""Which column of the file is which of ours, and its cells as text, truth values or numbers."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from relscale.config.losses import Derived, LossesTable, OurColumn
from relscale.contract.columns import FLAGS, TEXT, with_formula
from relscale.contract.io import OLD_NAMES
from relscale.contract.typed import as_flags, as_text
from relscale.losses_table.file_units import converted
from relscale.losses_table.numbers import NumberReader, number_reader, numbers_in
from relscale.losses_table.raw import RawTable

OUR_COLUMNS: tuple[str, ...] = get_args(OurColumn)
"""Columns that a mapping can name."""
TRUTHS = FLAGS | {"decayed"}
"""Columns of truth values."""
WIDE = ("domain", "value", "standard_error")
"""Columns that a wide table has in another form."""
IN_NAME = "in_name"
"""The unit of a number in a text."""
JOINER = "-"
"""Sign between names that are joined."""
MOST_NAMES = 40
"""Columns of a file that an error lists."""


@dataclass(frozen=True, kw_only=True)
class FileColumns:
    """The columns of the file that a mapping uses."""

    ours: dict[str, tuple[str, ...]]
    """Our column: columns of the file."""
    notes: tuple[str, ...]
    """Older names that were read as the present ones, and columns that are not used."""


def shown(names: Sequence[object], most: int = MOST_NAMES) -> str:
    """Return names as one text, with the number of those left out."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(str(name) for name in names[:most]) + more


def place_columns(raw: RawTable, spec: LossesTable, where: str) -> FileColumns:
    """Return which columns of the file a mapping uses.

    Raises:
        ValueError: naming all columns of the mapping that the file lacks, the closest names, and
            the columns of the file.
    """
    _check_named(list(raw.frame.columns), {"ignore": spec.ignore}, where)
    header = [name for name in raw.frame.columns if name not in spec.ignore]
    stated: dict[str, tuple[str, ...]] = {
        our: (theirs,) if isinstance(theirs, str) else tuple(theirs)
        for our, theirs in spec.columns.items()
    }
    _check_named(header, _named(spec, stated), where)
    notes = []
    given = {*stated, *spec.constants, *_derived(spec)}
    for our in OUR_COLUMNS:
        if our in given or (spec.shape == "wide" and our in WIDE):
            continue
        if our == "family" and spec.families:
            continue
        old = [name for name, new in OLD_NAMES.items() if new == our and name in header]
        if our in header:
            stated[our] = (our,)
        elif old and (old[0],) not in stated.values():
            stated[our] = (old[0],)
            notes.append(f"column {old[0]} is read as {our}")
    used = {name for names in _named(spec, stated).values() for name in names}
    if unused := [name for name in header if name not in used]:
        notes.append(f"{len(unused)} column(s) of the file are not used: {shown(unused)}")
    return FileColumns(ours=stated, notes=tuple(notes))


def _derived(spec: LossesTable) -> list[str]:
    return [name for name in Derived.model_fields if getattr(spec.derive, name) is not None]


def _named(spec: LossesTable, ours: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the columns of the file by the key of the mapping that names them."""
    named = {f"columns.{our}": list(theirs) for our, theirs in ours.items()}
    named |= {f"only.{name}": [name] for name in spec.only}
    if spec.shape == "wide":
        for key, columns in (("domains", spec.domains), ("standard_errors", spec.standard_errors)):
            for domain, found in columns.items():
                names = [found] if isinstance(found, str) else list(found.values())
                named[f"{key}.{domain}"] = names
    return named


def _check_named(header: Sequence[str], named: Mapping[str, Sequence[str]], where: str) -> None:
    problems = []
    for key, names in named.items():
        for name in names:
            if name not in header:
                close = difflib.get_close_matches(name, header, n=2, cutoff=0.6)
                hint = f" (is it {' or '.join(map(repr, close))}?)" if close else ""
                problems.append(f"{key}: {name!r}{hint}")
    if problems:
        raise ValueError(
            f"{where}: has no column {'; '.join(problems)}. It has: {shown(list(header))}"
        )


@dataclass(frozen=True, kw_only=True)
class CellReader:
    """Reads columns of one file by the settings of its mapping."""

    raw: RawTable
    """The file."""
    spec: LossesTable
    """The mapping."""
    numbers: NumberReader
    """How its numbers are written."""
    where: str
    """Words for the file."""

    def texts(self, columns: Sequence[str]) -> pd.Series:
        """Return names, joined from one or several columns without their empty cells.

        A name is missing where all its columns are empty.
        """
        joined: pd.Series | None = None
        for name in columns:
            column = self.raw.frame[name]
            if self.raw.format == "csv":
                column = column.map(lambda cell: with_formula(cell) or None)
            found = as_text(column).astype(object)
            found = found.where(found.notna() & (found != ""), None)
            if joined is None:
                joined = found
            else:
                both = joined.notna() & found.notna()
                joined = (joined + JOINER + found).where(both, joined.fillna(found))
        assert joined is not None
        return joined.where(joined.notna(), None)

    def truths(self, column: str) -> pd.Series:
        """Return truth values; a missing one stays missing."""
        cells = self.raw.frame[column]
        truth = as_flags(cells, self.where, self.raw.place).astype("boolean")
        empty = cells.isna() | (cells.astype(object).map(str).str.strip() == "")
        return truth.mask(empty)

    def in_names(self, column: str) -> np.ndarray:
        """Return the number with a suffix in each text, such as 190M in `olmo-190M-5xC`.

        Raises:
            ValueError: naming the first text that has none, or several.
        """
        found = np.empty(len(self.raw.frame), dtype=np.float64)
        for position, cell in enumerate(self.texts([column])):
            numbers = [] if cell is None else numbers_in(cell)
            if len(numbers) != 1:
                raise ValueError(
                    f"{self.where}: {self.raw.place(position)}: {column} is {cell!r}: one number "
                    f"with K, M, B or T is needed (units: in_name); it has {len(numbers)}"
                )
            found[position] = numbers[0]
        return found

    def plain(self, column: str, ours: str, *, percent: bool = False) -> np.ndarray:
        """Return numbers in the unit of the file."""
        cells = self.raw.frame[column]
        return self.numbers.column(cells, self.where, self.raw.place, ours=ours, percent=percent)


def cells_of(
    raw: RawTable, spec: LossesTable, places: FileColumns, where: str
) -> tuple[CellReader, list[str]]:
    """Return the reader of a file's cells, and a note on its format of numbers if it was found."""
    named = {our for our, unit in spec.units.items() if unit == IN_NAME}
    columns = [
        raw.frame[name]
        for our, names in places.ours.items()
        if our not in TEXT | TRUTHS and our not in named
        for name in names
    ]
    if spec.shape == "wide":
        for found in (*spec.domains.values(), *spec.standard_errors.values()):
            names = (found,) if isinstance(found, str) else tuple(found.values())
            columns += [raw.frame[name] for name in names]
    reader, notes = number_reader(spec.numbers, raw.separator, columns, where)
    return CellReader(raw=raw, spec=spec, numbers=reader, where=where), notes


def described(cells: CellReader, places: FileColumns) -> pd.DataFrame:
    """Return one row per row of the file with our columns, all but values and their errors.

    Constants are filled in, and units are converted.
    """
    spec = cells.spec
    units: dict[str, str | float] = {str(name): unit for name, unit in spec.units.items()}
    found: dict[str, object] = {}
    length = len(cells.raw.frame)
    for our, theirs in places.ours.items():
        if our in ("value", "standard_error"):
            continue
        if our in TEXT:
            found[our] = cells.texts(theirs)
        elif our in TRUTHS:
            found[our] = cells.truths(theirs[0])
        else:
            unit = units.get(our, "ones")
            if unit == IN_NAME:
                found[our] = cells.in_names(theirs[0])
                continue
            numbers = cells.plain(theirs[0], our, percent=unit == "percent")
            found[our] = converted(numbers, unit, our)
    for our, value in spec.constants.items():
        if our in TEXT:
            found[our] = pd.Series([value] * length, dtype=object)
        elif our in TRUTHS:
            found[our] = pd.Series([value] * length, dtype="boolean")
        elif our not in ("value", "standard_error"):
            unit = units.get(our, "ones")
            found[our] = converted(np.full(length, float(value)), unit, our)
    return pd.DataFrame(found, index=pd.RangeIndex(length))
