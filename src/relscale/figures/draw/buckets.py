"""Draw the slopes of buckets: a row per domain, a column per bucket, a block per partition."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.buckets import COMMON_PER_MILLION, PARTITIONS
from relscale.figures.buckets import FIGURE, BucketsSettings
from relscale.figures.kit.axes import footer
from relscale.figures.kit.buckets import ALPHA, WHOLE, bucket_heading
from relscale.figures.kit.choose import ordered, pick, reservation
from relscale.figures.kit.clipped import bar, note_cuts, point, slope_limits
from relscale.figures.kit.compared import nothing_to_show
from relscale.figures.kit.forest import (
    FamilyForests,
    Group,
    absent,
    family_forests,
    scale_slopes,
)
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import SMALL_PT, colours, words
from relscale.figures.kit.tables import Tables

TITLES = {"bytes": "Bytes", "words": "Words"}
"""Headings of the partitions."""
SHORT = {
    "too_few_items": "few",
    "domain_missing": "none",
    "baseline_missing": "none",
}
"""Words for a bucket without a law, in a narrow panel."""


def draw(tables: Tables, settings: BucketsSettings) -> Figure:
    """Draw the figure from buckets."""
    rows = pick(tables["buckets"], family=settings.family or None)
    corpora = ordered(settings.corpora, rows["corpus"])
    corpora = [name for name in corpora if len(pick(rows, corpus=name))]
    if not corpora:
        return nothing_to_show("no laws of buckets in the tables")
    corpus = settings.corpus if settings.corpus in corpora else corpora[0]
    rows = pick(rows, corpus=corpus, family=str(pick(rows, corpus=corpus)["family"].iloc[0]))
    baseline = settings.baseline or str(rows["baseline"].iloc[0])
    known = {str(name) for name in rows["treatment"]}
    names = ordered(settings.domains, rows["treatment"], rows["baseline"])
    tint = colours(names, baseline)
    shown = tuple(name for name in names if name in known)
    partitions = [name for name in PARTITIONS if len(pick(rows, partition=name))]
    groups = [Group(key=name, title=TITLES[name], rows=shown, colour=tint) for name in partitions]
    count = 1 + max(len(PARTITIONS[name]) for name in partitions)
    columns = [f"column {number}" for number in range(count)]
    foot = _foot(rows, corpus, baseline, settings)
    blank = dict.fromkeys(columns, "\u2009")
    drawn = family_forests(
        groups,
        columns,
        labels={**settings.labels, **blank},
        foot=foot,
        gap_in=0.1,
        top_in=0.46,
        least_in=0.5,
    )
    limits = slope_limits(rows)
    for group in groups:
        buckets = [WHOLE, *PARTITIONS[group.key]]
        for column, axes in zip(columns, drawn.row(group.key), strict=True):
            place = columns.index(column)
            if place >= len(buckets):
                axes.set_visible(False)
                continue
            _heading(axes, group, rows, buckets[place])
            scale_slopes(axes, limits)
            _ticks(axes, limits)
            _marks(axes, drawn, group, rows, buckets[place])
    for axes in drawn.last:
        axes.set_xlabel("Slope dβ")
    _legend(drawn.figure)
    footer(drawn.figure, foot)
    note_cuts(drawn.figure)
    return drawn.figure


def _of_bucket(rows: pd.DataFrame, partition: str, bucket: str) -> pd.DataFrame:
    return pick(rows, partition=WHOLE if bucket == WHOLE else partition, bucket=bucket)


def _heading(axes: Axes, group: Group, rows: pd.DataFrame, bucket: str) -> None:
    """Write the heading of a panel: the bucket, and its share of the bytes."""
    mine = _of_bucket(rows, group.key, bucket)
    share = pd.to_numeric(mine["byte_share"]).mean()
    text = bucket_heading(bucket)
    if bucket != WHOLE and math.isfinite(share):
        text += f"\n{100 * share:.2g} % of bytes"
    axes.set_title(text, fontsize=SMALL_PT, pad=2.0, linespacing=1.1)


def _ticks(axes: Axes, limits: tuple[float, float]) -> None:
    """Set ticks at 0 and at one round number on either side: the panels are narrow.

    0 has a line, and no number, which would touch the others.
    """
    widest = 0.75 * max(abs(limits[0]), abs(limits[1]))
    power = 10.0 ** math.floor(math.log10(widest))
    step = max(size * power for size in (1, 2, 5) if size * power <= widest)
    at = [value for value in (-step, 0.0, step) if limits[0] <= value <= limits[1]]
    axes.set_xticks(at, [f"{value:g}".replace("-", "\u2212") if value else "" for value in at])


def _marks(axes: Axes, drawn: FamilyForests, group: Group, rows: pd.DataFrame, bucket: str) -> None:
    """Draw the slopes of a bucket; the axes have their final limits."""
    for _, row in _of_bucket(rows, group.key, bucket).iterrows():
        name = str(row["treatment"])
        y, slope = drawn.height[(group.key, name)], float(row["dbeta"])
        if not math.isfinite(slope):
            status = str(row["status"])
            absent(axes, y, SHORT.get(status, reservation(status)))
            continue
        colour = group.colour[name]
        bar(axes, y, (float(row["ci_low"]), float(row["ci_high"])), colour=colour)
        found = float(row["p_difference_adjusted"]) < ALPHA
        point(
            axes, y, slope, marker="o", color=colour, markersize=3.4, markeredgewidth=0.8,
            markerfacecolor=colour if found else "white",
        )  # fmt: skip


def _foot(rows: pd.DataFrame, corpus: str, baseline: str, settings: BucketsSettings) -> str:
    family = words(str(rows["family"].iloc[0]), settings.labels, 40)
    return (
        f"Family {family}, corpus {words(corpus, settings.labels, 30)}, against "
        f"{words(baseline, settings.labels, 30)}; G is the ratio of the bits per byte of a bucket. "
        "Straight line in log F for every bucket; intervals are 95 %, not adjusted. Common words "
        f"occur at least {COMMON_PER_MILLION:g} times per million words of the training corpus, "
        "unseen ones never; other bytes belong to no whole word. Shares: mean over the domains."
    )


def _legend(figure: Figure) -> None:
    handles = [
        Line2D(
            [], [], linestyle="none", marker="o", color="#444444", markersize=3.6,
            markerfacecolor=face,
        )
        for face in ("#444444", "white")
    ]  # fmt: skip
    top_legend(figure, handles, [f"differs from 0 (adjusted p < {ALPHA:g})", "not shown to differ"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
