"""The gaps of a control behind those of the runs, in the figures of one family.

Runs and control share the text that they have read. The compute-optimal size of a budget F reads
D*(F) = m (F / F_m)^e bytes, with the geometric means m of the texts and F_m of the budgets. So a
control whose gap is g at m bytes, with the slope s in log text, has the gap g (F / F_m)^(s e) after
the text of the runs at F.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation, Transform

from relscale.figures.kit.axes import add_room
from relscale.figures.kit.choose import pick
from relscale.figures.kit.clipped import bar, point
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.laws import Span, bounded_exp
from relscale.figures.kit.metrics import change
from relscale.figures.kit.style import MarkStyle, words

NAME = "n-grams of the same text, 95 % interval over items"
"""Name of the control in the keys of figures."""
LOOK: MarkStyle = {
    "marker": "d",  # of no corpus
    "markersize": 3.0,
    "markerfacecolor": "white",
    "markeredgewidth": 0.6,
}
SLOPE, LEVEL = ("dbeta", "ci_low", "ci_high"), ("gap", "gap_ci_low", "gap_ci_high")
"""Columns of an estimate and the ends of its interval, for slopes and for levels."""
BELOW = 0.3
"""Distance of a control's row below that of the runs, as a share of the height of a row."""
BESIDE_PT, APART_PT = 3.5, 26.0
"""Distance of a control's mark to the right of that of the runs, and the width over which those of
one panel are spread, in points."""


@dataclass(frozen=True, kw_only=True)
class ControlRows:
    """The gaps and slopes of the control of one family."""

    table: pd.DataFrame
    """Corpus, treatment, level at the runs' mean text (`gap`, `gap_ci_low`, `gap_ci_high`) and
    slope per unit of log compute (`dbeta`, `ci_low`, `ci_high`) of the control."""

    def __bool__(self) -> bool:
        """Whether the family has a control."""
        return bool(len(self.table))

    def only(self, corpus: str) -> "ControlRows":
        """Return the rows of one corpus."""
        return ControlRows(table=pick(self.table, corpus=corpus))

    def estimate(
        self, treatment: str, columns: tuple[str, str, str]
    ) -> tuple[float, tuple[float, float]]:
        """Return the slope (`SLOPE`) or the level (`LEVEL`) of a treatment, and its interval.

        They are NaN without a control. The rows must be those of one corpus.
        """
        mine = pick(self.table, treatment=treatment)
        if not len(mine):
            return math.nan, (math.nan, math.nan)
        value, low, high = (float(mine[name].iloc[0]) for name in columns)
        return value, (low, high)


def control_rows(slopes: pd.DataFrame) -> ControlRows:
    """Return the gaps and slopes of the control of one family.

    Args:
        slopes: rows of control_slopes.csv of the family, in the metric of the figure.
    """
    known = slopes[pd.to_numeric(slopes["slope"]).notna()]
    exponent = pd.to_numeric(known["text_exponent"])
    per_compute = {
        name: pd.to_numeric(known[column]) * exponent
        for name, column in zip(SLOPE, ("slope", "slope_ci_low", "slope_ci_high"), strict=True)
    }
    return ControlRows(table=known[["corpus", "treatment", *LEVEL]].assign(**per_compute))


def texts_of_compute(flops: np.ndarray, law: pd.DataFrame) -> np.ndarray:
    """Return the bytes that the compute-optimal runs of some budgets have read.

    They follow from their geometric mean and their exponent: D* = m (F / F_m)^e.

    Args:
        flops: compute of each budget.  # (n,)
        law: the row of control_slopes.csv; without one there is no text.

    Returns:
        D* in bytes; NaN where it is not known.  # (n,)
    """
    if not len(law) or not len(flops):
        return np.full(len(flops), np.nan)
    logs = np.log(np.where(flops > 0, flops, np.nan))
    middle, exponent = (float(law[name].iloc[0]) for name in ("middle_bytes", "text_exponent"))
    if not middle > 0:
        return np.full(len(flops), np.nan)
    return bounded_exp(np.log(middle) + exponent * (logs - logs.mean()))


def middle_compute(points: pd.DataFrame, compute: str) -> float:
    """Return the geometric mean of the budgets of some points in FLOPs; NaN without any."""
    budgets = np.unique(pd.to_numeric(points[compute]).to_numpy(dtype=float))
    budgets = budgets[np.isfinite(budgets) & (budgets > 0)]
    return float(np.exp(np.log(budgets).mean())) if len(budgets) else math.nan


