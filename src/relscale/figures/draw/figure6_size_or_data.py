"""Draw size or data: slopes on model size and tokens (top), and the paper's slices (bottom)."""

import math
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.directions import lower_is_better
from relscale.figures.figure6_size_or_data import FIGURE, SizeOrDataSettings
from relscale.figures.kit.axes import footer, limits_linear
from relscale.figures.kit.choose import numbers, ordered, pick
from relscale.figures.kit.clipped import note_cuts, slope_limits
from relscale.figures.kit.compared import (
    family_group,
    laws_of,
    nothing_to_show,
    preferred_metric,
)
from relscale.figures.kit.forest import (
    FamilyForests,
    Group,
    absent,
    family_forests,
    scale_slopes,
)
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.panels import NO_INTERVAL, Mark, slope_row
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import SMALL_PT, markers, words
from relscale.figures.kit.tables import Tables

SIDES = {"params": ("size", -0.2), "tokens": ("tokens", 0.2)}
"""The word for each side and its shift from the middle of a row."""
SLOPES, SLICES = "slopes", "slices"
"""Keys of the two blocks of rows."""
OPPOSITE = "opposite"
FOOT = (
    "A slice keeps only runs of about the same token count (size) or of one size (tokens), as the "
    "paper draws it; its axis is reversed, so that both blocks have the same sides. Marked "
    f"“{OPPOSITE}”: size and tokens move the gap to opposite sides, both intervals without 0."
)


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
    titles = {
        SLOPES: f"{group.title}: all runs, d log G / d log (size or tokens)",
        SLICES: "Two slices of the runs, without intervals: points of 100 (1 − G) per tenfold size "
        "or tokens",
    }
    blocks = [replace(group, key=key, title=title) for key, title in titles.items()]
    drawn = family_forests(
        blocks, corpora, labels=settings.labels, row_in=0.21, gap_in=0.55, foot=FOOT
    )
    limits = slope_limits(_by_side(rows))
    slices = limits_linear(
        [*numbers(rows, *(f"slice_{side}_points_per_decade" for side in SIDES)), 0.0]
    )
    for corpus in corpora:
        mine, marker = pick(rows, corpus=corpus), markers(corpora)[corpus]
        above, below = (drawn.panels[(key, corpus)] for key in titles)
        scale_slopes(above, limits)
        scale_slopes(below, (slices[1], slices[0]))
        below.set_xlabel(_sides(metric))
        _slopes(above, mine, blocks[0], drawn, marker)
        _slices(below, mine, blocks[1], drawn, marker)
    _legend(drawn.figure, markers(corpora)[corpora[0]])
    footer(drawn.figure, FOOT)
    note_cuts(drawn.figure)
    return drawn.figure


def _by_side(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the slopes on size and those on tokens, one below the other."""
    names = {"": "dbeta", "_ci_low": "ci_low", "_ci_high": "ci_high"}
    parts = [
        rows[[f"slope_{side}{end}" for end in names]].set_axis(list(names.values()), axis=1)
        for side in SIDES
    ]
    return pd.concat(parts, ignore_index=True)


def _sides(metric: str) -> str:
    """Return the label of an axis: on which side the treatment gains, and on which it loses."""
    words_of = ("gains", "loses") if lower_is_better(metric) else ("loses", "gains")
    return "← treatment {}   {} →".format(*words_of)


def _is_opposite(row: pd.Series) -> bool:
    """Return whether size and tokens move a gap to different sides, both significantly."""
    sides = []
    for side in SIDES:
        low, high = (float(row[f"slope_{side}_ci_{end}"]) for end in ("low", "high"))
        sides.append((low > 0) - (high < 0))
    return sides[0] * sides[1] < 0


def _slopes(
    axes: Axes, rows: pd.DataFrame, group: Group, drawn: FamilyForests, marker: str
) -> None:
    for _, row in rows.iterrows():
        name = str(row["treatment"])
        if _is_opposite(row):
            axes.text(
                1.03,
                drawn.height[(group.key, name)],
                OPPOSITE,
                transform=axes.get_yaxis_transform(),
                va="center_baseline",
                fontsize=SMALL_PT,
            )
        for side, (word, shift) in SIDES.items():
            y = drawn.height[(group.key, name)] + shift
            if not pd.notna(row[f"slope_{side}"]):
                absent(axes, y, f"no slope on {word}")
                continue
            interval = (float(row[f"slope_{side}_ci_low"]), float(row[f"slope_{side}_ci_high"]))
            mark = Mark(colour=group.colour[name], marker=marker, filled=side == "params")
            slope_row(axes, y, float(row[f"slope_{side}"]), interval, mark)


def _slices(
    axes: Axes, rows: pd.DataFrame, group: Group, drawn: FamilyForests, marker: str
) -> None:
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
