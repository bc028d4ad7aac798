"""What this design can find: the detectable slope of each comparison by estimator, beside the slope
that was found and the margin."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import footer, footer_height_in, top_legend
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.compared import DEFAULTS, compared, nothing_to_show
from relscale.figures.kit.forest import Forest, Group, absent, forest
from relscale.figures.kit.isoflop import ESTIMATOR_NAMES, estimator_mark
from relscale.figures.kit.style import FAINT, PAGE_WIDTH_IN, words


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `relative`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    view = compared(table(tables, "relative"), chosen)
    if view is None:
        return nothing_to_show("no relative laws in the tables")
    foot = (
        "Detectable: the slope that one unadjusted two-sided test finds with a chance of 80 %. Left of the margin a design can tell "
        "a moving gap from a parallel one; right of it most comparisons stay undecided. |dβ| is that of the estimator "
        f"{words(chosen['estimator'])}."
    )
    drawn = forest(
        view.groups,
        view.corpora,
        labels=chosen["labels"],
        row_in=0.17,
        top_in=0.52,
        bottom_in=0.44 + footer_height_in(foot, PAGE_WIDTH_IN),
    )
    ends = [
        float(value)
        for key in ("detectable_dbeta", "dbeta")
        for value in pd.to_numeric(view.shown[key]).abs().dropna()
    ]
    margins = pd.to_numeric(view.shown["margin"]).dropna()
    for axes, corpus in zip(drawn.made.rows[0], view.corpora, strict=True):
        axes.set_xlim(0, 1.06 * max([*ends, *margins, 1e-9]))
        axes.locator_params(axis="x", nbins=4)
        axes.set_xlabel("|dβ|")
        for margin in sorted(set(margins)):
            axes.axvline(
                margin,
                color="#2b2b2b",
                linewidth=0.7,
                linestyle=(0, (3, 2)),
                zorder=1,
                gid="margin",
            )
        for rows, group in view.rows_of(corpus):
            _rows(axes, rows, group, drawn, view.estimators)
    _legend(drawn.made.figure, view.estimators)
    footer(drawn.made.figure, foot)
    return drawn.made.figure


def _rows(
    axes: Axes, rows: pd.DataFrame, group: Group, drawn: Forest, names: Sequence[str]
) -> None:
    for _, row in rows.iterrows():
        first = str(row["estimator"]) == names[0]
        y = drawn.height[(group.title, str(row["treatment"]))]
        colour = group.colour[str(row["treatment"])]
        detectable, slope = (pd.to_numeric(row[key]) for key in ("detectable_dbeta", "dbeta"))
        if first and pd.isna(slope):
            absent(axes, y)
        if first and pd.notna(detectable):
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
        elif pd.notna(detectable):
            mark = {
                **estimator_mark(str(row["estimator"])),
                "markersize": 3.2,
                "markeredgewidth": 0.7,
            }
            axes.plot(
                [detectable],
                [y],
                color="#666666",
                linestyle="none",
                zorder=2,
                gid="detectable",
                **mark,
            )
        if first and pd.notna(slope):
            axes.plot(
                [abs(slope)],
                [y],
                "o",
                color=colour,
                markersize=3.6,
                markeredgecolor="white",
                markeredgewidth=0.3,
                zorder=3,
                gid="slope",
            )


def _legend(figure: Figure, names: Sequence[str]) -> None:
    handles = [Line2D([], [], color=FAINT, linewidth=3.6, alpha=0.35, solid_capstyle="butt")]
    texts = [f"detectable, {ESTIMATOR_NAMES.get(names[0], words(names[0]))}"]
    for name in names[1:]:
        mark = {**estimator_mark(name), "markersize": 3.2, "markeredgewidth": 0.7}
        handles.append(Line2D([], [], color="#666666", linestyle="none", **mark))
        texts.append(ESTIMATOR_NAMES.get(name, words(name)))
    handles += [
        Line2D([], [], color="#444444", linestyle="none", marker="o", markersize=3.6),
        Line2D([], [], color="#2b2b2b", linewidth=0.7, linestyle=(0, (3, 2))),
    ]
    top_legend(figure, handles, [*texts, "|dβ| found", "margin of parallel"])


if __name__ == "__main__":
    main(draw)
