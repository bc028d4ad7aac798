"""The gaps of a control behind those of the runs, in the figures of one family.

Runs and control share the text that they have read. The compute-optimal size of a budget F reads
D*(F) = m (F / F_m)^e bytes, with the geometric means m of the texts and F_m of the budgets, so that
a control of b bytes of text is drawn at the compute F_m (b / m)^(1 / e).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from relscale.figures.kit.axes import add_room
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.clipped import bar, point
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.laws import Span, bounded_exp
from relscale.figures.kit.metrics import change
from relscale.figures.kit.style import MarkStyle, words

NAME = "n-grams of the same text, 95 % interval over items"
"""Name of the control in the keys of figures."""
MARKER, SIZE = "d", 3.0
"""The mark of the control, which no corpus has, and its size in points."""
LOOK: MarkStyle = {
    "marker": MARKER,
    "markersize": SIZE,
    "markerfacecolor": "white",
    "markeredgewidth": 0.6,
}
SLOPE, LEVEL = ("dbeta", "ci_low", "ci_high"), ("gap", "gap_ci_low", "gap_ci_high")
"""Columns of an estimate and the ends of its interval, for slopes and for levels."""
BESIDE = 0.3
"""Distance of a control's row below that of the runs, as a share of the height of a row."""
BESIDE_PT = 3.5
"""Distance of a control's mark to the right of that of the runs, in points."""


@dataclass(frozen=True, kw_only=True)
class ControlRows:
    """The gaps and slopes of the control of one family."""

    gaps: pd.DataFrame
    """Rows of controls.csv with a gap that have the best order of their text, and their `compute`
    in FLOPs (NaN if the runs' texts are not known)."""
    slopes: pd.DataFrame
    """Corpus, treatment, level (`gap`, `gap_ci_low`, `gap_ci_high`) and slope per unit of log
    compute (`dbeta`, `ci_low`, `ci_high`) of the control."""

    def __bool__(self) -> bool:
        """Whether there is anything to draw."""
        return bool(len(self.gaps) or len(self.slopes))

    def only(self, corpus: str) -> "ControlRows":
        """Return the rows of one corpus."""
        return ControlRows(
            gaps=pick(self.gaps, corpus=corpus), slopes=pick(self.slopes, corpus=corpus)
        )

    def estimate(
        self, treatment: str, columns: tuple[str, str, str]
    ) -> tuple[float, tuple[float, float]]:
        """Return the slope (`SLOPE`) or the level (`LEVEL`) of a treatment, and its interval.

        They are NaN without a control. The rows must be those of one corpus.
        """
        mine = pick(self.slopes, treatment=treatment)
        if not len(mine):
            return math.nan, (math.nan, math.nan)
        value, low, high = (float(mine[name].iloc[0]) for name in columns)
        return value, (low, high)

    def along(self, domain: str, span: Span) -> pd.DataFrame:
        """Return the gaps of a domain within a range of compute, by rising compute."""
        rows = pick(self.gaps, domain=domain).sort_values("compute")
        return rows[rows["compute"].between(span.first / 1.25, span.end)]


def control_rows(
    controls: pd.DataFrame, slopes: pd.DataFrame, points: pd.DataFrame, compute: str
) -> ControlRows:
    """Return the gaps and slopes of the control of one family.

    Args:
        controls: rows of controls.csv of the family, in the metric of the figure.
        slopes: rows of control_slopes.csv of the family.
        points: rows of points.csv of the family.
        compute: column of the x axis.
    """
    best = controls[controls["best"].astype(bool) & pd.to_numeric(controls["gap"]).notna()]
    baselines = best["baseline"].astype(str) == best["domain"].astype(str)
    best = best[~baselines]
    found = pd.Series(math.nan, index=best.index)
    for corpus in ordered([], best["corpus"]):
        mine = best[best["corpus"] == corpus]
        texts = mine["text_bytes"].to_numpy(dtype=float)
        law, of_runs = pick(slopes, corpus=corpus), pick(points, corpus=corpus)
        found[mine.index] = compute_of_texts(texts, of_runs[compute], law)
    known = slopes[pd.to_numeric(slopes["slope"]).notna()]
    exponent = pd.to_numeric(known["text_exponent"])
    per_compute = {
        name: pd.to_numeric(known[column]) * exponent
        for name, column in zip(SLOPE, ("slope", "slope_ci_low", "slope_ci_high"), strict=True)
    }
    kept = known[["corpus", "treatment", *LEVEL]]
    return ControlRows(gaps=best.assign(compute=found), slopes=kept.assign(**per_compute))


