"""Draw topics: slopes with verdicts (top), levels of the gaps (bottom); one column per corpus."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.scales import slope_margin
from relscale.contract.verdict_words import verdict_of_word
from relscale.figures.kit.axes import footer, limits_linear
from relscale.figures.kit.choose import numbers
from relscale.figures.kit.clipped import note_cuts, slope_limits
from relscale.figures.kit.controls import LEVEL, NAME, SLOPE, control_handle, control_row
from relscale.figures.kit.family import family_figure
from relscale.figures.kit.family_rows import (
    FamilyRows,
    family_rows,
    objections,
    undecided_changes,
)
from relscale.figures.kit.forest import (
    FamilyForests,
    Group,
    absent,
    family_forests,
    margin_box,
    scale_slopes,
)
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.metrics import change, change_formula, change_label
from relscale.figures.kit.panels import Mark, slope_row, verdict_word
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import SMALL_PT, MarkStyle, ink, text_width_in, words
from relscale.figures.kit.tables import Tables
from relscale.figures.topics import FIGURE, TopicsSettings

SLOPES, LEVELS = "slopes", "levels"
"""Keys of the two blocks of rows."""
GAPS = ("gap_first", "gap_last")
"""Columns of the fitted gap at the lowest and at the highest budget."""


def draw(tables: Tables, settings: TopicsSettings) -> Figure:
    """Draw the figure from relative; without laws, from points and absolute as other families."""
    rows = family_rows(tables, settings)
    if not len(rows.relative):
        return family_figure(tables, settings)
    blocks = _blocks(rows)
    foot = _foot(rows)
    widest = max(text_width_in(_shown(row), SMALL_PT) for _, row in rows.relative.iterrows())
    drawn = family_forests(
        blocks, rows.corpora, labels=settings.labels, gap_in=widest + 0.24, foot=foot
    )
    estimates = [frame[list(SLOPE)] for frame in (rows.relative, rows.controls.table)]
    limits = slope_limits(pd.concat(estimates) if rows.controls else rows.relative)
    levels = _levels(rows, settings.metric)
    for corpus in rows.corpora:
        scale_slopes(drawn.panels[(SLOPES, corpus)], limits)
        scale_slopes(drawn.panels[(LEVELS, corpus)], limits_linear([*levels, 0.0]))
        _column(drawn, rows.only(corpus), corpus)
    _legend(drawn.figure, has_control=bool(rows.controls))
    footer(drawn.figure, foot)
    note_cuts(drawn.figure)
    return drawn.figure


def _blocks(rows: FamilyRows) -> list[Group]:
    """Return the treatments by rising slope, the mean over the corpora, for both blocks."""
    slopes = pd.to_numeric(rows.relative["dbeta"]).groupby(rows.relative["treatment"]).mean()
    names = [name for name in rows.colour if name != rows.baseline]
    known = [name for name in names if math.isfinite(slopes.get(name, math.nan))]
    known.sort(key=lambda name: float(slopes[name]))
    order = (*known, *(name for name in names if name not in known))
    baseline = words(rows.baseline, rows.settings.labels, 24)
    titles = {
        SLOPES: f"Slope dβ against {baseline}",
        LEVELS: f"{change_label(rows.settings.metric)}, the baseline being {baseline}",
    }
    return [
        Group(key=key, title=title, rows=order, colour=rows.colour) for key, title in titles.items()
    ]


def _levels(rows: FamilyRows, metric: str) -> list[float]:
    gaps = numbers(rows.relative, *GAPS, "gamma_ci_low", "gamma_ci_high")
    gaps += numbers(rows.controls.table, *LEVEL)
    return [float(level) for level in change(gaps, metric)]


def _column(drawn: FamilyForests, rows: FamilyRows, corpus: str) -> None:
    """Draw the slopes and levels of one corpus."""
    above, below = drawn.panels[(SLOPES, corpus)], drawn.panels[(LEVELS, corpus)]
    for _, row in rows.relative.iterrows():
        name = str(row["treatment"])
        mark = Mark(colour=rows.colour[name], marker=rows.marker[corpus])
        y = drawn.height[(SLOPES, name)]
        margin_box(above, slope_margin(row), y)
        interval = (float(row["ci_low"]), float(row["ci_high"]))
        slope_row(above, y, float(row["dbeta"]), interval, mark)
        _verdict(above, y, row)
        if pd.isna(row["dbeta"]):
            absent(above, y)
        low = drawn.height[(LEVELS, name)]
        _level(below, low, row, mark, rows.settings.metric)
        control_row(above, y, *rows.controls.estimate(name, SLOPE), mark.colour)
        gap, ends = rows.controls.estimate(name, LEVEL)
        first, last = sorted(float(end) for end in change(list(ends), rows.settings.metric))
        level = float(change(gap, rows.settings.metric))
        control_row(below, low, level, (first, last), mark.colour)


def _shown(row: pd.Series) -> str:
    """Return the verdict of a law, with its sign."""
    word = verdict_word(row)
    verdict = verdict_of_word(word.removesuffix("*"))
    return f"{verdict.sign} {word}" if verdict else word


def _verdict(axes: Axes, y: float, row: pd.Series) -> None:
    """Write the verdict of a law to the right of its row."""
    verdict = verdict_of_word(verdict_word(row).removesuffix("*"))
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    axes.text(
        1 + 0.06 / width_in,
        y,
        _shown(row),
        transform=axes.get_yaxis_transform(),
        va="center_baseline",
        fontsize=SMALL_PT,
        color=ink(verdict.ink) if verdict else "#444444",
    )


def _level(axes: Axes, y: float, row: pd.Series, mark: Mark, metric: str) -> None:
    """Draw the gap at the lowest and the highest budget, and the interval of the level."""
    interval = [float(row[end]) for end in ("gamma_ci_low", "gamma_ci_high")]
    low, high = sorted(float(end) for end in change(interval, metric))
    first, last = (float(end) for end in change([float(row[name]) for name in GAPS], metric))
    axes.plot([low, high], [y, y], color=mark.colour, linewidth=0.5, zorder=2, gid="level")
    axes.plot([first, last], [y, y], color=mark.colour, linewidth=1.6, zorder=2.5, gid="move")
    for value, face in ((first, "white"), (last, mark.colour)):
        axes.plot(
            [value], [y], mark.marker, color=mark.colour, markerfacecolor=face, markersize=3.8,
            markeredgewidth=0.8, zorder=3, gid="gap",
        )  # fmt: skip


def _foot(rows: FamilyRows) -> str:
    said = (
        f"Level: {change_formula(rows.settings.metric)}, G = L(treatment) / L(baseline), by the "
        "fitted law; hairline: 95 % interval in the middle of the compute. Verdicts: ratio scale."
    )
    if rows.controls:
        said += " n-grams: slope of log G on log text times that of the runs' text on compute."
    return " ".join(filter(None, [said, undecided_changes(rows.relative), objections(rows)]))


def _legend(figure: Figure, *, has_control: bool) -> None:
    look: MarkStyle = {"color": "#444444", "marker": "o", "markersize": 3.8, "markeredgewidth": 0.8}
    handles = [
        Line2D([], [], linewidth=1.0, **look),
        Line2D([], [], color="#d9d9d9", linewidth=6, solid_capstyle="butt"),
        Line2D([], [], linestyle="none", markerfacecolor="white", **look),
        Line2D([], [], linestyle="none", **look),
    ]
    texts = ["slope, 95 % interval", "within the margin", "lowest budget", "highest budget"]
    if has_control:
        handles.append(control_handle())
        texts.append(NAME)
    top_legend(figure, handles, texts)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
