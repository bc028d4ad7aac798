"""Draw the back-tests by horizon: errors (top) and coverage (bottom), a column per corpus."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.status import Status
from relscale.figures.forecast import FIGURE
from relscale.figures.kit.axes import limits_log, log_axis, panel_grid
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.compared import laws_of, nothing_to_show, shown_families
from relscale.figures.kit.labels import empty, heading, top_legend, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import SMALL_PT, MarkStyle, words
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings

HORIZONS = {"next": "next\nbudget", "3x": "3×", "10x": "10×", "30x": "30×"}
"""Classes of horizons from near to far, as tick labels."""
METHODS: dict[str, tuple[str, str, float, MarkStyle]] = {
    "error_percent": ("the law", "#0072b2", -0.22, {"marker": "o"}),
    "error_constant_percent": ("the gap stays as it is", "#d55e00", 0.0, {"marker": "s"}),
    "error_last_four_percent": ("line through the last four", "#666666", 0.22, {"marker": "^"}),
}
"""By column: the words, the colour, the shift from the middle of a horizon, and the mark."""
NOMINAL = 0.95
SMALLEST = 0.01
"""Errors are drawn from this number of percent on."""
FOOT = (
    "Gaps of all families, each in its first metric. Numbers are counts of forecasts. "
    "A forecast sees no run at or above the held-out budget."
)
UNKNOWN = " {} more whose interval spans more than a factor of ten are not drawn."


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from forecast."""
    table = pick(tables["forecast"], quantity="gap")
    families = shown_families(settings.families, table)
    parts = [laws_of(family, table) for family in families]
    rows = pd.concat(parts, ignore_index=True) if parts else table
    rows = rows[pd.to_numeric(rows["error_percent"]).notna()]
    unknown = rows["status"].astype(str) == Status.NOT_DETERMINED
    lost, rows = int(unknown.sum()), rows[~unknown]
    if not len(rows):
        return nothing_to_show("no back-test of a gap in the tables")
    corpora = ordered(settings.corpora, rows["corpus"])
    horizons = [name for name in HORIZONS if (rows["horizon_class"] == name).any()]
    horizons += sorted(set(rows["horizon_class"].astype(str)) - set(HORIZONS))
    made = panel_grid(
        rows=2,
        columns=len(corpora),
        row_height_in=1.55,
        left_in=0.62,
        gap_in=0.3,
        row_gap_in=0.2,
        bottom_in=0.56,
        foot=FOOT + (UNKNOWN.format(lost) if lost else ""),
    )
    errors = [float(v) for name in METHODS for v in pd.to_numeric(rows[name]).abs().dropna()]
    limits = limits_log([max(value, SMALLEST) for value in errors])
    shares = [
        _covered(pick(rows, corpus=corpus, horizon_class=horizon))
        for corpus in corpora
        for horizon in horizons
    ]
    worst = min((wilson(inside, count)[0] for inside, count in shares if count), default=0.0)
    lowest = 0.5 if worst > 0.55 else 0.0
    for place, corpus in enumerate(corpora):
        above, below = made.rows[0][place], made.rows[1][place]
        heading(above, words(corpus, settings.labels, 28))
        mine = pick(rows, corpus=corpus)
        for axes in (above, below):
            if not len(mine):
                empty(axes, "no back-test of this corpus")
        if len(mine):
            _errors(above, mine, horizons, limits)
            _coverage(below, mine, horizons, lowest)
        for axes in (above, below) if place else ():
            axes.tick_params(labelleft=False)
    y_label(made.rows[0][0], "Error of the forecast (%)")
    y_label(made.rows[1][0], "Inside the interval")
    _legend(made.figure)
    return made.figure


def _errors(
    axes: Axes, rows: pd.DataFrame, horizons: list[str], limits: tuple[float, float]
) -> None:
    """Draw the errors of each horizon by method: single gaps, and their mean."""
    for name, (_, colour, shift, mark) in METHODS.items():
        for place, horizon in enumerate(horizons):
            here = pick(rows, horizon_class=horizon)
            error = pd.to_numeric(here[name]).abs().dropna().to_numpy(dtype=float)
            if not len(error):
                continue
            drawn = np.maximum(error, SMALLEST)
            x = place + shift + 0.09 * np.linspace(-1, 1, len(error)) * (len(error) > 1)
            axes.plot(
                x, drawn, "o", color=colour, markersize=1.4, markeredgewidth=0, alpha=0.35,
                gid="single",
            )  # fmt: skip
            axes.plot(
                [place + shift],
                [max(float(error.mean()), SMALLEST)],
                color=colour,
                linestyle="none",
                markersize=4.6,
                markeredgecolor="white",
                markeredgewidth=0.5,
                zorder=3,
                gid=f"mean {name}",
                **mark,
            )
    log_axis(axes.yaxis, *limits, least=2, most=5)
    _horizon_axis(axes, horizons)
    axes.tick_params(labelbottom=False)


def _coverage(axes: Axes, rows: pd.DataFrame, horizons: list[str], lowest: float) -> None:
    """Draw the share of observations inside their interval, for each horizon."""
    axes.axhline(NOMINAL, color="#2b2b2b", linewidth=0.7, linestyle=(0, (1, 1.6)), zorder=1)
    at_foot = lowest + 0.02 * (1 - lowest)
    for place, horizon in enumerate(horizons):
        here = pick(rows, horizon_class=horizon)
        if not len(here):
            continue
        inside, count = _covered(here)
        said = f"{inside} of\n{count}" if count else "no\ninterval"
        axes.text(
            place, at_foot, said, ha="center", va="bottom", fontsize=5.6, color="#555555",
        )  # fmt: skip
        if count:
            ends = wilson(inside, count)
            axes.plot([place] * 2, ends, color="#0072b2", linewidth=1.0, gid="interval")
            axes.plot([place], [inside / count], "o", color="#0072b2", markersize=4.2, gid="share")
    axes.set_ylim(lowest, 1 + 0.04 * (1 - lowest))
    ticks = [tick for tick in (0, 0.25, 0.5, 0.75, 1) if tick >= lowest]
    axes.set_yticks(ticks, labels=[f"{100 * tick:g} %" for tick in ticks])
    _horizon_axis(axes, horizons)
    axes.set_xlabel("Compute beyond the fit")


def _covered(rows: pd.DataFrame) -> tuple[int, int]:
    """Return how many observations are inside their interval, and how many have one."""
    low, high, seen = (pd.to_numeric(rows[name]) for name in ("ci_low", "ci_high", "observed"))
    known = low.notna() & high.notna()
    return int((known & (seen >= low) & (seen <= high)).sum()), int(known.sum())


def wilson(inside: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's (1927) interval of a share, at 95 % by default.

    (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).
    """
    share = inside / count
    middle = share + z**2 / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return (middle - half) / scale, (middle + half) / scale


def _horizon_axis(axes: Axes, horizons: list[str]) -> None:
    axes.set_xlim(-0.6, len(horizons) - 0.4)
    axes.set_xticks(range(len(horizons)), labels=[HORIZONS.get(name, name) for name in horizons])
    axes.tick_params(axis="x", length=0, labelsize=SMALL_PT)


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color=colour, linestyle="none", markersize=4.2, **mark)
        for _, colour, _, mark in METHODS.values()
    ]
    top_legend(figure, handles, [text for text, *_ in METHODS.values()])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
