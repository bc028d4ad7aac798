"""The columns of a table as the types that their names stand for: text, truth values, numbers."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pandas as pd

from relscale.contract.columns import (
    FLAG_WORDS,
    FLAGS,
    MISSING,
    NO_REASON,
    NUMBERS,
    OPEN_FLAGS,
    TEXT,
    label_of_budgets,
)

NUMBER = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|infinity)", re.IGNORECASE | re.ASCII
)
MISSING_WORDS = frozenset(word.lower() for word in MISSING)
Place = Callable[[int], str]
"""Words for a row of a table, from its position."""


def row_of(position: int) -> str:
    """Return words for a row by its position: rows are counted from 1, without the header."""
    return f"row {position + 1} (below the header)"


def typed(frame: pd.DataFrame, where: str, place: Place = row_of) -> pd.DataFrame:
    """Return a table whose columns have the types of `relscale.contract.columns`.

    Columns that have their type already, and columns of other names, are left as they are.

    Args:
        frame: the table.
        where: words for the table in errors.
        place: words for a row.

    Raises:
        ValueError: naming table, row, column and value, for text in a column of numbers and for a
            word that is not a truth value.
    """
    check_names(where, frame.columns)
    changed: dict[str, pd.Series] = {}
    for name in frame.columns:
        column = frame[name]
        if name in TEXT:
            changed[name] = as_text(column, budget=name in ("budget", "held_out_budget"))
        elif name in FLAGS:
            truth = as_flags(column, where, place)
            changed[name] = truth
            if name in OPEN_FLAGS and (missing := _without_word(column)).any():
                changed[name] = truth.astype("boolean").mask(missing)
        elif name in NUMBERS:
            changed[name] = as_numbers(column, where, place)
    frame = frame.assign(**changed)
    if "budget" in frame.columns:
        labels = label_of_budgets(list(frame["budget"].dropna().unique()))
        if any(old != new for old, new in labels.items()):
            frame["budget"] = frame["budget"].map(labels)
    return frame


def as_text(column: pd.Series, *, budget: bool = False) -> pd.Series:
    """Return names as text; a missing name stays missing.

    Whole numbers have no decimal point, unless they are budgets.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = pd.Series(column.cat.categories, dtype=object)
        if all(isinstance(name, str) for name in names):
            return column
        column = column.astype(object)
    if isinstance(column.dtype, pd.StringDtype):
        return column.astype("str")
    present = column.notna()
    texts = (
        column.astype(object)
        .where(present, None)
        .map(lambda value: None if value is None else _name(value, budget))
    )
    return texts.astype("str")


def _name(value: object, budget: bool) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and not budget:
        return str(int(value))
    return str(value)


def as_numbers(column: pd.Series, where: str, place: Place = row_of) -> pd.Series:
    """Return numbers; NaN where one is missing. A column of integers or floats is left as it is.

    Raises:
        ValueError: naming the first value that is not a number, with its column and row.
    """
    kind = column.dtype
    if isinstance(kind, np.dtype) and kind.kind in "iuf":
        return column
    values = np.empty(len(column), dtype=np.float64)
    for position, value in enumerate(column.astype(object)):
        number = _number(value)
        if number is None:
            raise ValueError(
                f"{where}: {place(position)}: {column.name} is {value!r}: a number is needed, "
                "with a decimal point and without separators or units (an empty cell is missing)"
            )
        values[position] = number
    return pd.Series(values, index=column.index, name=column.name)


def _number(value: object) -> float | None:
    """Return a number, NaN for a missing one, or None for something else."""
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in MISSING_WORDS:
            return float("nan")
        return float(text) if NUMBER.fullmatch(text) else None
    if isinstance(value, (bool, np.bool_)):
        return None
    if isinstance(value, (int, float, np.integer, np.floating, Decimal)):
        try:
            return float(value)
        except (OverflowError, ValueError):
            return None
    return float("nan") if value is None or value is pd.NA or value is pd.NaT else None


def as_flags(column: pd.Series, where: str = "", place: Place = row_of) -> pd.Series:
    """Return truth values; a missing one is False.

    Raises:
        ValueError: naming the first word that is not a truth value, with its column and row.
    """
    if column.dtype == bool:
        return column
    values = np.zeros(len(column), dtype=bool)
    for position, value in enumerate(column.astype(object)):
        word = "" if pd.isna(value) else str(value).strip().lower()
        if word and word not in FLAG_WORDS:
            start = f"{where}: " if where else ""
            raise ValueError(
                f"{start}{place(position)}: {column.name} is {value!r}: true or false is needed"
            )
        values[position] = FLAG_WORDS.get(word, False)
    return pd.Series(values, index=column.index, name=column.name)


def _without_word(column: pd.Series) -> npt.NDArray[np.bool_]:
    """Return where a column of truth values has none."""
    empty = column.isna() | (column.astype(object).map(str).str.strip() == "")
    return empty.to_numpy(dtype=bool)


def flags(column: pd.Series) -> npt.NDArray[np.bool_]:
    """Return a column of truth values as an array; see `as_flags`."""
    return as_flags(column).to_numpy(dtype=bool)


def check_keys(frame: pd.DataFrame, keys: Sequence[str], where: str, place: Place = row_of) -> None:
    """Check that no name is empty, has blanks around it or control characters.

    Raises:
        ValueError: naming table, column, the first row and the number of rows.
    """
    for key in keys:
        if key not in frame.columns:
            continue
        names = frame[key]
        empty = names.isna() | (names == "")
        if empty.any():
            first = int(np.flatnonzero(empty)[0])
            raise ValueError(
                f"{where}: {key} is empty in {int(empty.sum())} row(s), first {place(first)}"
                f"{_run_of(frame, first, key)}: every row needs one"
            )
        for odd, problem in (
            (_has_blanks, "blanks around it"),
            (_has_control, "a line break or another control character"),
        ):
            found = {name for name in names.unique() if odd(str(name))}
            if found:
                first = int(np.flatnonzero(names.isin(found))[0])
                raise ValueError(
                    f"{where}: {place(first)}: {key} is {names.iloc[first]!r}, with {problem}"
                )


def _has_blanks(name: str) -> bool:
    return name != name.strip()


def _has_control(name: str) -> bool:
    return any(unicodedata.category(sign) == "Cc" for sign in name)


def _run_of(frame: pd.DataFrame, position: int, key: str) -> str:
    if key == "run" or "run" not in frame.columns or pd.isna(frame["run"].iloc[position]):
        return ""
    return f", run {frame['run'].iloc[position]!r}"


def check_names(where: str, columns: Iterable[object]) -> None:
    """Check that the names of columns are text and occur once.

    Raises:
        ValueError: naming the table and the columns.
    """
    names = list(columns)
    if odd := [name for name in names if not isinstance(name, str)]:
        raise ValueError(f"{where}: names of columns must be text; not so {odd[:3]}")
    if twice := sorted({str(name) for name in names if name and names.count(name) > 1}):
        raise ValueError(f"{where}: column(s) {', '.join(twice)} more than once")


def stated_reasons(column: pd.Series) -> npt.NDArray[np.object_]:
    """Return the texts of a column `excluded_reason`; empty for a word that gives no reason.

    Examples:
        >>> stated_reasons(pd.Series(["diverged", "None", " - ", None])).tolist()
        ['diverged', '', '', '']
    """
    given = column.astype(object)
    reasons = given.where(given.notna(), "").astype(str).str.strip().to_numpy(dtype=object)
    nothing = np.array([text.lower() in NO_REASON for text in reasons], dtype=bool)
    return np.where(nothing, "", reasons)
