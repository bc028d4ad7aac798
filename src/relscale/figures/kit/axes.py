"""Axes of the figures: grids in inches, readable log ticks, direct labels that keep clear of each
other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from relscale.figures.kit.style import (
    FONT_PT,
    INK,
    PAGE_WIDTH_IN,
    SMALL_PT,
    TITLE_PT,
    ink,
    text_width_in,
    wrapped,
)

_MANTISSAS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0))
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, kw_only=True)
class Grid:
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
) -> Grid:
    """Lay out axes by their sizes in inches, so that nothing moves when a label grows.

    Args:
        row_heights_in: Height of each row of axes, top to bottom.
        column_widths_in: Width of each column of axes.
        left_in: Margin for the y labels of the first column.
        right_in: Margin for the direct labels of the last column.
        top_in: Margin for the titles.
        bottom_in: Margin for the x labels of the last row.
        column_gap_in: Between two columns of axes; one number for all, or one a gap.
        row_gap_in: Between two rows of axes; one number for all, or one a gap.
        width_in: Width of the whole figure, if wider than the axes need.

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
        beside = left_in
        row = []
        for column_width, column_gap in zip(column_widths_in, [*column_gaps, 0.0], strict=True):
            box = (
                beside / width,
                1 - (above + row_height) / height,
                column_width / width,
                row_height / height,
            )
            row.append(figure.add_axes(box))
            beside += column_width + column_gap
        rows.append(tuple(row))
        above += row_height + gap
    return Grid(figure=figure, rows=tuple(rows))


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
) -> Grid:
    """Lay out like panels, a column a corpus, on a page's width, with a key above and a footer
    below them.

    Args:
        rows: Rows of panels; at least one is made.
        columns: Columns of panels; at least one is made.
        row_height_in: Of each panel.
        left_in: Margin for the y labels of the first column.
        gap_in: Between two columns.
        row_gap_in: Between two rows.
        foot: The footer's sentences, written here.
        right_in: Margin at the right.
        top_in: Margin for headings and key.
        bottom_in: Margin for the x labels of the last row, above the footer.
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
    """Share a width among columns of axes; each is at least `least_in` and at most 2.6 inches
    wide."""
    each = (width_in - left_in - right_in - gap_in * (columns - 1)) / columns
    return [min(max(each, least_in), 2.6)] * columns


def number(value: float) -> str:
    """Write a tick: plain from 0.001 to 9,999, else as a power of ten with a mantissa where it is
    not 1."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.4g}"
    mantissa, exponent = f"{value:.2e}".split("e")  # rounded first: 9.996e10 is 10¹¹, not 10×10¹⁰
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    return power if float(mantissa) == 1 else f"{float(mantissa):g}×{power}"


def log_ticks(low: float, high: float, least: int = 3, most: int = 6) -> list[float]:
    """Choose ticks of a log axis: the sparsest of 1; 1, 3; 1, 2, 5; ... that gives `least`, else
    evenly spaced round numbers."""
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
    """Make an axis logarithmic from `low` to `high`, with ticks that are read without
    arithmetic."""
    along = axis.axis_name  # type: ignore[attr-defined]
    axis.axes.set(**{f"{along}scale": "log", f"{along}lim": (low, high)})
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
    """Return limits around positive values, with a share `pad` of their log range on each side; (1,
    10) if there is none."""
    kept = [value for value in values if np.isfinite(value) and value > 0]
    if not kept:
        return 1.0, 10.0
    low, high = math.log10(min(kept)), math.log10(max(kept))
    room = max(pad * (high - low), 0.01) if high > low else 0.15
    return 10 ** (low - room), 10 ** (high + room)


def limits_linear(values: Sequence[float], pad: float = 0.07) -> tuple[float, float]:
    """Return limits around values, with a share `pad` of their range on each side; (-1, 1) if there
    is none."""
    kept = [value for value in values if np.isfinite(value)]
    if not kept:
        return -1.0, 1.0
    low, high = min(kept), max(kept)
    room = pad * (high - low) if high > low else max(abs(high) * 0.1, 0.5)
    return low - room, high + room


