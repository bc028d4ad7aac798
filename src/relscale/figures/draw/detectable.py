"""Draw the slopes that this design can find, with the slopes that were found and the margin."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.scales import slope_margin
from relscale.figures.detectable import FIGURE
from relscale.figures.kit.axes import footer
from relscale.figures.kit.choose import numbers
from relscale.figures.kit.compared import compare, nothing_to_show
from relscale.figures.kit.forest import Forest, Group, absent, forest
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
    drawn = forest(
        view.groups,
        view.corpora,
        labels=settings.labels,
        row_in=0.17,
        top_in=0.52,
        bottom_in=0.44,
        foot=foot,
    )
    ends = [abs(value) for value in numbers(view.shown, "detectable_dbeta", "dbeta")]
    margins = [slope_margin(row) for _, row in view.shown.iterrows()]
    for axes, corpus in zip(drawn.made.rows[0], view.corpora, strict=True):
        axes.set_xlim(0, 1.06 * max([*ends, *filter(pd.notna, margins), 1e-9]))
        axes.locator_params(axis="x", nbins=4)
        axes.set_xlabel("|dβ|")
        for rows, group in view.rows_of(corpus):
            _rows(axes, rows, group, drawn, view.estimators[0])
    _legend(drawn.made.figure, view.estimators)
    footer(drawn.made.figure, foot)
    return drawn.made.figure


def _rows(axes: Axes, rows: pd.DataFrame, group: Group, drawn: Forest, main: str) -> None:
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
            axes.plot(
                [0, detectable],
                [y, y],
                color=FAINT,
                linewidth=3.6,
                alpha=0.35,
                solid_capstyle="butt",
                zorder=1.5,
                gid="detectable",
            )
        if pd.notna(slope_margin(row)):
            axes.plot(
                [slope_margin(row)],
                [y],
                "|",
                color="#2b2b2b",
                markersize=6,
                markeredgewidth=0.8,
                zorder=2,
                gid="margin",
            )
        if pd.notna(slope):
            axes.plot(
                [abs(slope)],
                [y],
                "o",
                color=group.colour[str(row["treatment"])],
                markersize=3.6,
                markeredgecolor="white",
                markeredgewidth=0.3,
                zorder=3,
                gid="slope",
            )


def _other_estimator(axes: Axes, y: float, detectable: float, estimator: str) -> None:
    mark = {**estimator_mark(estimator), "markersize": 3.2, "markeredgewidth": 0.7}
    axes.plot(
        [detectable],
        [y],
        color="#666666",
        linestyle="none",
        zorder=2,
        gid="detectable",
        **mark,
    )


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
