"""Cells of CSV files and values of JSON files as numbers."""

import math

from relscale.contract.typed import MISSING_WORDS, NUMBER

LARGEST = 1 << 62
"""Bound of whole numbers, which are stored in 64 bits."""


def number(cell: str, where: str, column: str) -> float | None:
    """Return the number of a CSV cell: None if it is empty, NaN for a word such as `NaN`.

    Raises:
        ValueError: naming place, column and value, if it is not a number.
    """
    if not cell:
        return None
    if NUMBER.fullmatch(cell):
        return float(cell)
    if cell.lower() in MISSING_WORDS:
        return math.nan
    hint = ""
    if cell.endswith("%"):
        hint = ": a share from 0 to 1 is needed, not a percentage"
    elif "," in cell or "'" in cell or " " in cell:
        hint = ": remove the separators"
    raise ValueError(f"{where}: {column} is {cell!r}, not a number{hint}")


def value_of(cell: str, where: str, column: str) -> tuple[float, str | None]:
    """Return the value of a CSV cell, NaN if it has none, and why it cannot be used, or None.

    Raises:
        ValueError: naming place, column and value, if it is not a number.
    """
    value = number(cell, where, column)
    if value is None:
        return math.nan, "empty cell"
    if not math.isfinite(value):
        return math.nan, f"logged as {cell}"
    return value, None


def count(cell: str, where: str, column: str) -> int | None:
    """Return the positive whole number of a CSV cell, such as tokens; None if it is empty or NA.

    Raises:
        ValueError: naming place, column and value, if it is something else.
    """
    return whole(number(cell, where, column), where, column)


def amount(cell: str, where: str, column: str) -> float | None:
    """Return the positive number of a CSV cell, such as FLOPs; None if it is empty or NA.

    Raises:
        ValueError: naming place, column and value, if it is something else.
    """
    value = number(cell, where, column)
    if value is None or math.isnan(value):
        return None
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{where}: {column} is {cell}: a positive number is needed")
    return value


def whole(value: object, where: str, column: str) -> int | None:
    """Return a positive whole number; None for None and NaN.

    Raises:
        ValueError: naming place, column and value, if it is something else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where}: {column} is {value!r}, not a number")
    if isinstance(value, float) and math.isnan(value):
        return None
    if not 0 < value < LARGEST or value != int(value):
        shown = str(value)[:40]
        raise ValueError(f"{where}: {column} is {shown}: a positive whole number is needed")
    return int(value)


def measured(value: object, where: str, column: str) -> float:
    """Return a number of a JSON file; a word such as `NaN` gives NaN.

    Raises:
        ValueError: naming place, key and value, if it is not a number.
    """
    if isinstance(value, str) and value.strip().lower() in MISSING_WORDS | {"inf", "-inf"}:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where}: {column} is {value!r}, not a number")
    return float(value) if abs(value) < LARGEST or isinstance(value, float) else math.inf
