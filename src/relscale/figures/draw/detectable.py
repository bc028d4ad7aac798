"""Draw the slopes that this design can find, with the slopes that were found and the margin."""

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.scales import slope_margin
from relscale.figures.detectable import FIGURE
from relscale.figures.kit.axes import footer
from relscale.figures.kit.choose import numbers, pick
from relscale.figures.kit.clipped import LONG, bar, note_cuts, point
from relscale.figures.kit.compared import compare, laws_of, nothing_to_show
from relscale.figures.kit.forest import FamilyForests, Group, absent, family_forests
from relscale.figures.kit.isoflop import estimator_mark, estimator_name
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import FAINT, words
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from relative."""
    view = compare(tables["relative"], settings)
    if view is None:
        return nothing_to_show("no relative laws in the tables")
    foot = (
        "Detectable: the slope that the adjusted two-sided test finds with a chance of 80 %. "
        "Where it is left of the margin, the design can show that a gap moves little; where it is "
        "right of it, most comparisons stay undecided. |dβ| is that of the estimator "
        f"{words(settings.estimator)}."
    )
    drawn = family_forests(view.groups, view.corpora, labels=settings.labels, foot=foot)
    for family, group in zip(view.families, view.groups, strict=True):
        end = _end(laws_of(family, view.shown), view.estimators[0])
        for axes in drawn.row(group.key):
            axes.set_xlim(0, end)
            axes.locator_params(axis="x", nbins=4)
    for corpus in view.corpora:
        for rows, group in view.rows_of(corpus):
            if group.rows:
                _rows(drawn.panels[(group.key, corpus)], rows, group, drawn, view.estimators[0])
    for axes in drawn.last:
        axes.set_xlabel("|dβ|")
    _legend(drawn.figure, view.estimators)
    footer(drawn.figure, foot)
    note_cuts(drawn.figure)
    return drawn.figure


def _end(rows: pd.DataFrame, main: str) -> float:
    """Return the end of the axis of a family, by the laws of the estimator of the verdicts.

    A law whose detectable slope is many times the median (`LONG`) does not decide it.
    """
    mine = pick(rows, estimator=main)
    detectable = pd.to_numeric(mine["detectable_dbeta"])
    kept = mine[~(detectable > LONG * detectable.median())]
    margins = [slope_margin(row) for _, row in kept.iterrows()]
    shown = [*numbers(kept, "detectable_dbeta"), *map(abs, numbers(kept, "dbeta")), *margins]
    return 1.06 * max([value for value in shown if math.isfinite(value)] + [1e-9])


def _rows(axes: Axes, rows: pd.DataFrame, group: Group, drawn: FamilyForests, main: str) -> None:
    """Draw the laws of one family on one corpus; `main` is the estimator of the verdicts."""
    for _, row in rows.iterrows():
        y = drawn.height[(group.key, str(row["treatment"]))]
        detectable, slope = (pd.to_numeric(row[key]) for key in ("detectable_dbeta", "dbeta"))
        if str(row["estimator"]) != main:
            if pd.notna(detectable):
                _other_estimator(axes, y, detectable, str(row["estimator"]))
            continue
        if pd.isna(slope):
            absent(axes, y)
        if pd.notna(detectable):
            bar(
                axes, y, (0.0, float(detectable)), colour=FAINT, width_pt=3.6, gid="detectable",
                alpha=0.35, zorder=1.5,
            )  # fmt: skip
        point(
            axes, y, slope_margin(row), gid="margin", marker="|", color="#2b2b2b", markersize=6,
            markeredgewidth=0.8, zorder=2,
        )  # fmt: skip
        point(
            axes, y, abs(float(slope)), marker="o", color=group.colour[str(row["treatment"])],
            markersize=3.6, markeredgecolor="white", markeredgewidth=0.3,
        )  # fmt: skip


def _other_estimator(axes: Axes, y: float, detectable: float, estimator: str) -> None:
    mark = {**estimator_mark(estimator), "markersize": 3.2, "markeredgewidth": 0.7}
    point(axes, y, float(detectable), gid="detectable", color="#666666", zorder=2, **mark)


def _legend(figure: Figure, names: Sequence[str]) -> None:
    handles = [Line2D([], [], color=FAINT, linewidth=3.6, alpha=0.35, solid_capstyle="butt")]
    texts = [f"detectable, {estimator_name(names[0])}"]
    for name in names[1:]:
        mark = {**estimator_mark(name), "markersize": 3.2, "markeredgewidth": 0.7}
        handles.append(Line2D([], [], color="#666666", linestyle="none", **mark))
        texts.append(estimator_name(name))
    handles += [
        Line2D([], [], color="#444444", linestyle="none", marker="o", markersize=3.6),
        Line2D([], [], color="#2b2b2b", linestyle="none", marker="|", markersize=6),
    ]
    top_legend(figure, handles, [*texts, "|dβ| found", "margin"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
