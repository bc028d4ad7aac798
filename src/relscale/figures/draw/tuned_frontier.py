"""Draw tuned frontiers: what tuning gains at each size (top), slopes by default and tuned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from relscale.contract.verdict_words import verdict_of_word
from relscale.contract.verdicts import UNDECIDED
from relscale.figures.kit.axes import add_room, footer, limits_linear, limits_log, log_axis
from relscale.figures.kit.choose import ordered, pick, text_of
from relscale.figures.kit.clipped import bar, note_cuts, point, slope_limits
from relscale.figures.kit.compared import family_group, nothing_to_show, shown_families
from relscale.figures.kit.forest import FamilyForests, Group, absent, family_forests, scale_slopes
from relscale.figures.kit.isoflop import budget_size, budget_text
from relscale.figures.kit.labels import empty, heading, top_legend
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import (
    PAGE_WIDTH_IN,
    SMALL_PT,
    MarkStyle,
    ink,
    markers,
    shade,
    text_width_in,
    words,
)
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings, FamilyView
from relscale.figures.tuned_frontier import FIGURE

DEFAULT = ("dbeta", "ci_low", "ci_high", "verdict")
TUNED = tuple(f"{name}_tuned" for name in DEFAULT)
"""Columns of a slope, its interval and its verdict on either side."""
SAME = ("same", "undecided")
"""Words of the column `survives` for equal verdicts."""
SHIFT = 0.2
"""Distance of either side from the middle of a row, as a share of its height."""
BOLD = 1.16
"""Width of bold text relative to plain text."""
ROW_IN, TOP_IN, TOP_GAP_IN = 0.2, 1.25, 0.85
"""Height of a row, of the panels at the top, and the room above and below these, in inches."""
LINE = 1.1
"""Height of the line of a member, relative to the size of its text."""
FOOT = (
    "Verdicts: default → tuned, or one for both; ratio scale, adjusted for the gaps of the corpus "
    "and family. A verdict that is lost is not shown to be false."
)


@dataclass(frozen=True, kw_only=True)
class _View:
    """The frontiers that the figure shows."""

    frontiers: Sequence[str]
    families: Sequence[FamilyView]
    groups: Sequence[Group]
    laws: pd.DataFrame
    """Rows of tuned.csv of these families, each in its metric."""
    sizes: pd.DataFrame
    """Rows of tuned_sizes.csv."""


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from tuned and tuned_sizes."""
    view = _view(tables["tuned"], tables["tuned_sizes"], settings)
    if not len(view.laws):
        return nothing_to_show("no law of a tuned frontier in the tables")
    marker = markers(view.frontiers)
    widest = max(text_width_in(_verdicts(row), SMALL_PT) for _, row in view.laws.iterrows())
    drawn = family_forests(
        view.groups, view.frontiers, labels=settings.labels, row_in=ROW_IN, top_in=0.3,
        gap_in=BOLD * widest + 0.24, foot=FOOT,
    )  # fmt: skip
    for family, group in zip(view.families, view.groups, strict=True):
        rows = pick(view.laws, family=family.family, metric=family.metric)
        limits = slope_limits(_both(rows))
        for axes in drawn.row(group.key):
            scale_slopes(axes, limits)
        for frontier in view.frontiers:
            _slopes(drawn, pick(rows, frontier=frontier), group, (frontier, marker[frontier]))
    for axes in drawn.last:
        axes.set_xlabel("Slope dβ")
    footer(drawn.figure, FOOT)
    _above(drawn.figure, view, settings)
    _legend(drawn.figure, view)
    note_cuts(drawn.figure)
    return drawn.figure


def _view(tuned: pd.DataFrame, sizes: pd.DataFrame, settings: ComparedSettings) -> _View:
    families = [
        family
        for family in shown_families(settings.families, tuned)
        if len(pick(tuned, family=family.family, metric=family.metric))
    ]
    laws = [pick(tuned, family=family.family, metric=family.metric) for family in families]
    return _View(
        frontiers=ordered([], tuned["frontier"]),
        families=families,
        groups=[family_group(family, tuned, settings.labels) for family in families],
        laws=pd.concat(laws) if laws else tuned.iloc[:0],
        sizes=sizes,
    )


