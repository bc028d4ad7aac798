"""A table as one self-contained HTML page that sorts by a click or by keyboard.

The rows are compressed to about a tenth of their size; the page's script writes them.
"""

import math
from typing import NamedTuple

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
    """Return a cell as text: five significant digits of a number, "" for an empty cell."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") == "f":
        number = float(value)  # type: ignore[arg-type]
        return f"{number:.0f}" if number == round(number) and abs(number) < 1e7 else f"{number:.5g}"
    return str(value)


def table_page(frame: pd.DataFrame, title: str, remark: str = "") -> str:
    """Build a page with a table whose columns sort by a click; rows keep the frame's order.

    Args:
        frame: the table.
        title: title and heading of the page.
        remark: a sentence above the table.

    Returns:
        A whole HTML page with its style and script inside.
    """
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return render(
        "table.html.j2",
        title=title,
        remark=remark,
        columns=[str(name) for name in frame.columns],
        num_rows=len(rows),
        packed_rows=compressed(render("table_rows.html.j2", rows=rows)),
    )


def _cell(value: object) -> PageCell:
    text = cell_text(value)
    if not text:
        return PageCell("empty", "–", "")
    if not isinstance(value, (str, bool)) and _is_number(value):
        return PageCell("number", text, repr(float(value)))  # type: ignore[arg-type]
    return PageCell("", text, text)


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
