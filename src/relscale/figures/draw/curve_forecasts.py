"""Draw the errors of forecasts of training curves, next to those of the last value seen."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.curve_forecasts import FIGURE
from relscale.figures.kit.axes import footer, footer_height_in, grid, limits_linear
from relscale.figures.kit.choose import numbers, ordered, pick
from relscale.figures.kit.compared import nothing_to_show
from relscale.figures.kit.labels import heading, top_legend, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import FAINT, words
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import Shown

COLOUR, LAST = "#0072b2", "#d55e00"
FOOT = "Hollow: the first 60 % of the run do not identify all parameters of the law."


def draw(tables: Tables, settings: Shown) -> Figure:
    """Draw the figure from curve_forecasts."""
    rows = tables["curve_forecasts"]
    given = rows[["forecast", "observed", "error_percent"]].apply(pd.to_numeric)
    rows = rows[np.isfinite(given.to_numpy(dtype=np.float64)).all(axis=1)]
    rows = rows[pd.to_numeric(rows["observed"]) > 0]
    if not len(rows):
        return nothing_to_show("no forecasts of training curves in the tables")
    corpora = ordered(settings.corpora, rows["corpus"])
    rows = pd.concat([pick(rows, corpus=corpus) for corpus in corpora], ignore_index=True)
    made = grid(
        row_heights_in=[2.0],
        column_widths_in=[6.2],
        left_in=0.6,
        right_in=0.15,
        top_in=0.5,
        bottom_in=0.4 + footer_height_in(FOOT, 7.0),
    )
    axes = made.rows[0][0]
    heading(axes, _summary(rows))
    observed = pd.to_numeric(rows["observed"]).to_numpy(dtype=np.float64)
    low, high = (
        100 * (pd.to_numeric(rows[end]).to_numpy(dtype=np.float64) / observed - 1)
        for end in ("ci_low", "ci_high")
    )
    place = np.arange(len(rows))
    axes.axhline(0, color="#2b2b2b", linewidth=0.7, zorder=1)
    axes.vlines(place, low, high, color=COLOUR, linewidth=0.7, alpha=0.5, gid="interval")
    axes.plot(place, rows["last_value_error_percent"], "x", color=LAST, markersize=3, gid="last")
    filled = (rows["status"] == "ok").to_numpy()
    for shown, face in ((filled, COLOUR), (~filled, "white")):
        axes.plot(
            place[shown],
            rows["error_percent"][shown],
            "o",
            color=COLOUR,
            markerfacecolor=face,
            markersize=3.2,
            gid="forecast",
        )
    axes.set_xlim(-1, len(rows))
    axes.set_ylim(*_limits(rows, low, high))
    _corpora(axes, rows, settings)
    y_label(axes, "Error of the end (%)")
    footer(made.figure, FOOT)
    top_legend(
        made.figure,
        [
            Line2D([], [], color=COLOUR, marker="o", linestyle="none"),
            Line2D([], [], color=LAST, marker="x", linestyle="none"),
        ],
        ["law of the learning rate, with its interval", "last value seen"],
    )
    return made.figure


def _summary(rows: pd.DataFrame) -> str:
    law, last = (
        float(np.median(np.abs(pd.to_numeric(rows[column]))))
        for column in ("error_percent", "last_value_error_percent")
    )
    observed, low, high = (pd.to_numeric(rows[name]) for name in ("observed", "ci_low", "ci_high"))
    inside = int(((low <= observed) & (observed <= high)).sum())
    return (
        f"Median error: law {law:.1f} %, last value {last:.1f} %; "
        f"{inside} of {len(rows)} intervals contain the end"
    )


def _limits(rows: pd.DataFrame, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Return limits that show all errors, and intervals up to twice as far."""
    errors = numbers(rows, "error_percent", "last_value_error_percent")
    most = 2 * max(abs(error) for error in errors)
    inside = [min(max(float(end), -most), most) for end in (*low, *high) if np.isfinite(end)]
    return limits_linear([*errors, *inside])


def _corpora(axes: Axes, rows: pd.DataFrame, settings: Shown) -> None:
    """Name the corpora below the runs where there are few; else number the runs."""
    corpora = list(dict.fromkeys(rows["corpus"]))
    if len(corpora) > 8:
        axes.set_xlabel("Run, in the order of the suite")
        return
    middles = []
    for corpus in corpora:
        at = np.flatnonzero(rows["corpus"] == corpus)
        middles.append(float(at.mean()))
        axes.axvline(at[-1] + 0.5, color=FAINT, linewidth=0.5)
    axes.set_xticks(middles, [words(corpus, settings.labels, 24) for corpus in corpora])
    axes.tick_params(axis="x", length=0)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