def texts_of_compute(flops: np.ndarray, law: pd.DataFrame) -> np.ndarray:
    """Return the bytes that the compute-optimal runs of some budgets have read.

    Args:
        flops: compute of each budget.  # (n,)
        law: rows of control_slopes.csv of one corpus; without one there is no text.

    Returns:
        D* in bytes; NaN where it is not known.  # (n,)
    """
    logs = np.log(np.where(flops > 0, flops, np.nan))
    middle, exponent = _text_law(law)
    if not middle > 0 or not len(flops):
        return np.full(len(flops), np.nan)
    return bounded_exp(np.log(middle) + exponent * (logs - logs.mean()))


def compute_of_texts(texts: np.ndarray, flops: pd.Series, law: pd.DataFrame) -> np.ndarray:
    """Return the compute whose compute-optimal runs read some amounts of text.

    Args:
        texts: bytes.  # (n,)
        flops: compute of the optima; budgets may be repeated.
        law: rows of control_slopes.csv of one corpus; without one the compute is not known.

    Returns:
        FLOPs; NaN where they are not known.  # (n,)
    """
    budgets = np.unique(pd.to_numeric(flops).to_numpy(dtype=float))
    budgets = budgets[np.isfinite(budgets) & (budgets > 0)]
    middle, exponent = _text_law(law)
    if not (middle > 0 and exponent > 0 and len(budgets)):
        return np.full(len(texts), np.nan)
    return bounded_exp(np.log(budgets).mean() + np.log(texts / middle) / exponent)


def _text_law(law: pd.DataFrame) -> tuple[float, float]:
    """Return the geometric mean of the runs' texts in bytes, and their exponent."""
    if not len(law):
        return math.nan, math.nan
    first = law.iloc[0]
    return float(first["middle_bytes"]), float(first["text_exponent"])


def control_lines(
    axes: Axes, rows: ControlRows, colour: Mapping[str, str], span: Span, metric: str
) -> None:
    """Draw the gaps of a control by compute behind those of the runs, with their intervals.

    Args:
        axes: panel of relative laws of one corpus.
        rows: the control's rows of that corpus.
        colour: colour of each treatment.
        span: range of compute of the panel.
        metric: metric of the figure.
    """
    for domain, shade in colour.items():
        mine = rows.along(domain, span)
        if not len(mine):
            continue
        x = mine["compute"].to_numpy(dtype=float)
        for at, low, high in zip(x, mine["gap_ci_low"], mine["gap_ci_high"], strict=True):
            ends = change([float(low), float(high)], metric)
            axes.plot(
                [at, at], ends, color=shade, linewidth=0.5, alpha=0.6, zorder=1.7,
                gid="control interval",
            )  # fmt: skip
        axes.plot(
            x, change(mine["gap"].to_numpy(dtype=float), metric), color=shade, linestyle=":",
            linewidth=0.7, zorder=1.8, gid="control", **LOOK,
        )  # fmt: skip


def control_heights(
    rows: ControlRows, treatments: Sequence[str], span: Span, metric: str
) -> list[float]:
    """Return the heights of the control's points that `control_lines` draws."""
    return [
        float(height)
        for domain in treatments
        for height in change(rows.along(domain, span)["gap"].to_numpy(dtype=float), metric)
    ]


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
    at = y + BESIDE
    bar(
        axes, at, interval, colour=colour, width_pt=0.6, gid="control interval", zorder=1.7,
        linestyle=(0, (1, 1)),
    )  # fmt: skip
    point(axes, at, value, gid="control", color=colour, zorder=1.8, **LOOK)


def control_upright(
    axes: Axes, x: float, value: float, interval: tuple[float, float], colour: str
) -> None:
    """Draw a slope of a control as an upright bar, to the right of that of the runs at `x`."""
    figure = axes.get_figure()
    assert figure is not None
    aside = axes.transData + ScaledTranslation(BESIDE_PT / 72, 0, figure.dpi_scale_trans)  # type: ignore[union-attr]
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


def missing_controls(rows: ControlRows, corpora: Sequence[str], labels: Mapping[str, str]) -> str:
    """Return a sentence on the corpora whose controls are not drawn by compute; empty for none."""
    if not rows:
        return ""
    known = rows.gaps[rows.gaps["compute"].notna()]
    without = [
        corpus
        for corpus in corpora
        if len(pick(rows.gaps, corpus=corpus)) and not len(pick(known, corpus=corpus))
    ]
    if not without:
        return ""
    names = ", ".join(words(corpus, labels, 20) for corpus in without)
    return f"n-grams are not shown where the text of the optimal runs is not known: {names}."
