"""Slopes and intervals that are too long for an axis: they end at its edge, with an arrow.

One wide interval would make all others of its panel unreadable. `slope_limits` chooses the axis,
`bar` and `point` draw what is on it and arrows for the rest, and `note_cuts` explains the arrows.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import add_footer, limits_linear
from relscale.figures.kit.style import MarkStyle

CUT = "cut"
"""Name (`gid`) of the arrows."""
ROOM = 2.0
"""Median lengths of an interval that are shown on either side of the slopes."""
LONG = 5.0
"""Median lengths from which on an interval does not decide the axis, nor does its slope."""


def slope_limits(
    rows: pd.DataFrame,
    columns: tuple[str, str, str] = ("dbeta", "ci_low", "ci_high"),
    also: Sequence[float] = (),
) -> tuple[float, float]:
    """Return the limits of an axis for slopes with intervals, and 0.

    All slopes are on it but those that are hardly determined (`LONG`), and intervals up to `ROOM`
    median lengths beyond the slopes.

    Args:
        rows: one row per slope.
        columns: columns of the slope and of the ends of its interval.
        also: slopes without an interval.

    Returns:
        Lower and upper limit.
    """
    slope, low, high = (pd.to_numeric(rows[name]).to_numpy(dtype=float) for name in columns)
    length = high - low
    known = length[np.isfinite(length)]
    if not known.size:
        return limits_linear([*slope, *also, 0.0])
    middle = float(np.median(known))
    kept = ~(length > LONG * middle) if middle > 0 else np.ones(len(slope), dtype=bool)
    shown = np.array([*slope[kept], *also, 0.0])
    shown = shown[np.isfinite(shown)]
    lowest, highest = shown.min() - ROOM * middle, shown.max() + ROOM * middle
    ends = np.clip([*low[kept], *high[kept]], lowest, highest)
    return limits_linear([*map(float, shown), *map(float, ends)])


def bar(
    axes: Axes,
    y: float,
    interval: tuple[float, float],
    *,
    colour: str,
    width_pt: float = 1.0,
    gid: str = "interval",
    **look: Any,
) -> None:
    """Draw an interval as a horizontal bar at height `y`; nothing if it has an end that is NaN.

    Args:
        axes: axes whose limits are final.
        y: height of the row.
        interval: lower and upper end.
        colour: colour of the bar and of its arrows.
        width_pt: width of the line in points.
        gid: name of the bar.
        look: further arguments of `Axes.plot`.
    """
    if not all(math.isfinite(end) for end in interval):
        return
    left, right = sorted(axes.get_xlim())
    inside = [min(max(end, left), right) for end in interval]
    shown: MarkStyle = {"solid_capstyle": "butt", "zorder": 2, **look}
    axes.plot(inside, [y, y], color=colour, linewidth=width_pt, gid=gid, **shown)
    if interval[0] < left:
        _arrow(axes, left, y, "<", colour)
    if interval[1] > right:
        _arrow(axes, right, y, ">", colour)


def point(axes: Axes, y: float, value: float, *, gid: str = "slope", **mark: Any) -> None:
    """Draw a slope at height `y`, or an arrow at the edge beyond which it is; NaN draws nothing.

    Args:
        axes: axes whose limits are final.
        y: height of the row.
        value: the slope.
        gid: name of the mark.
        mark: arguments of `Axes.plot`.
    """
    if not math.isfinite(value):
        return
    left, right = sorted(axes.get_xlim())
    if not left <= value <= right:
        edge, sign = (left, "<") if value < left else (right, ">")
        _arrow(axes, edge, y, sign, str(mark.get("color", "#444444")), whole=False)
        return
    shown: MarkStyle = {"linestyle": "none", "zorder": 3, **mark}
    axes.plot([value], [y], gid=gid, **shown)


def note_cuts(figure: Figure) -> None:
    """Explain the arrows at the foot of a figure, if it has any."""
    if any(line.get_gid() == CUT for line in figure.findobj(Line2D)):
        add_footer(
            figure,
            "Arrows: the interval, or for a hollow arrow the slope itself, is beyond the panel; "
            "the table has its numbers.",
        )


def _arrow(axes: Axes, x: float, y: float, sign: str, colour: str, *, whole: bool = True) -> None:
    axes.plot(
        [x],
        [y],
        sign,
        color=colour,
        markerfacecolor=colour if whole else "white",
        markeredgewidth=0.6,
        markersize=3.0,
        clip_on=False,
        zorder=3,
        gid=CUT,
    )
