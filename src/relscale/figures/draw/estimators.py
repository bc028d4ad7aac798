"""Draw the slopes by estimator, with intervals: a row per domain, a column per corpus."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.scales import slope_margin
from relscale.figures.estimators import FIGURE
from relscale.figures.kit.axes import footer
from relscale.figures.kit.choose import pick
from relscale.figures.kit.clipped import bar, note_cuts, point, slope_limits
from relscale.figures.kit.compared import Comparison, compare, nothing_to_show
from relscale.figures.kit.forest import (
    FamilyForests,
    absent,
    family_forests,
    margin_box,
    scale_slopes,
)
from relscale.figures.kit.isoflop import estimator_mark, estimator_name
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import MarkStyle, markers
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings

ROW_IN, EACH_IN = 0.2, 0.04
"""Least height of a row, and height per estimator: all intervals are in the space of one row."""
FOOT = (
    "Thick bar: 95 % interval of the estimator of the verdicts. Hairlines: those of the others. "
    "Estimators agree where the other marks are on the thick bar."
)


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from relative."""
    view = compare(tables["relative"], settings)
    if view is None:
        return nothing_to_show("no relative laws in the tables")
    names, corpora = _with_laws(view), view.corpora
    lacking = [estimator_name(name) for name in view.estimators if name not in names]
    foot = FOOT
    if lacking:
        foot += f" Estimators with no law of any gap: {', '.join(lacking)}."
    row_in = max(ROW_IN, EACH_IN * len(names))
    drawn = family_forests(view.groups, corpora, labels=settings.labels, row_in=row_in, foot=foot)
    for group in view.groups:
        limits = slope_limits(pick(view.shown, family=group.key))
        for axes in drawn.row(group.key):
            scale_slopes(axes, limits)
    for corpus in corpora:
        _slopes(view, drawn, corpus, names)
    for axes in drawn.last:
        axes.set_xlabel("Slope dβ")
    footer(drawn.figure, foot)
    _legend(drawn.figure, names, markers(corpora)[corpora[0]])
    note_cuts(drawn.figure)
    return drawn.figure


def _with_laws(view: Comparison) -> list[str]:
    """Return the estimators with a slope of any gap; all, if none has one."""
    rows = view.shown[pd.to_numeric(view.shown["dbeta"]).notna()]
    found = set(rows["estimator"].astype(str))
    return [name for name in view.estimators if name in found] or list(view.estimators)


def _slopes(view: Comparison, drawn: FamilyForests, corpus: str, names: Sequence[str]) -> None:
    """Draw the slopes of one corpus: the estimator of the verdicts on the middle of each row."""
    marker = markers(view.corpora)[corpus]
    for rows, group in view.rows_of(corpus):
        if not group.rows:
            continue
        axes = drawn.panels[(group.key, corpus)]
        for _, row in rows[rows["estimator"].astype(str).isin(names)].iterrows():
            place = names.index(str(row["estimator"]))
            height = drawn.height[(group.key, str(row["treatment"]))]
            if not place:
                margin_box(axes, slope_margin(row), height)
            y = height + _shift(place, len(names))
            if not pd.notna(row["dbeta"]):
                if not place:
                    absent(axes, height, f"{estimator_name(names[0])}: no law")
                continue
            colour = group.colour[str(row["treatment"])]
            interval = (float(row["ci_low"]), float(row["ci_high"]))
            bar(axes, y, interval, colour=colour, width_pt=0.45 if place else 2.2)
            point(axes, y, float(row["dbeta"]), color=colour, **_mark(place, names[place], marker))


def _shift(place: int, count: int) -> float:
    """Return the height of an estimator in its row: the first one in the middle."""
    if not place:
        return 0.0
    side = -1 if place % 2 else 1
    return side * 0.36 * ((place + 1) // 2) / max(count // 2, 1)


def _mark(place: int, estimator: str, marker: str) -> MarkStyle:
    """Return the mark of an estimator; the estimator of the verdicts has the corpus's marker."""
    if not place:
        return {"marker": marker, "markersize": 4.0}
    return {
        **estimator_mark(estimator),
        "markersize": 2.6,
        "markeredgewidth": 0.6,
        **({"markerfacecolor": "white"} if estimator != "vertex" else {}),
    }


def _legend(figure: Figure, names: Sequence[str], marker: str) -> None:
    handles = [
        Line2D([], [], color="#444444", linewidth=2.2 if not k else 0.45, **_mark(k, name, marker))
        for k, name in enumerate(names)
    ]
    handles.append(Line2D([], [], color="#d9d9d9", linewidth=6, solid_capstyle="butt"))
    top_legend(figure, handles, [*(estimator_name(name) for name in names), "within the margin"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
