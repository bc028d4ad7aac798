"""Axes of the figures: grids laid out in inches, readable log ticks, limits, footers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from relscale.figures.kit.style import PAGE_WIDTH_IN, SMALL_PT, wrapped

_MANTISSAS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0))
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, kw_only=True)
class AxesGrid:
    """A figure with its axes in rows."""

    figure: Figure
    rows: tuple[tuple[Axes, ...], ...]


def grid(
    *,
    row_heights_in: Sequence[float],
    column_widths_in: Sequence[float],
    left_in: float = 0.6,
    right_in: float = 0.1,
    top_in: float = 0.28,
    bottom_in: float = 0.42,
    column_gap_in: float | Sequence[float] = 0.5,
    row_gap_in: float | Sequence[float] = 0.5,
    width_in: float | None = None,
) -> AxesGrid:
    """Place axes by their sizes in inches, so that longer labels move nothing.

    Args:
        row_heights_in: height of each row of axes, from top to bottom.
        column_widths_in: width of each column of axes.
        left_in: margin for the y labels of the first column.
        right_in: margin for the direct labels of the last column.
        top_in: margin for the titles.
        bottom_in: margin for the x labels of the last row.
        column_gap_in: distances between columns; one number for all, or one per gap.
        row_gap_in: distances between rows; one number for all, or one per gap.
        width_in: width of the figure, if it is larger than that of the axes and margins.

    Returns:
        The figure and its axes.
    """
    gaps, column_gaps = (
        _gaps(row_gap_in, len(row_heights_in)),
        _gaps(column_gap_in, len(column_widths_in)),
    )
    width = left_in + sum(column_widths_in) + sum(column_gaps) + right_in
    width = max(width, width_in or 0.0)
    height = top_in + sum(row_heights_in) + sum(gaps) + bottom_in
    figure = Figure(figsize=(width, height))
    rows = []
    above = top_in
    for row_height, gap in zip(row_heights_in, [*gaps, 0.0], strict=True):
        left = left_in
        row = []
        for column_width, column_gap in zip(column_widths_in, [*column_gaps, 0.0], strict=True):
            box = (
                left / width,
                1 - (above + row_height) / height,
                column_width / width,
                row_height / height,
            )
            row.append(figure.add_axes(box))
            left += column_width + column_gap
        rows.append(tuple(row))
        above += row_height + gap
    return AxesGrid(figure=figure, rows=tuple(rows))


def panel_grid(
    *,
    rows: int,
    columns: int,
    row_height_in: float,
    left_in: float,
    gap_in: float,
    row_gap_in: float,
    foot: str,
    right_in: float = 0.12,
    top_in: float = 0.52,
    bottom_in: float = 0.42,
) -> AxesGrid:
    """Place panels of one size on the width of a page, with room for a key and a footer.

    Args:
        rows: rows of panels; at least one is made.
        columns: columns of panels, one per corpus; at least one is made.
        row_height_in: height of each panel.
        left_in: margin for the y labels of the first column.
        gap_in: distance between two columns.
        row_gap_in: distance between two rows.
        foot: text of the footer.
        right_in: margin at the right.
        top_in: margin for headings and key.
        bottom_in: margin for the x labels of the last row, above the footer.
    """
    widths = column_widths(
        max(columns, 1), width_in=PAGE_WIDTH_IN, left_in=left_in, right_in=right_in, gap_in=gap_in
    )
    made = grid(
        row_heights_in=[row_height_in] * max(rows, 1),
        column_widths_in=widths,
        left_in=left_in,
        right_in=right_in,
        top_in=top_in,
        bottom_in=bottom_in
        + footer_height_in(foot, left_in + sum(widths) + gap_in * (len(widths) - 1) + right_in),
        column_gap_in=gap_in,
        row_gap_in=row_gap_in,
    )
    if foot:
        footer(made.figure, foot)
    return made


def _gaps(given: float | Sequence[float], count: int) -> list[float]:
    return [float(given)] * (count - 1) if isinstance(given, (int, float)) else list(given)


def column_widths(
    columns: int,
    *,
    width_in: float,
    left_in: float,
    right_in: float,
    gap_in: float,
    least_in: float = 1.15,
) -> list[float]:
    """Return equal widths of columns of axes, from `least_in` to 2.6 inches each."""
    each = (width_in - left_in - right_in - gap_in * (columns - 1)) / columns
    return [min(max(each, least_in), 2.6)] * columns


def number(value: float) -> str:
    """Return the text of a tick: plain from 0.001 to 9,999, else a multiple of a power of ten."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.4g}"
    mantissa, exponent = f"{value:.2e}".split("e")  # rounded first: 9.996e10 is 10¹¹, not 10×10¹⁰
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    return power if float(mantissa) == 1 else f"{float(mantissa):g}×{power}"


