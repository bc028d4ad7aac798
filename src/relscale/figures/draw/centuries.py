"""Draw centuries: absolute laws (top), relative laws (middle), slopes by year (bottom)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from relscale.figures.centuries import FIGURE, CenturiesSettings
from relscale.figures.kit.axes import limits_linear
from relscale.figures.kit.choose import numbers, pick
from relscale.figures.kit.controls import SLOPE, control_upright
from relscale.figures.kit.family import draw_family
from relscale.figures.kit.family_rows import FamilyRows, family_rows
from relscale.figures.kit.labels import empty, note, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import BASELINE_COLOUR, words
from relscale.figures.kit.tables import Tables


def draw(tables: Tables, settings: CenturiesSettings) -> Figure:
    """Draw the figure from points, absolute and relative."""
    rows = family_rows(tables, settings)
    figure, extra = draw_family(rows, extra_row_in=1.5)
    for place, (axes, corpus) in enumerate(zip(extra, rows.corpora or [""], strict=True)):
        if not _slopes(axes, rows, corpus, settings):
            continue
        axes.set_xlabel("Year of the text")
        if place:
            axes.tick_params(labelleft=False)
        else:
            y_label(axes, "Slope dβ")
    return figure


def _slopes(axes: Axes, rows: FamilyRows, corpus: str, settings: CenturiesSettings) -> bool:
    """Draw the slopes of one corpus by year; return whether there are any.

    Points have no names: colour and year are those of the labels of the panel above.
    """
    years = settings.years
    every = rows.relative[rows.relative["treatment"].isin(list(years))]
    mine = pick(every, corpus=corpus)
    mine = mine[pd.to_numeric(mine["dbeta"]).notna()]
    if not len(mine):
        empty(axes, "no slope of a domain that has a year")
        return False
    controls = rows.controls.only(corpus)
    inks = [rows.colour[str(name)] for name in mine["treatment"]]
    for (_, row), colour in zip(mine.iterrows(), inks, strict=True):
        year, slope = float(years[str(row["treatment"])]), float(row["dbeta"])
        interval = [float(row["ci_low"]), float(row["ci_high"])]
        axes.plot([year] * 2, interval, color=colour, linewidth=0.8, gid="interval")
        axes.plot(
            [year],
            [slope],
            rows.marker[corpus],
            color=colour,
            markersize=3.6,
            gid="slope",
            zorder=3,
        )
        control_upright(axes, year, *controls.estimate(str(row["treatment"]), SLOPE), colour)
    axes.axhline(0, color=BASELINE_COLOUR, linewidth=0.6, zorder=1)
    axes.set_xlim(*limits_linear([float(year) for year in years.values()]))
    heights = numbers(every, *SLOPE) + numbers(rows.controls.table, *SLOPE)
    axes.set_ylim(*limits_linear([*heights, 0.0]))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    if rows.baseline in years:
        axes.plot(
            [years[rows.baseline]], [0], rows.marker[corpus], color=BASELINE_COLOUR,
            markerfacecolor="white", markersize=3.6, gid="baseline", zorder=3,
        )  # fmt: skip
    laws = pick(rows.relative, corpus=corpus)
    missing = sorted(set(laws["treatment"].astype(str)) - set(years))
    if missing:
        listed = ", ".join(words(name, settings.labels, 16) for name in missing[:6])
        note(axes, f"no year: {listed}{' …' if len(missing) > 6 else ''}", y=0.02, va="bottom")
    return True


if __name__ == "__main__":
    run_figure(FIGURE, draw)
