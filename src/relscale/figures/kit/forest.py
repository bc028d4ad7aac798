"""Forest plots: one row per domain, grouped by family, and one column per corpus.

`forest` has one axis for all families, `family_forests` an axis per family.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.figures.kit.axes import (
    AxesGrid,
    column_widths,
    footer_height_in,
    grid,
    limits_linear,
)
from relscale.figures.kit.labels import heading
from relscale.figures.kit.style import (
    FAINT,
    PAGE_WIDTH_IN,
    SMALL_PT,
    TITLE_PT,
    ink,
    text_width_in,
    words,
    wrapped,
)

TITLE_SIZE_PT = TITLE_PT - 0.8


@dataclass(frozen=True, kw_only=True)
class Group:
    """The rows of one family."""

    key: str
    """Name of the family; titles may be alike."""
    title: str
    rows: tuple[str, ...]
    """Names of the domains, top to bottom."""
    colour: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Forest:
    """A figure of rows, and the height of each row on its axes."""

    made: AxesGrid
    height: dict[tuple[str, str], float]
    """Height in data units, by family and domain."""


@dataclass(frozen=True, kw_only=True)
class FamilyForests:
    """A figure with a panel per family and corpus, and the height of each row on its axes."""

    figure: Figure
    panels: dict[tuple[str, str], Axes]
    """Axes by family and column."""
    height: dict[tuple[str, str], float]
    """Height in data units, by family and domain."""

    def row(self, key: str) -> list[Axes]:
        """Return the panels of a family, from left to right."""
        return [axes for (family, _), axes in self.panels.items() if family == key]

    @property
    def last(self) -> list[Axes]:
        """The panels of the last family, which have the labels of the x axes."""
        return self.row(next(reversed(self.panels))[0])


def family_forests(
    groups: Sequence[Group],
    columns: Sequence[str],
    *,
    labels: Mapping[str, str],
    row_in: float = 0.17,
    top_in: float = 0.52,
    bottom_in: float = 0.44,
    gap_in: float = 0.26,
    least_in: float = 0.9,
    least_height_in: float = 0.0,
    foot: str = "",
) -> FamilyForests:
    """Place a panel per family and corpus: families whose slopes differ in size need two ranges.

    Args:
        groups: families with their domains; a family without domains is left out.
        columns: names of the columns.
        labels: words for keys.
        row_in: height of a row in inches; more than 60 rows are less high.
        top_in: margin for a key and the headings of the columns, above the first title.
        bottom_in: margin for the x label, above the footer.
        gap_in: distance between two columns, with room for texts to the right of the panels.
        least_in: width of a panel at least, in inches.
        least_height_in: height of a panel at least, in inches.
        foot: text of the footer, which the caller writes when the figure is complete.

    Returns:
        Axes with final limits in y, and the height of each row.
    """
    groups = [group for group in groups if group.rows]
    count = sum(len(group.rows) for group in groups)
    row_in = row_in if count <= 60 else max(0.12, 60 * row_in / count)
    names = [words(row, labels, 26) for group in groups for row in group.rows]
    left, right = max([text_width_in(name, SMALL_PT) for name in names] + [0.7]) + 0.2, 0.15
    right = max(right, gap_in - 0.11)
    widths = column_widths(
        max(len(columns), 1),
        width_in=PAGE_WIDTH_IN,
        left_in=left,
        right_in=right,
        gap_in=gap_in,
        least_in=least_in,
    )
    width = left + sum(widths) + gap_in * (len(widths) - 1) + right
    titles = [wrapped(group.title, width - 0.2, TITLE_SIZE_PT * 1.08) for group in groups]
    rooms = [0.16 * (title.count("\n") + 1) if title else 0.0 for title in titles]
    made = grid(
        row_heights_in=[max(row_in * (len(group.rows) + 0.2), least_height_in) for group in groups],
        column_widths_in=widths,
        left_in=left,
        right_in=right,
        top_in=top_in + rooms[0],
        bottom_in=bottom_in + footer_height_in(foot, width),
        column_gap_in=gap_in,
        row_gap_in=[0.3 + room for room in rooms[1:]],
    )
    panels: dict[tuple[str, str], Axes] = {}
    height: dict[tuple[str, str], float] = {}
    for group, title, row in zip(groups, titles, made.rows, strict=True):
        mine = {(group.key, name): float(place) for place, name in enumerate(group.rows)}
        height |= mine
        for column, axes in zip(columns or [""], row, strict=True):
            panels[(group.key, column)] = axes
            _rows(axes, mine, len(group.rows) + 0.1)
        _names(row[0], [group], mine, labels)
        _title(row[0], title, left)
    for axes, column in zip(made.rows[0], columns, strict=False):
        _column_heading(axes, words(column, labels, 30), rooms[0])
    return FamilyForests(figure=made.figure, panels=panels, height=height)


def _title(axes: Axes, title: str, left_in: float) -> None:
    """Write the title of a family above its panels, at the left edge of the figure."""
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    axes.annotate(
        title,
        (-(left_in - 0.08) / width_in, 1),
        xytext=(0, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=TITLE_SIZE_PT,
        fontweight="bold",
        linespacing=1.1,
    )


def _column_heading(axes: Axes, text: str, room_in: float) -> None:
    """Write the name of a corpus above the first panel of its column and the family's title."""
    axes.annotate(
        text,
        (0, 1),
        xytext=(0, 5 + 72 * room_in),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=TITLE_PT,
    )