def _both(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the slopes of both sides with their intervals, in the columns of the default."""
    tuned = rows[list(TUNED)].rename(columns=dict(zip(TUNED, DEFAULT, strict=True)))
    return pd.concat([rows[list(DEFAULT)], tuned])


def _slopes(
    drawn: FamilyForests, rows: pd.DataFrame, group: Group, column: tuple[str, str]
) -> None:
    """Draw the slopes of a family on one frontier, the default's above the tuned one.

    Args:
        drawn: the forests.
        rows: rows of tuned.csv of the family and frontier.
        group: the rows of the family.
        column: the frontier and its marker.
    """
    frontier, marker = column
    axes = drawn.panels[(group.key, frontier)]
    for _, row in rows.iterrows():
        name = str(row["treatment"])
        y, colour = drawn.height[(group.key, name)], group.colour[name]
        for columns, side in ((DEFAULT, "default"), (TUNED, "tuned")):
            value, low, high = (float(row[column]) for column in columns[:3])
            at = y + (SHIFT if side == "tuned" else -SHIFT)
            tuned = side == "tuned"
            bar(axes, at, (low, high), colour=colour, width_pt=1.3 if tuned else 0.6)
            mark = _mark(marker, filled=tuned, colour=colour)
            point(axes, at, value, gid=side, color=colour, **mark)
        if pd.isna(row["dbeta"]) and pd.isna(row["dbeta_tuned"]):
            absent(axes, y)
        _verdict(axes, y, row)


def _mark(marker: str, *, filled: bool, colour: str) -> MarkStyle:
    return {
        "marker": marker,
        "markersize": 3.2,
        "markeredgewidth": 0.7,
        "markerfacecolor": colour if filled else "white",
    }


def _verdicts(row: pd.Series) -> str:
    """Return the verdicts by default and tuned, or one if they are equal."""
    before, after = (text_of(row[columns[3]]) or "no verdict" for columns in (DEFAULT, TUNED))
    return before if before == after else f"{before} → {after}"


def _verdict(axes: Axes, y: float, row: pd.Series) -> None:
    """Write both verdicts to the right of a row, in bold where they differ."""
    word = text_of(row["verdict_tuned"])
    if word in ("", UNDECIDED):
        word = text_of(row["verdict"])
    verdict = verdict_of_word(word)
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    axes.text(
        1 + 0.06 / width_in,
        y,
        _verdicts(row),
        transform=axes.get_yaxis_transform(),
        va="center_baseline",
        fontsize=SMALL_PT,
        color=ink(verdict.ink) if verdict else "#444444",
        fontweight="bold" if row["survives"] not in SAME else "normal",
        gid="verdicts",
    )


def _above(figure: Figure, view: _View, settings: ComparedSettings) -> None:
    """Add two panels above the slopes: what tuning gains by size, and how often members win."""
    add_room(figure, above_in=TOP_IN + TOP_GAP_IN)
    width, height = figure.get_figwidth(), figure.get_figheight()
    members = ordered([], view.sizes["chosen"])
    names = [words(name, settings.labels, 26) for name in members]
    label_in = max([text_width_in(name, SMALL_PT) for name in names] + [0.3]) + 0.1
    left, gap = 0.62, 0.35 + label_in
    wide = (min(width, PAGE_WIDTH_IN) - left - gap - 0.2) / 2
    bottom = height - 0.5 - TOP_IN
    panels = [
        figure.add_axes((x / width, bottom / height, wide / width, TOP_IN / height))
        for x in (left, left + wide + gap)
    ]
    _gains(panels[0], view)
    _chosen(panels[1], view, members, names)


def _budgets(sizes: pd.DataFrame) -> list[str]:
    """Return the budgets by rising compute."""
    return sorted({str(budget) for budget in sizes["budget"]}, key=budget_size)


def _gains(axes: Axes, view: _View) -> None:
    """Draw by how many percent tuning lowers the loss of each size, a line per budget."""
    heading(axes, "Loss below the default's (%)")
    sizes = view.sizes
    if not len(sizes):
        empty(axes, "no size in the tables")
        return
    budgets, heights, marker = _budgets(sizes), [0.0], markers(view.frontiers)
    for frontier in view.frontiers:
        for place, budget in enumerate(budgets):
            rows = pick(sizes, frontier=frontier)
            rows = rows[rows["budget"].astype(str) == budget].sort_values("num_params_total")
            gains = 100 * (1 - rows["value_tuned"].astype(float) / rows["value"].astype(float))
            axes.plot(
                rows["num_params_total"].astype(float), gains, "-", linewidth=0.9,
                marker=marker[frontier],
                markersize=2.8, color=shade(place, len(budgets)), gid="gain",
            )  # fmt: skip
            heights += [float(gain) for gain in gains]
    log_axis(axes.xaxis, *limits_log([float(size) for size in sizes["num_params_total"]]), most=4)
    axes.set_ylim(*limits_linear(heights))
    axes.set_xlabel("Parameters")


def _chosen(axes: Axes, view: _View, members: Sequence[str], names: Sequence[str]) -> None:
    """Draw at how many sizes each member of a frontier is best, stacked by budget."""
    heading(axes, "Sizes where it is best")
    if not members:
        empty(axes, "no size in the tables")
        return
    budgets = _budgets(view.sizes)
    left = np.zeros(len(members))
    for place, budget in enumerate(budgets):
        rows = view.sizes[view.sizes["budget"].astype(str) == budget]
        counts = np.array([int((rows["chosen"] == member).sum()) for member in members])
        bars = axes.barh(
            range(len(members)), counts, left=left, height=0.7, color=shade(place, len(budgets))
        )
        for patch in bars:
            patch.set_gid("chosen")
        left += counts
    size = max(4.5, min(SMALL_PT, TOP_IN * 72 / (LINE * len(members))))
    axes.set_yticks(range(len(members)), names, fontsize=size)
    axes.set_ylim(len(members) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _legend(figure: Figure, view: _View) -> None:
    grey = "#444444"
    handles = [
        Line2D([], [], color=grey, linewidth=width, **_mark("o", filled=filled, colour=grey))
        for filled, width in ((False, 0.6), (True, 1.3))
    ]
    budgets = _budgets(view.sizes)
    handles += [
        Line2D([], [], color=shade(place, len(budgets)), linewidth=3)
        for place in range(len(budgets))
    ]
    texts = ["default settings", "tuned, 95 % interval", *map(budget_text, budgets)]
    top_legend(figure, handles, texts)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
