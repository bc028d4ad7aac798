"""A table as one self-contained HTML page that sorts by a click or by keyboard, and filters.

The first columns of a table of laws are treatment, verdict, slope and interval.
The rows are compressed to about a tenth of their size; the page's script writes them.
"""

import json
import math
import numbers
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from relscale.pages.render import compressed, render

FIRST = ("treatment", "domain", "verdict", "dbeta", "ci_low", "ci_high")
"""Columns of a table of laws that come first on its page."""
GROUPED = {"scale": ("ratio",), "estimator": ("auto", "joint")}
"""Columns by which the rows of such a table are grouped, each with the values that come first."""


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
    """Build a page with a table whose columns sort by a click.

    Columns and rows keep the frame's order; laws with slopes are ordered by `in_reading_order`.

    Args:
        frame: the table.
        title: title and heading of the page.
        remark: a sentence above the table.

    Returns:
        A whole HTML page with its style and script inside.
    """
    frame = frame.reset_index(drop=True)
    shown = in_reading_order(frame)
    order = [int(place) for place in shown.index]
    # Similar rows of a table are neighbours, and compress better than in the order of the page.
    rows = page_rows(frame[list(shown.columns)])
    return render(
        "table.html.j2",
        title=title,
        remark=remark,
        columns=[str(name) for name in shown.columns],
        num_rows=len(rows),
        order="" if order == sorted(order) else json.dumps(order, separators=(",", ":")),
        packed_rows=compressed(render("table_rows.html.j2", rows=rows)),
    )


def in_reading_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of slopes with `FIRST` at the left and a block of rows per estimator.

    A table without the column `dbeta` is returned as it is. Rows of a block keep their order.
    """
    if "dbeta" not in frame.columns:
        return frame
    columns = [name for name in FIRST if name in frame.columns]
    columns += [name for name in frame.columns if name not in columns]
    ranks = pd.DataFrame(
        {name: _ranks(frame[name], first) for name, first in GROUPED.items() if name in columns},
        index=frame.index,
    )
    if len(ranks.columns):
        places = np.lexsort([ranks[name] for name in reversed(ranks.columns)])
        frame = frame.iloc[places]
    return frame[columns]


def _ranks(column: pd.Series, first: Sequence[str]) -> pd.Series:
    """Return the rank of each value: some values first, then the others as they appear."""
    found = list(dict.fromkeys(column.astype(str)))
    order = [*(name for name in first if name in found), *found]
    return column.astype(str).map({name: order.index(name) for name in order})


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
