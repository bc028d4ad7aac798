"""Draw the back-test: predicted against observed values of each held-out budget."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.metric_labels import metric_label
from relscale.figures.backtest import FIGURE
from relscale.figures.kit.axes import limits_log, log_axis, panel_grid
from relscale.figures.kit.choose import numbers, ordered, pick
from relscale.figures.kit.compared import laws_of, shown_families
from relscale.figures.kit.isoflop import budget_colours, budget_size, budget_text
from relscale.figures.kit.labels import empty, heading, note, top_legend, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import MarkStyle, markers, words
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings, FamilyView

OUTSIDE = "#d55e00"
RING: MarkStyle = {
    "marker": "o",
    "markersize": 6.4,
    "markerfacecolor": "none",
    "markeredgewidth": 0.8,
}
"""Mark around an observation outside its interval: a shape, which is visible in grey, too."""
FOOT = (
    "Each point is one domain at one held-out budget, extrapolated by the laws of the budgets "
    "below it. Bars are the interval of the prediction, without the noise of the items."
)
MISSING = (
    "no back-test in the tables: a prediction needs two budgets below the one that is held out"
)


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from backtest."""
    families = shown_families(settings.families, tables["backtest"])
    rows = _rows_of(families, pick(tables["backtest"], estimator=settings.estimator))
    panels = _panels(families, rows)
    corpora = ordered(settings.corpora, rows["corpus"])
    budgets = sorted({str(name) for name in rows["held_out_budget"]}, key=budget_size)
    colour = budget_colours(budgets)
    made = panel_grid(
        rows=len(panels),
        columns=len(corpora),
        row_height_in=1.55,
        left_in=0.62,
        gap_in=0.42,
        row_gap_in=0.58,
        foot=FOOT,
    )
    for axes, corpus in zip(made.rows[0], corpora or [""], strict=True):
        if panels:
            heading(axes, words(corpus, settings.labels, 28))
        else:
            empty(axes, MISSING)
    for place, (quantity, metric) in enumerate(panels):
        everywhere = pick(rows, quantity=quantity, metric=metric)
        limits = limits_log(numbers(everywhere, "observed", "predicted"))
        name = metric_label(metric) if metric else "Gap G"
        for axes, corpus in zip(made.rows[place], corpora, strict=True):
            mine = pick(everywhere, corpus=corpus)
            if len(mine):
                _panel(axes, mine, limits, colour, markers(corpora)[corpus])
            else:
                empty(axes, "no back-test of this corpus")
            axes.set_xlabel(f"{name}, observed")
        y_label(made.rows[place][0], f"{name}, predicted", 0.46)
    _legend(made.figure, colour)
    return made.figure


def _rows_of(families: list[FamilyView], table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the families, each in its metric."""
    parts = [laws_of(family, table) for family in families]
    return pd.concat(parts, ignore_index=True) if parts else table.iloc[:0]


def _panels(families: list[FamilyView], rows: pd.DataFrame) -> list[tuple[str, str | None]]:
    """Return quantity and metric of each row of panels: values per metric, then all gaps."""
    metrics = dict.fromkeys(family.metric for family in families)
    panels: list[tuple[str, str | None]] = [
        ("value", metric) for metric in metrics if len(pick(rows, quantity="value", metric=metric))
    ]
    return [*panels, ("gap", None)] if len(pick(rows, quantity="gap")) else panels


def covered(rows: pd.DataFrame) -> tuple[int, int]:
    """Return how many observations are within their interval, and how many have one."""
    low, high = (pd.to_numeric(rows[name]) for name in ("ci_low", "ci_high"))
    observed = rows["observed"].astype(float)
    inside = (observed >= low) & (observed <= high)
    return int(inside.sum()), int((low.notna() & high.notna()).sum())


def _panel(
    axes: Axes,
    rows: pd.DataFrame,
    limits: tuple[float, float],
    colour: Mapping[str, str],
    marker: str,
) -> None:
    axes.plot(limits, limits, color="#2b2b2b", linewidth=0.6, zorder=1)
    for budget, tint in colour.items():
        for _, row in pick(rows, held_out_budget=budget).iterrows():
            _prediction(axes, row, limits[0], tint, marker)
    log_axis(axes.xaxis, *limits, least=2, most=4)
    log_axis(axes.yaxis, *limits, least=2, most=5)
    inside, known = covered(rows)
    typical = float(pd.to_numeric(rows["error_percent"]).abs().median())
    coverage = f"{inside} of {known} in the interval" if known else "no interval"
    axes.text(
        0.03,
        0.98,
        f"{coverage}\nmedian miss {typical:.2g} %",
        transform=axes.transAxes,
        va="top",
        fontsize=5.8,
        color="#555555",
        linespacing=1.15,
    )
    if len(rows) != len(rows.dropna(subset=["observed", "predicted"])):
        note(axes, "some rows have no number", y=0.03, va="bottom")


def _prediction(axes: Axes, row: pd.Series, lowest: float, tint: str, marker: str) -> None:
    """Draw a prediction with its interval, and a ring if the observation is outside of it."""
    observed, predicted, below, above = (
        float(row[key]) for key in ("observed", "predicted", "ci_low", "ci_high")
    )
    known = np.isfinite(below) and np.isfinite(above)
    if known:
        axes.plot(
            [observed] * 2,
            [max(below, lowest / 10), above],
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
    if known and not below <= observed <= above:
        axes.plot(
            [observed],
            [predicted],
            color=OUTSIDE,
            linestyle="none",
            zorder=3,
            gid="outside",
            **RING,
        )


def _legend(figure: Figure, colour: Mapping[str, str]) -> None:
    budgets = list(colour)
    shown = budgets if len(budgets) <= 6 else [budgets[0], budgets[-1]]
    handles = [
        Line2D([], [], color=colour[name], linestyle="none", marker="o", markersize=3.8)
        for name in shown
    ]
    texts = [
        budget_text(name) + ("" if place else " FLOPs held out") for place, name in enumerate(shown)
    ]
    handles.append(Line2D([], [], color=OUTSIDE, linestyle="none", **RING))
    top_legend(figure, handles, [*texts, "outside its interval"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
