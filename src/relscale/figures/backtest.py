"""Back-test: each budget predicted from the budgets below it, against what was observed; a column a
corpus."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import (
    empty,
    heading,
    limits_log,
    log_axis,
    note,
    panel_grid,
    top_legend,
    y_label,
)
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.compared import DEFAULTS, chosen_families
from relscale.figures.kit.isoflop import budget_colours, budget_size, budget_text
from relscale.figures.kit.style import markers, metric_label, words

OUTSIDE = "#d55e00"
RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 6.4,
    "markerfacecolor": "none",
    "markeredgewidth": 0.8,
}
"""Around an observation outside its interval: a shape, so that it is seen in grey, too."""


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `backtest`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    every = table(tables, "backtest")
    families = chosen_families(chosen["families"], every)
    shown = [
        pick(every, estimator=chosen["estimator"], family=family["family"], metric=family["metric"])
        for family in families
    ]
    rows = pd.concat(shown, ignore_index=True) if shown else every.iloc[:0]
    metrics = list(dict.fromkeys(family["metric"] for family in families))
    panels = [
        ("value", metric) for metric in metrics if len(pick(rows, quantity="value", metric=metric))
    ]
    panels += [("gap", "")] if len(pick(rows, quantity="gap")) else []
    corpora = ordered(chosen["corpora"], rows["corpus"])
    budgets = sorted({str(name) for name in rows["held_out_budget"]}, key=budget_size)
    foot = (
        "Each point is one domain at one held-out budget, extrapolated by the laws of the budgets below it; bars are the prediction's "
        "interval (noise of the items left out)."
    )
    made = panel_grid(
        rows=len(panels),
        columns=len(corpora),
        row_height_in=1.55,
        left_in=0.62,
        gap_in=0.42,
        row_gap_in=0.58,
        foot=foot,
    )
    for place, (quantity, metric) in enumerate(panels or [("", "")]):
        for axes, corpus in zip(made.rows[place], corpora or [""], strict=True):
            if not panels:
                empty(
                    axes,
                    "no back-test in the tables: a prediction needs two budgets below the one that is held out",
                )
                continue
            mine = pick(rows, quantity=quantity, corpus=corpus, metric=metric or None)
            if not place:
                heading(axes, words(corpus, chosen["labels"], 28))
            name = "Gap G" if quantity == "gap" else metric_label(metric)
            _panel(
                axes,
                mine,
                pick(rows, quantity=quantity, metric=metric or None),
                budget_colours(budgets),
                markers(corpora)[corpus],
            )
            axes.set_xlabel(f"{name}, observed")
            if axes is made.rows[place][0]:
                y_label(axes, f"{name}, predicted", 0.46)
    _legend(made.figure, budgets)
    return made.figure


def covered(rows: pd.DataFrame) -> tuple[int, int]:
    """Return how many observations lie in their prediction's interval, and how many have one."""
    has = rows[pd.to_numeric(rows["ci_low"]).notna() & pd.to_numeric(rows["ci_high"]).notna()]
    inside = (has["observed"].astype(float) >= has["ci_low"].astype(float)) & (
        has["observed"].astype(float) <= has["ci_high"].astype(float)
    )
    return int(inside.sum()), len(has)


def _panel(
    axes: Axes, rows: pd.DataFrame, everywhere: pd.DataFrame, colour: Mapping[str, str], marker: str
) -> None:
    if not len(rows):
        empty(axes, "no back-test of this corpus")
        return
    low, high = limits_log(
        [float(value) for key in ("observed", "predicted") for value in everywhere[key]]
    )
    axes.plot([low, high], [low, high], color="#2b2b2b", linewidth=0.6, zorder=1)
    for budget, tint in colour.items():
        for _, row in pick(rows, held_out_budget=budget).iterrows():
            observed, predicted, below, above = (
                float(row[key]) for key in ("observed", "predicted", "ci_low", "ci_high")
            )
            known = np.isfinite(below) and np.isfinite(above)
            outside = known and not below <= observed <= above
            if known:
                axes.plot(
                    [observed] * 2,
                    [max(below, low / 10), above],
                    color=tint,
                    linewidth=0.6,
                    alpha=0.6,
                    zorder=1.5,
                    gid="interval",
                )
            axes.plot(
                [observed],
                [predicted],
                marker,
                color=tint,
                markersize=3.4,
                markeredgecolor="white",
                markeredgewidth=0.3,
                gid="prediction",
            )
            if outside:
                axes.plot(
                    [observed],
                    [predicted],
                    color=OUTSIDE,
                    linestyle="none",
                    zorder=3,
                    gid="outside",
                    **RING,
                )
    log_axis(axes.xaxis, low, high, least=2, most=4)
    log_axis(axes.yaxis, low, high, least=2, most=5)
    inside, known_rows = covered(rows)
    typical = float(pd.to_numeric(rows["error_percent"]).abs().median())
    said = (
        f"{inside} of {known_rows} in the interval\nmedian miss {typical:.2g} %"
        if known_rows
        else f"no interval\nmedian miss {typical:.2g} %"
    )
    axes.text(
        0.03,
        0.98,
        said,
        transform=axes.transAxes,
        va="top",
        fontsize=5.8,
        color="#555555",
        linespacing=1.15,
    )
    if len(rows) != len(rows.dropna(subset=["observed", "predicted"])):
        note(axes, "some rows have no number", y=0.03, va="bottom")


def _legend(figure: Figure, budgets: Sequence[str]) -> None:
    shown = budgets if len(budgets) <= 6 else [budgets[0], budgets[-1]]
    tint = budget_colours(budgets)
    handles = [
        Line2D([], [], color=tint[name], linestyle="none", marker="o", markersize=3.8)
        for name in shown
    ]
    texts = [
        budget_text(name) + ("" if place else " FLOPs held out") for place, name in enumerate(shown)
    ]
    handles.append(Line2D([], [], color=OUTSIDE, linestyle="none", **RING))
    top_legend(figure, handles, [*texts, "outside its interval"])


if __name__ == "__main__":
    main(draw)
