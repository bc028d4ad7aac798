"""Numbers as people write them: decimal commas, thousands separators, 190M, 1.17%."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from relscale.config.losses import NumberFormat
from relscale.contract.columns import MISSING
from relscale.contract.typed import Place, as_numbers

THOUSANDS = {
    "comma": ",",
    "point": ".",
    "space": " \u00a0\u2009\u202f",
    "apostrophe": "'\u2019",
    "underscore": "_",
}
"""Signs between thousands, by name."""
SUFFIXES = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
"""Factors of suffixes, in lower case."""
_PLAIN = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|infinity)", re.IGNORECASE | re.ASCII
)
_SUFFIX = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s?([kmbgt])", re.IGNORECASE | re.ASCII)
_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([kmbgt])(?![A-Za-z0-9])", re.IGNORECASE | re.ASCII
)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([,.'\u2019_ \u00a0\u2009\u202f])\d{3})+", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_MISSING = frozenset(word.lower() for word in MISSING)


@dataclass(frozen=True, kw_only=True)
class NumberReader:
    """Reads cells as numbers in one format."""

    comma: bool = False
    """Whether the decimal sign is a comma."""
    thousands: str = ""
    """Signs between thousands."""
    suffixes: bool = False
    """Whether K, M, B, G and T count."""
    missing: frozenset[str] = _MISSING
    """Words for a missing number, in lower case."""

    def column(
        self, cells: pd.Series, where: str, place: Place, *, ours: str, percent: bool = False
    ) -> npt.NDArray[np.float64]:
        """Return a column as numbers, NaN where one is missing.

        Args:
            cells: text, or numbers of a file that has them as such.
            where: words for the file.
            place: words for a row.
            ours: the name of our column.
            percent: whether a percent sign may follow a number.

        Raises:
            ValueError: naming place, column and value of the first cell that is not a number, and
                the setting that would read it.
        """
        kind = cells.dtype
        if isinstance(kind, np.dtype) and kind.kind in "iuf":
            return cells.to_numpy(dtype=np.float64)
        known: dict[str, float] = {}
        values = np.empty(len(cells), dtype=np.float64)
        for position, cell in enumerate(cells.array):
            if not isinstance(cell, str):
                values[position] = _native(cell, str(cells.name), where, place(position))
                continue
            if cell not in known:
                number = self.number(cell, percent=percent)
                if number is None:
                    raise ValueError(
                        f"{where}: {place(position)}: {cells.name} is {cell!r}: "
                        f"{advice_on(cell, ours)}"
                    )
                known[cell] = number
            values[position] = known[cell]
        return values

    def number(self, cell: str, *, percent: bool = False) -> float | None:
        """Return the number of a cell, NaN for a missing one, None if it is not a number.

        Examples:
            >>> NumberReader(thousands=",").number("1,234,567")
            1234567.0
            >>> NumberReader(suffixes=True).number("1.3B")
            1300000000.0
        """
        text = cell.strip()
        if text.lower() in self.missing:
            return float("nan")
        if percent and text.endswith("%"):
            text = text[:-1].rstrip()
        factor = 1.0
        if self.suffixes and text[-1:].lower() in SUFFIXES and text.lower() != "infinity":
            factor = SUFFIXES[text[-1].lower()]
            text = text[:-1].rstrip()
        if self.thousands and not text.isdigit():
            whole = text.partition("," if self.comma else ".")[0]
            if any(sign in whole for sign in self.thousands):
                found = _GROUPED.fullmatch(whole)
                if found is None or found.group(1) not in self.thousands:
                    return None
                text = text.translate({ord(sign): None for sign in self.thousands})
        if self.comma:
            if "." in text:
                return None
            text = text.replace(",", ".")
        if not _PLAIN.fullmatch(text):
            return None
        number = float(text)
        return number if factor == 1 else float(round(number * factor, 6))


def numbers_in(text: str) -> list[float]:
    """Return the numbers with a suffix that are words of a text.

    Examples:
        >>> numbers_in("olmo-190M-5xC"), numbers_in("v2 1.3B"), numbers_in("13 Bears")
        ([190000000.0], [1300000000.0], [])
    """
    return [
        float(round(float(found[1]) * SUFFIXES[found[2].lower()], 6))
        for found in _IN_TEXT.finditer(text)
    ]


def _native(cell: object, name: str, where: str, place: str) -> float:
    """Return the number of a cell that is not text, as a file with types has it."""
    if isinstance(cell, (float, int)) and not isinstance(cell, bool):
        return float(cell)
    one = pd.Series([cell], name=name, dtype=object)
    return float(as_numbers(one, where, lambda _: place).iloc[0])


def advice_on(cell: str, ours: str) -> str:
    """Return the setting with which a cell would be a number."""
    text = cell.strip()
    if text.endswith("%"):
        return f"a number is needed; for percent state units: {{{ours}: percent}}"
    if _SUFFIX.fullmatch(text):
        return "a number is needed; for suffixes state numbers: {suffixes: k_m_b_t}"
    grouped = _GROUPED.fullmatch(text)
    if grouped is not None and (sign := grouped.group(1)):
        name = next(name for name, signs in THOUSANDS.items() if sign in signs)
        decimal = name == "comma" and text.count(",") == 1
        also = ", or {decimal: comma} if the comma is a decimal one" if decimal else ""
        return f"a number is needed; for thousands state numbers: {{thousands: {name}}}{also}"
    if _COMMA.fullmatch(text):
        return "a number is needed; for decimal commas state numbers: {decimal: comma}"
    return (
        "a number is needed (an empty cell is missing; other words for a missing number can be "
        "stated under numbers: {missing: [...]})"
    )


def number_reader(
    stated: NumberFormat,
    separator: str,
    columns: Sequence[pd.Series],
    where: str,
) -> tuple[NumberReader, list[str]]:
    """Return the reader of a file's numbers, and a note if decimal commas were found.

    Args:
        stated: the settings.
        separator: of the columns of a CSV file; "," for other files.
        columns: the columns of numbers.
        where: words for the file.

    Raises:
        ValueError: if numbers such as 1,234 may have a decimal comma or a separator of thousands.
    """
    notes: list[str] = []
    comma = stated.decimal == "comma" or stated.thousands == "point"
    if stated.decimal == "auto" and stated.thousands == "none" and separator != ",":
        cells = {
            cell.strip() for column in columns for cell in column.array if isinstance(cell, str)
        }
        commas = {cell for cell in cells if _COMMA.fullmatch(cell)}
        points = any("." in cell and _PLAIN.fullmatch(cell) for cell in cells)
        if commas and not points:
            if all(_GROUPED.fullmatch(cell) for cell in commas):
                raise ValueError(
                    f"{where}: {min(commas)!r} may have a decimal comma or a separator of "
                    "thousands: state numbers: {decimal: comma} or {thousands: comma}"
                )
            comma = True
            notes = ["numbers are read with decimal commas"]
    reader = NumberReader(
        comma=comma,
        thousands=THOUSANDS.get(stated.thousands, ""),
        suffixes=stated.suffixes != "none",
        missing=_MISSING | {word.strip().lower() for word in stated.missing},
    )
    return reader, notes