def spread(
    positions: Sequence[float], heights: Sequence[float], low: float, high: float
) -> list[float]:
    """Move label centres apart as little as possible (least squares), so that none overlap and,
    where they fit, all lie in [low, high].

    Solved exactly by pooling adjacent violators on the positions less the room that the labels
    below need.
    """
    order = sorted(range(len(positions)), key=lambda k: (positions[k], k))
    offsets, room = [], 0.0
    for rank, k in enumerate(order):
        room += (heights[order[rank - 1]] + heights[k]) / 2 if rank else 0.0
        offsets.append(room)
    pools: list[list[float]] = []
    for rank, k in enumerate(order):
        pools.append([positions[k] - offsets[rank], 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            pools[-1] = [
                (pools[-1][0] * pools[-1][1] + mean * count) / (pools[-1][1] + count),
                pools[-1][1] + count,
            ]
    flat = [mean for mean, count in pools for _ in range(int(count))]
    first = low + (heights[order[0]] / 2 if order else 0.0)
    last = high - (heights[order[-1]] / 2 if order else 0.0) - (offsets[-1] if offsets else 0.0)
    placed = [0.0] * len(positions)
    for rank, k in enumerate(order):
        placed[k] = min(max(flat[rank], min(first, last)), max(first, last)) + offsets[rank]
    return placed


@dataclass(frozen=True, kw_only=True)
class Label:
    """A direct label at the right edge of a panel."""

    y: float
    """Where its line ends, in data units."""
    text: str
    colour: str
    x: float | None = None
    """Where its line ends, in data units, if before the edge."""


def direct_labels(axes: Axes, labels: Sequence[Label], size_pt: float = SMALL_PT) -> None:
    """Write labels to the right of the axes, each beside its line's end, spread so that none
    overlap (limits must be final)."""
    height_pt = axes.get_position().height * axes.get_figure().get_figheight() * 72  # type: ignore[union-attr]
    width_pt = axes.get_position().width * axes.get_figure().get_figwidth() * 72  # type: ignore[union-attr]
    shown = [label for label in labels if np.isfinite(label.y)]
    ends = [_axes_fraction(axes.get_ylim(), axes.get_yscale(), label.y) for label in shown]
    starts = [
        1.0 if label.x is None else _axes_fraction(axes.get_xlim(), axes.get_xscale(), label.x)
        for label in shown
    ]
    heights = [1.22 * size_pt * (label.text.count("\n") + 1) / height_pt for label in shown]
    room = max(0.0, sum(heights) - 1.0) / 2
    for label, start, end, place in zip(
        shown, starts, ends, spread(ends, heights, -0.04 - room, 1.04 + room), strict=True
    ):
        axes.plot(
            [start + 3.0 / width_pt if start < 1 else start, 1.0 + 5.0 / width_pt],
            [end, place],
            transform=axes.transAxes,
            clip_on=False,
            color=label.colour,
            linewidth=0.5,
            solid_capstyle="butt",
            gid="leader",
        )
        axes.text(
            1.0 + 6.5 / width_pt,
            place,
            label.text,
            transform=axes.transAxes,
            color=ink(label.colour),
            fontsize=size_pt,
            va="center_baseline" if "\n" not in label.text else "center",
            linespacing=1.05,
        )


def _axes_fraction(limits: tuple[float, float], scale: str, value: float) -> float:
    low, high = limits
    if scale == "log":
        low, high, value = (
            math.log(low),
            math.log(high),
            math.log(value) if value > 0 else math.log(low),
        )
    return min(max((value - low) / (high - low), 0.0), 1.0)


def note(
    axes: Axes, text: str, *, y: float = 0.5, va: str = "center", size_pt: float = SMALL_PT
) -> None:
    """Write inside a panel what it cannot show, broken to its width."""
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    axes.text(
        0.5,
        y,
        wrapped(text, 0.94 * width_in, size_pt),
        transform=axes.transAxes,
        ha="center",
        va=va,
        fontsize=size_pt,
        color=INK,
        style="italic",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
        zorder=6,
    )


def empty(axes: Axes, text: str) -> None:
    """Draw a panel that has no data: its frame, and what is missing."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#cccccc")
    note(axes, text)


def heading(axes: Axes, text: str, letter: str = "", room_in: float = math.inf) -> None:
    """Write a panel's title, at the left, with its letter in bold before it; it shrinks (to 5
    points) to fit `room_in` inches."""
    if letter:
        axes.annotate(
            letter,
            (0, 1),
            xytext=(0, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=TITLE_PT,
            fontweight="bold",
        )
    shift = 10 if letter else 0
    size = max(
        5.0, TITLE_PT * min(1.0, (room_in - shift / 72) / max(text_width_in(text, TITLE_PT), 0.01))
    )
    axes.annotate(
        text,
        (0, 1),
        xytext=(shift, 5),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=size,
    )


def y_label(axes: Axes, text: str, away_in: float = 0.42) -> None:
    """Write a y label at a fixed distance from the axes, so that those of a column of panels
    align."""
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    axes.set_ylabel(text)
    axes.yaxis.set_label_coords(-away_in / width_in, 0.5)


def footer(
    figure: Figure,
    text: str,
    *,
    left_in: float = 0.08,
    bottom_in: float = 0.05,
    size_pt: float = SMALL_PT,
) -> None:
    """Write one or more lines at the foot of a figure, broken to its width (leave room with
    `bottom_in` of the grid)."""
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


def footer_height_in(text: str, width_in: float, size_pt: float = SMALL_PT) -> float:
    """Return the room in inches that `footer` needs for a text in a figure of that width."""
    return (
        (wrapped(text, width_in - 0.16, size_pt).count("\n") + 1) * 1.25 * size_pt / 72 + 0.06
        if text
        else 0.0
    )


def label_size(count: int, height_in: float) -> float:
    """Return the largest label size (6.2 down to 5.2 points) at which `count` lines fit a panel of
    that height."""
    return max(5.2, min(SMALL_PT, height_in * 72 / max(count, 1) / 1.22, FONT_PT))


def point_labels(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    inks: Sequence[str],
    beyond_in: float = 0.05,
) -> None:
    """Write a name beside each point, on whichever side overlaps least with points and names placed
    before (limits must be final).

    A name may reach `beyond_in` inches past the right edge of the axes.
    """
    size, figure = SMALL_PT, axes.get_figure()
    inches = [axes.transData.transform(point) * 72 / figure.dpi for point in points]  # type: ignore[union-attr]
    taken = [(x - 2.5, x + 2.5, y - 2.5, y + 2.5) for x, y in inches]
    right_pt = axes.get_position().x1 * figure.get_figwidth() * 72  # type: ignore[union-attr]
    choices = [(4, 0, "left"), (-4, 0, "right")]
    choices += [(4, 5, "left"), (4, -5, "left"), (-4, 5, "right"), (-4, -5, "right")]
    choices += [
        (side * 4, up, "left" if side > 0 else "right")
        for up in (10, -10, 16, -16)
        for side in (1, -1)
    ]
    for point, (x, y), text, colour in zip(points, inches, texts, inks, strict=True):
        boxes = [_box(x, y, text_width_in(text, size) * 72, choice) for choice in choices]
        costs = [
            sum(_overlap(box, other) for other in taken)
            + 40 * max(0.0, box[1] - right_pt - 72 * beyond_in)
            for box in boxes
        ]
        best = int(np.argmin(costs))
        taken.append(boxes[best])
        right, up, side = choices[best]
        axes.annotate(
            text,
            point,
            xytext=(right, up),
            textcoords="offset points",
            ha=side,
            va="center_baseline",
            color=ink(colour),
            fontsize=size,
        )


def _box(
    x: float, y: float, wide: float, choice: tuple[float, float, str]
) -> tuple[float, float, float, float]:
    left = x + choice[0] - (wide if choice[2] == "right" else 0.0)
    return left, left + wide, y + choice[1] - 3.2, y + choice[1] + 3.2


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    return max(0.0, min(a[1], b[1]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[2], b[2]))


def top_legend(figure: Figure, handles: Sequence[Artist], texts: Sequence[str]) -> None:
    """Write a one-row key at the top right of a figure; its letters shrink (to 5 points) where the
    figure is narrow."""
    width_in = figure.get_figwidth()
    size = SMALL_PT + 0.3
    needed = sum(text_width_in(text, size) for text in texts) + 0.42 * len(texts)
    size = max(5.0, size * min(1.0, (width_in - 0.2) / needed))
    figure.legend(
        handles,
        texts,
        loc="upper right",
        bbox_to_anchor=(1 - 0.05 / width_in, 1 - 0.02 / figure.get_figheight()),
        ncols=len(texts),
        borderpad=0.2,
        handletextpad=0.4,
        columnspacing=1.3,
        handlelength=1.8,
        fontsize=size,
    )
