"""A table as one self-contained HTML page that sorts by a click or by keyboard.

The rows are compressed to about a tenth of their size; the page's script writes them.
"""

import math
import numbers
from typing import NamedTuple

import numpy as np
import pandas as pd

from relscale.pages.render import compressed, render


class PageCell(NamedTuple):
    """A cell of the page."""

    kind: str
    """`empty`, `number` or "" for text: the class of the HTML element."""
    text: str
    value: str
    """Sorted by; a number with all its digits."""


def cell_text(value: object) -> str:
    """Return a cell as text: five significant digits of a number, "" for an empty cell.

    An infinite number is an infinity sign, and zero has no sign.
    """
    if value is None or (not isinstance(value, str) and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return _number_text(float(value))
    return str(value)


def _number_text(number: float) -> str:
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    if number.is_integer() and abs(number) < 1e7:
        return str(int(number))
    return f"{number:.5g}"


def table_page(frame: pd.DataFrame, title: str, remark: str = "") -> str:
    """Build a page with a table whose columns sort by a click; rows keep the frame's order.

    Args:
        frame: the table.
        title: title and heading of the page.
        remark: a sentence above the table.

    Returns:
        A whole HTML page with its style and script inside.
    """
    rows = page_rows(frame)
    return render(
        "table.html.j2",
        title=title,
        remark=remark,
        columns=[str(name) for name in frame.columns],
        num_rows=len(rows),
        packed_rows=compressed(render("table_rows.html.j2", rows=rows)),
    )


def page_rows(frame: pd.DataFrame) -> list[list[PageCell]]:
    """Return the cells of a table, row by row."""
    return [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]


def _cell(value: object) -> PageCell:
    text = cell_text(value)
    if not text:
        return PageCell("empty", "–", "")
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)):
        return PageCell("number", text, _sort_key(value))
    return PageCell("", text, text)


def _sort_key(value: numbers.Real) -> str:
    """Return all digits of a number, as the script of the page reads it."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if str(value)[0] != "-" else -math.inf
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return repr(number)