def log_ticks(low: float, high: float, least: int = 3, most: int = 6) -> list[float]:
    """Return ticks of a log axis between two positive numbers.

    They are the sparsest of 1; 1, 3; 1, 2, 5; ... times powers of ten with at least `least` ticks,
    or else evenly spaced round numbers.
    """
    for mantissas in _MANTISSAS:
        powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        ticks = [
            m * 10.0**power
            for power in powers
            for m in mantissas
            if low * (1 - 1e-9) <= m * 10.0**power <= high * (1 + 1e-9)
        ]
        if len(ticks) >= least:
            return ticks[:: math.ceil(len(ticks) / most)]
    return [
        float(tick)
        for tick in MaxNLocator(nbins=most - 1).tick_values(low, high)
        if low <= tick <= high and tick > 0
    ]


def log_axis(axis: Axis, low: float, high: float, least: int = 3, most: int = 6) -> None:
    """Make an axis logarithmic from `low` to `high`, with readable ticks."""
    along = axis.axis_name  # type: ignore[attr-defined]
    # Limits first: a scale looks for positive data, of which there may be none.
    axis.axes.set(**{f"{along}lim": (low, high)})
    axis.axes.set(**{f"{along}scale": "log"})
    axis.set_major_locator(FixedLocator(log_ticks(low, high, least, most)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    minor = [
        m * 10.0**p
        for p in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for m in range(2, 10)
    ]
    axis.set_minor_locator(FixedLocator(minor) if high / low < 1e4 else NullLocator())
    axis.set_minor_formatter(NullFormatter())


def limits_log(values: Sequence[float], pad: float = 0.06) -> tuple[float, float]:
    """Return limits around positive values on a log axis; (1, 10) without a value.

    Args:
        values: numbers; those that are not positive and finite are left out.
        pad: margin at each side, as a share of the log range.
    """
    kept = [value for value in values if np.isfinite(value) and value > 0]
    if not kept:
        return 1.0, 10.0
    low, high = math.log10(min(kept)), math.log10(max(kept))
    room = max(pad * (high - low), 0.01) if high > low else 0.15
    return 10 ** (low - room), 10 ** (high + room)


def limits_linear(values: Sequence[float], pad: float = 0.07) -> tuple[float, float]:
    """Return limits around values; (-1, 1) without a value.

    Args:
        values: numbers; those that are not finite are left out.
        pad: margin at each side, as a share of the range.
    """
    kept = [value for value in values if np.isfinite(value)]
    if not kept:
        return -1.0, 1.0
    low, high = min(kept), max(kept)
    room = pad * (high - low) if high > low else max(abs(high) * 0.1, 0.5)
    return low - room, high + room


def footer(
    figure: Figure,
    text: str,
    *,
    left_in: float = 0.08,
    bottom_in: float = 0.05,
    size_pt: float = SMALL_PT,
) -> None:
    """Write lines at the foot of a figure, broken to its width; the grid leaves room for them."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    figure.text(
        left_in / width,
        bottom_in / height,
        wrapped(text, width - 2 * left_in, size_pt),
        fontsize=size_pt,
        color="#555555",
        va="bottom",
        linespacing=1.15,
    )


def add_footer(figure: Figure, text: str) -> None:
    """Write lines below everything that a figure has, and make it higher by them."""
    add_room(figure, below_in=footer_height_in(text, figure.get_figwidth()))
    footer(figure, text)


def add_room(figure: Figure, *, above_in: float = 0.0, below_in: float = 0.0) -> None:
    """Make a figure higher; axes and texts keep their sizes and distances in inches."""
    before = figure.get_figheight()
    after = before + above_in + below_in
    for axes in figure.axes:
        box = axes.get_position()
        axes.set_position(
            (
                box.x0,
                (box.y0 * before + below_in) / after,
                box.width,
                box.height * before / after,
            )
        )
    for words in figure.texts:
        if words.get_transform() == figure.transFigure:
            x, y = words.get_position()
            words.set_position((x, (y * before + below_in) / after))
    figure.set_figheight(after)


def footer_height_in(text: str, width_in: float, size_pt: float = SMALL_PT) -> float:
    """Return the height in inches of a footer in a figure of the given width."""
    return (
        (wrapped(text, width_in - 0.16, size_pt).count("\n") + 1) * 1.25 * size_pt / 72 + 0.06
        if text
        else 0.0
    )