def forest(
    groups: Sequence[Group],
    columns: Sequence[str],
    *,
    labels: Mapping[str, str],
    blocks: int = 1,
    row_in: float = 0.19,
    top_in: float = 0.3,
    bottom_in: float = 0.42,
    block_gap_in: float = 0.62,
    width_in: float = PAGE_WIDTH_IN,
    foot: str = "",
) -> Forest:
    """Place rows below the titles of their groups, with coloured names at the left and stripes.

    Args:
        groups: families with their domains; an empty title is not shown.
        columns: headings of the columns.
        labels: words for keys.
        blocks: number of blocks, one below the other, that repeat the rows with another x axis.
        row_in: height of a row in inches; more than 60 rows are less high, so that the figure
            stays below about a page.
        top_in: margin for the headings.
        bottom_in: margin for the x label, above the footer.
        block_gap_in: distance between two blocks.
        width_in: width of the figure at most.
        foot: text of the footer, which the caller writes when the figure is complete.

    Returns:
        Axes with final limits in y, and the height of each row.
    """
    height, titles, rows = _heights(groups)
    row_in = row_in if rows <= 60 else max(0.12, 60 * row_in / rows)
    names = [words(row, labels, 26) for group in groups for row in group.rows]
    left = max([text_width_in(name, SMALL_PT) for name in names] + [0.7]) + 0.2
    widths = column_widths(
        max(len(columns), 1), width_in=width_in, left_in=left, right_in=0.15, gap_in=0.26
    )
    width = left + sum(widths) + 0.26 * (len(widths) - 1) + 0.15
    made = grid(
        row_heights_in=[rows * row_in] * blocks,
        column_widths_in=widths,
        left_in=left,
        right_in=0.15,
        top_in=top_in,
        bottom_in=bottom_in + footer_height_in(foot, width),
        column_gap_in=0.26,
        row_gap_in=block_gap_in,
    )
    for block in made.rows:
        for place, axes in enumerate(block):
            _rows(axes, height, rows)
            if not place:
                _names(axes, groups, height, labels)
                _titles(axes, titles, left)
    for axes, column in zip(made.rows[0], columns, strict=False):
        heading(axes, words(column, labels, 30))
    return Forest(made=made, height=height)


def _heights(
    groups: Sequence[Group],
) -> tuple[dict[tuple[str, str], float], list[tuple[float, str]], float]:
    """Return the height of each row, that of each title, and the number of rows with gaps."""
    height: dict[tuple[str, str], float] = {}
    titles: list[tuple[float, str]] = []
    y = 0.0
    for group in groups:
        if group.title:
            titles.append((y, group.title))
            y += 1.0
        for row in group.rows:
            height[(group.key, row)] = y
            y += 1.0
        y += 0.35
    return height, titles, max(y - 0.35, 1.0)


def _rows(axes: Axes, height: Mapping[tuple[str, str], float], rows: float) -> None:
    axes.set_ylim(rows - 0.5, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for place, y in enumerate(height.values()):
        if place % 2 == 0:
            axes.axhspan(y - 0.5, y + 0.5, color="#f3f3f3", linewidth=0, zorder=0)


def _names(
    axes: Axes,
    groups: Sequence[Group],
    height: Mapping[tuple[str, str], float],
    labels: Mapping[str, str],
) -> None:
    across = axes.get_yaxis_transform()
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    for group in groups:
        for row in group.rows:
            axes.text(
                -0.08 / width_in,
                height[(group.key, row)],
                words(row, labels, 26),
                transform=across,
                ha="right",
                va="center_baseline",
                color=ink(group.colour[row]),
                fontsize=SMALL_PT,
            )


def _titles(axes: Axes, titles: Sequence[tuple[float, str]], left_in: float) -> None:
    across = axes.get_yaxis_transform()
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    for y, title in titles:  # text of the figure: the panels to the right would hide text of axes
        axes.get_figure().text(  # type: ignore[union-attr]
            -(left_in - 0.08) / width_in,
            y + 0.1,
            title,
            transform=across,
            va="center_baseline",
            fontsize=TITLE_SIZE_PT,
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )


def absent(axes: Axes, y: float, text: str = "no law") -> None:
    """Write into a row that the tables have no slope for it."""
    axes.text(
        0.98,
        y,
        text,
        transform=axes.get_yaxis_transform(),
        ha="right",
        va="center_baseline",
        fontsize=5.6,
        color="#777777",
        style="italic",
    )


def slope_axis(axes: Axes, values: Sequence[float], label: str) -> None:
    """Scale an axis of slopes over all values and 0, and draw the line at 0 and the label."""
    scale_slopes(axes, limits_linear([*values, 0.0]))
    axes.set_xlabel(label)


def scale_slopes(axes: Axes, limits: tuple[float, float]) -> None:
    """Scale an axis of slopes, and draw the line at 0."""
    axes.set_xlim(*limits)
    axes.axvline(0, color="#2b2b2b", linewidth=0.6, zorder=1)
    axes.locator_params(axis="x", nbins=4)


def margin_box(axes: Axes, margin: float, y: float) -> None:
    """Shade the slopes within the margin of one gap at height `y`; NaN shades nothing."""
    if math.isfinite(margin):
        axes.fill_betweenx(
            [y - 0.45, y + 0.45],
            -margin,
            margin,
            color=FAINT,
            alpha=0.16,
            linewidth=0,
            zorder=0.5,
        )
