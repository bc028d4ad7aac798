"""Draw size or data: slopes on model size and tokens (top), and the paper's slices (bottom)."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.figure6_size_or_data import FIGURE, SizeOrDataSettings
from relscale.figures.kit.choose import numbers, ordered, pick
from relscale.figures.kit.compared import (
    family_group,
    laws_of,
    nothing_to_show,
    preferred_metric,
)
from relscale.figures.kit.forest import Forest, Group, absent, forest, slope_axis
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.panels import NO_INTERVAL, Mark, slope_row
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import markers, words
from relscale.figures.kit.tables import Tables

SIDES = {"params": ("size", -0.2), "tokens": ("tokens", 0.2)}
"""The word for each side and its shift from the middle of a row."""


def draw(tables: Tables, settings: SizeOrDataSettings) -> Figure:
    """Draw the figure from decomposition."""
    metric = settings.metric or preferred_metric(
        pick(tables["decomposition"], family=settings.family)
    )
    family = settings.model_copy(update={"metric": metric})
    rows = laws_of(family, tables["decomposition"])
    if not len(rows):
        shown = words(settings.family) or "a family"
        return nothing_to_show(f"no decomposition of {shown} into size and data")
    corpora = ordered(settings.corpora, rows["corpus"])
    group = family_group(family, rows, settings.labels)
    drawn = forest([group], corpora, labels=settings.labels, blocks=2, row_in=0.21, top_in=0.52)
    ends = ("", "_ci_low", "_ci_high")
    slopes = numbers(rows, *(f"slope_{side}{end}" for side in SIDES for end in ends))
    slices = numbers(rows, *(f"slice_{side}_points_per_decade" for side in SIDES))
    for place, corpus in enumerate(corpora):
        mine, marker = pick(rows, corpus=corpus), markers(corpora)[corpus]
        above, below = drawn.made.rows[0][place], drawn.made.rows[1][place]
        slope_axis(above, slopes, "d log G / d log (size or tokens)")
        slope_axis(below, slices, "Along a slice (points per decade)")
        _slopes(above, mine, group, drawn, marker)
        _slices(below, mine, group, drawn, marker)
    _legend(drawn.made.figure, markers(corpora)[corpora[0]])
    return drawn.made.figure


def _slopes(axes: Axes, rows: pd.DataFrame, group: Group, drawn: Forest, marker: str) -> None:
    for _, row in rows.iterrows():
        name = str(row["treatment"])
        for side, (word, shift) in SIDES.items():
            y = drawn.height[(group.key, name)] + shift
            if not pd.notna(row[f"slope_{side}"]):
                absent(axes, y, f"no slope on {word}")
                continue
            interval = (float(row[f"slope_{side}_ci_low"]), float(row[f"slope_{side}_ci_high"]))
            mark = Mark(colour=group.colour[name], marker=marker, filled=side == "params")
            slope_row(axes, y, float(row[f"slope_{side}"]), interval, mark)


def _slices(axes: Axes, rows: pd.DataFrame, group: Group, drawn: Forest, marker: str) -> None:
    for _, row in rows.iterrows():
        name = str(row["treatment"])
        for side, (word, shift) in SIDES.items():
            y = drawn.height[(group.key, name)] + shift
            value = float(row[f"slice_{side}_points_per_decade"])
            if math.isnan(value):
                absent(axes, y, f"no slice of {word}")
            mark = Mark(colour=group.colour[name], marker=marker, filled=side == "params")
            slope_row(axes, y, value, NO_INTERVAL, mark)


def _legend(figure: Figure, marker: str) -> None:
    handles = [
        Line2D(
            [],
            [],
            color="#444444",
            linestyle="none",
            marker=marker,
            markersize=3.8,
            markerfacecolor=face,
        )
        for face in ("#444444", "white")
    ]
    top_legend(figure, handles, ["model size (at fixed tokens)", "data (tokens, at fixed size)"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