def control_lines(
    axes: Axes,
    rows: ControlRows,
    colour: Mapping[str, str],
    span: Span,
    middle: float,
    metric: str,
) -> None:
    """Draw the gaps of a control behind those of the runs, over the same text.

    The interval is that of the gap at the runs' mean text. The marks of a panel are next to each
    other, so that no interval hides another.

    Args:
        axes: panel of relative laws of one corpus.
        rows: the control's rows of that corpus.
        colour: colour of each treatment.
        span: range of compute of the panel.
        middle: F_m, the compute of the runs' mean text.
        metric: metric of the figure.
    """
    known = [name for name in colour if math.isfinite(_line(rows, name, span, middle)[0])]
    step = min(APART_PT / max(len(known) - 1, 1), 2 * BESIDE_PT)
    for place, name in enumerate(known):
        ends = change(np.array(_line(rows, name, span, middle)), metric)
        axes.plot(
            [span.first, span.last], ends, color=colour[name], linestyle=":", linewidth=0.8,
            zorder=1.7, gid="control line",
        )  # fmt: skip
        gap, interval = rows.estimate(name, LEVEL)
        aside = _aside(axes, step * (place - (len(known) - 1) / 2))
        axes.plot(
            [middle] * 2, change(np.array(interval), metric), color=colour[name], linewidth=0.6,
            transform=aside, zorder=1.7, gid="control interval",
        )  # fmt: skip
        axes.plot(
            [middle], change(np.array([gap]), metric), color=colour[name], transform=aside,
            zorder=1.8, gid="control", **LOOK,
        )  # fmt: skip


def control_heights(
    rows: ControlRows, treatments: Sequence[str], span: Span, middle: float, metric: str
) -> list[float]:
    """Return the heights that `control_lines` draws: lines and intervals."""
    found: list[float] = []
    for name in treatments:
        ends = _line(rows, name, span, middle)
        if math.isfinite(ends[0]):
            found += [*ends, *rows.estimate(name, LEVEL)[1]]
    return [float(height) for height in change(np.array(found), metric)] if found else []


def _line(rows: ControlRows, name: str, span: Span, middle: float) -> tuple[float, float]:
    """Return the gaps of a control at the ends of the observed compute; NaN if not known."""
    (gap, _), (slope, _) = rows.estimate(name, LEVEL), rows.estimate(name, SLOPE)
    first, last = (gap * (end / middle) ** slope for end in (span.first, span.last))
    return first, last


def _aside(axes: Axes, points: float) -> Transform:
    """Return a transform that places data to the right by some points."""
    scale = axes.get_figure().dpi_scale_trans  # type: ignore[union-attr]
    return axes.transData + ScaledTranslation(points / 72, 0, scale)


def control_row(
    axes: Axes, y: float, value: float, interval: tuple[float, float], colour: str
) -> None:
    """Draw an estimate of a control below the row of the runs, with its interval.

    Args:
        axes: axes of a forest plot, with final limits.
        y: height of the row of the runs.
        value: the estimate; NaN draws nothing.
        interval: its interval; NaN draws no bar.
        colour: colour of the treatment.
    """
    if not math.isfinite(value):
        return
    at = y + BELOW
    bar(
        axes, at, interval, colour=colour, width_pt=0.6, gid="control interval", zorder=1.7,
        linestyle=(0, (1, 1)),
    )  # fmt: skip
    point(axes, at, value, gid="control", color=colour, zorder=1.8, **LOOK)


def control_upright(
    axes: Axes, x: float, value: float, interval: tuple[float, float], colour: str
) -> None:
    """Draw a slope of a control as an upright bar, to the right of that of the runs at `x`.

    Nothing is drawn for NaN.
    """
    if not math.isfinite(value):
        return
    aside = _aside(axes, BESIDE_PT)
    axes.plot(
        [x, x], list(interval), color=colour, linewidth=0.6, linestyle=(0, (1, 1)), zorder=1.7,
        transform=aside, gid="control interval",
    )  # fmt: skip
    axes.plot(
        [x], [value], color=colour, linestyle="none", zorder=1.8, transform=aside, gid="control",
        **LOOK,
    )  # fmt: skip


def control_handle() -> Line2D:
    """Return the mark of a control for a key."""
    return Line2D([], [], color="#444444", linestyle=":", linewidth=0.7, **LOOK)


def control_key(figure: Figure) -> None:
    """Write a key above a figure that has none: the runs, and their control."""
    add_room(figure, above_in=0.2)
    runs = Line2D([], [], color="#444444", linewidth=1.1, marker="o", markersize=3.6)
    top_legend(figure, [runs, control_handle()], ["runs", NAME])


def control_note(rows: ControlRows, corpora: Sequence[str], labels: Mapping[str, str]) -> str:
    """Return sentences on the control of a family and on corpora without it; empty for none."""
    if not rows:
        return ""
    said = "n-grams: gap at the mean text of the runs (marks are side by side) and slope (dotted)."
    known = rows.table[pd.to_numeric(rows.table["dbeta"]).notna()]
    without = [
        words(corpus, labels, 20)
        for corpus in corpora
        if len(pick(rows.table, corpus=corpus)) and not len(pick(known, corpus=corpus))
    ]
    if without:
        said += f" Not shown where the text of the runs is not known: {', '.join(without)}."
    return said
