"""Text in figures: labels that do not overlap, headings, notes, keys."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.figures.kit.axes import add_room
from relscale.figures.kit.style import (
    FONT_PT,
    INK,
    SMALL_PT,
    TITLE_PT,
    ink,
    text_width_in,
    wrapped,
)


def spread(
    positions: Sequence[float], heights: Sequence[float], low: float, high: float
) -> list[float]:
    """Return label centres that do not overlap and are as near to their positions as possible.

    The squared distances are minimal; they are found exactly by pooling adjacent violators of the
    positions minus the heights of the labels below. The centres are within [low, high] if the
    labels fit.

    Args:
        positions: wanted centres.
        heights: heights of the labels, in the unit of the positions.
        low: lower limit.
        high: upper limit.
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
    """A label of a line, at the right edge of a panel."""

    y: float
    """End of the line, in data units."""
    text: str
    colour: str
    x: float | None = None
    """End of the line, in data units, if it is left of the edge."""


def direct_labels(axes: Axes, labels: Sequence[Label], size_pt: float = SMALL_PT) -> None:
    """Write labels to the right of the axes, near the ends of their lines and without overlap.

    The limits of the axes must be final.
    """
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
    """Write a remark into a panel, broken to its width."""
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
    """Draw a panel without data: a frame, and a text about the missing data."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#cccccc")
    note(axes, text)


def heading(axes: Axes, text: str, letter: str = "", room_in: float = math.inf) -> None:
    """Write the title of a panel at its left, after its letter in bold.

    The text shrinks, down to 5 points, to fit `room_in` inches.
    """
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
    """Write a y label at a fixed distance from the axes, so that labels of a column align."""
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    axes.set_ylabel(text)
    axes.yaxis.set_label_coords(-away_in / width_in, 0.5)


def label_size(count: int, height_in: float) -> float:
    """Return the largest size, from 6.2 down to 5.2 points, at which `count` lines fit a panel."""
    return max(5.2, min(SMALL_PT, height_in * 72 / max(count, 1) / 1.22, FONT_PT))


def point_labels(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    inks: Sequence[str],
    beyond_in: float = 0.05,
    bars: Sequence[tuple[float, float]] = (),
) -> None:
    """Write a name next to each point, where it overlaps least with points and earlier names.

    Args:
        axes: axes with final limits.
        points: x and y of each point.
        texts: names of the points.
        inks: colours of the names.
        beyond_in: inches by which a name may extend over the right edge of the axes.
        bars: vertical intervals through the points, which names avoid, too.
    """
    size, figure = SMALL_PT, axes.get_figure()
    inches = [axes.transData.transform(point) * 72 / figure.dpi for point in points]  # type: ignore[union-attr]
    taken = [(x - 2.5, x + 2.5, y - 2.5, y + 2.5) for x, y in inches]
    for (x, _), bar in zip(points, bars, strict=False):
        if np.isfinite(bar).all():
            (at, low), (_, high) = (
                axes.transData.transform((x, end)) * 72 / figure.dpi  # type: ignore[union-attr]
                for end in bar
            )
            taken.append((at - 1.0, at + 1.0, low, high))
    width_pt = figure.get_figwidth() * 72  # type: ignore[union-attr]
    left_pt, right_pt = axes.get_position().x0 * width_pt, axes.get_position().x1 * width_pt
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
            + 40 * max(0.0, left_pt + 1 - box[0])
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
    """Write a key at the top right of a figure.

    The key is one row, whose text shrinks, down to 5 points, if the figure is narrow. A key that is
    still too wide has several rows, and those beyond the second make the figure higher.
    """
    width_in = figure.get_figwidth()
    size, columns = SMALL_PT + 0.3, max(len(texts), 1)
    needed = sum(text_width_in(text, size) for text in texts) + 0.42 * len(texts)
    scale = min(1.0, (width_in - 0.2) / needed) if texts else 1.0
    if size * scale < 5.0:
        columns = _key_columns(texts, size, width_in - 0.2)
        scale = 1.0
    rows = -(-len(texts) // columns)
    if rows > 2:
        add_room(figure, above_in=(rows - 2) * 1.35 * size / 72)
    key = figure.legend(
        handles,
        [str(place) for place in range(len(texts))],
        loc="upper right",
        bbox_to_anchor=(1 - 0.05 / width_in, 1 - 0.02 / figure.get_figheight()),
        ncols=columns,
        borderpad=0.2,
        handletextpad=0.4,
        columnspacing=1.3,
        handlelength=1.8,
        labelspacing=0.5 if rows == 1 else 0.25,
        fontsize=max(5.0, size * scale),
    )
    # A legend leaves out texts that begin with "_"; set afterwards, they are shown.
    for shown, text in zip(key.get_texts(), texts, strict=True):
        shown.set_text(text)


def _key_columns(texts: Sequence[str], size_pt: float, width_in: float) -> int:
    """Return the largest number of columns of a key that fits a width; at least one."""
    widths = [text_width_in(text, size_pt) + 0.42 for text in texts]
    for columns in range(len(texts), 1, -1):
        rows = -(-len(texts) // columns)
        # Matplotlib fills column by column, the first ones with one entry more.
        longer = len(texts) - (rows - 1) * columns
        sizes = [rows] * longer + [rows - 1] * (columns - longer)
        starts = [sum(sizes[:place]) for place in range(columns)]
        parts = [widths[at : at + count] for at, count in zip(starts, sizes, strict=True)]
        if sum(max(part, default=0.0) for part in parts) <= width_in:
            return columns
    return 1
