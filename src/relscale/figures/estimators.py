"""Does the conclusion depend on the estimator? Slopes dbeta with intervals by estimator, a row a
domain, a column a corpus."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import top_legend
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.compared import DEFAULTS, compared, nothing_to_show
from relscale.figures.kit.forest import Forest, Group, absent, forest, slope_axis
from relscale.figures.kit.isoflop import ESTIMATOR_NAMES, estimator_mark
from relscale.figures.kit.style import FAINT, markers, words


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `relative`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    view = compared(table(tables, "relative"), chosen)
    if view is None:
        return nothing_to_show("no relative laws in the tables")
    names, corpora = view.estimators, view.corpora
    drawn = forest(
        view.groups, corpora, labels=chosen["labels"], row_in=0.075 * len(names) + 0.06, top_in=0.52
    )
    ends = [
        float(value)
        for key in ("dbeta", "ci_low", "ci_high")
        for value in pd.to_numeric(view.shown[key]).dropna()
    ]
    for axes, corpus in zip(drawn.made.rows[0], corpora, strict=True):
        slope_axis(axes, ends, "Slope dβ")
        _margin(axes, view.shown)
        for rows, group in view.rows_of(corpus):
            _slopes(axes, rows, group, drawn, names, markers(corpora)[corpus])
    _legend(drawn.made.figure, names, markers(corpora)[corpora[0]])
    return drawn.made.figure


def _margin(axes: Axes, rows: pd.DataFrame) -> None:
    margins = pd.to_numeric(rows["margin"]).dropna()
    if len(margins):
        axes.axvspan(
            -float(margins.min()),
            float(margins.min()),
            color=FAINT,
            alpha=0.16,
            linewidth=0,
            zorder=0.5,
        )


def _slopes(
    axes: Axes, rows: pd.DataFrame, group: Group, drawn: Forest, names: Sequence[str], marker: str
) -> None:
    for _, row in rows.iterrows():
        place = names.index(str(row["estimator"]))
        y = drawn.height[(group.title, str(row["treatment"]))] + (
            place - (len(names) - 1) / 2
        ) * 0.78 / max(len(names), 1)
        if not pd.notna(row["dbeta"]):
            absent(axes, y, f"{ESTIMATOR_NAMES.get(names[place], words(names[place]))}: no law")
            continue
        colour = group.colour[str(row["treatment"])]
        width = 1.5 if not place else 0.8
        axes.plot(
            [row["ci_low"], row["ci_high"]],
            [y, y],
            color=colour,
            linewidth=width,
            solid_capstyle="butt",
            gid="interval",
        )
        axes.plot(
            [row["dbeta"]],
            [y],
            color=colour,
            linestyle="none",
            zorder=3,
            gid="slope",
            **_mark(place, str(row["estimator"]), marker),
        )


def _mark(place: int, estimator: str, marker: str) -> dict[str, Any]:
    if not place:
        return {"marker": marker, "markersize": 3.6}
    return {
        **estimator_mark(estimator),
        "markersize": 3.3,
        "markeredgewidth": 0.8,
        **({"markerfacecolor": "white"} if estimator != "vertex" else {}),
    }


def _legend(figure: Figure, names: Sequence[str], marker: str) -> None:
    handles = [
        Line2D([], [], color="#444444", linewidth=1.5 if not k else 0.8, **_mark(k, name, marker))
        for k, name in enumerate(names)
    ]
    texts = [f"{ESTIMATOR_NAMES.get(name, words(name))}" for name in names]
    handles.append(Line2D([], [], color="#d9d9d9", linewidth=6, solid_capstyle="butt"))
    texts.append("counts as parallel")
    top_legend(figure, handles, texts)


if __name__ == "__main__":
    main(draw)
