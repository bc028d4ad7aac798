"""Panels of laws: absolute and relative laws of one family on one corpus, slopes with intervals."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from relscale.figures.kit.axes import log_axis
from relscale.figures.kit.choose import reservation, text_of
from relscale.figures.kit.labels import Label
from relscale.figures.kit.metrics import change
from relscale.figures.kit.style import BAND_ALPHA, EXTRAPOLATION_ALPHA
from relscale.figures.kit.tables import LARGEST

_STEPS = 25
"""Points of a drawn law: a smooth curve over three decades on a page, in a third of the bytes of 61
points."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """The range of compute that a panel shows, in FLOPs."""

    first: float
    """Compute of the smallest budget."""
    last: float
    """Compute of the largest budget; a law is extrapolated beyond it."""
    end: float
    """End of the extrapolation."""


@dataclass(frozen=True, kw_only=True)
class LawStyle:
    """How the laws of a family are drawn on one corpus."""

    colour: Mapping[str, str]
    """Colour of each domain, in their order."""
    marker: str
    """Marker of the corpus."""
    compute: str
    """Column of the x axis."""
    span: Span
    baseline: str = ""
    """Domain that the others are compared with."""
    metric: str = "bits_per_byte"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How a slope is drawn."""

    colour: str
    marker: str = "o"
    filled: bool = True
    size: float = 3.8
    """Size of the marker in points."""


def span_of(points: pd.DataFrame, compute: str, decades: float) -> Span:
    """Return the range of compute of some points, and `decades` more.

    The points of a single budget have no range, and nothing is extrapolated from them.
    """
    values = pd.to_numeric(points[compute]).to_numpy(dtype=float) if len(points) else np.array([])
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return Span(first=1.0, last=10.0, end=10.0 * 10**decades)
    first, last = float(values.min()), float(values.max())
    return Span(first=first, last=last, end=last * 10 ** (decades if last > first else 0.0))


def compute_axis(axes: Axes, span: Span, *, room: float, single: float) -> None:
    """Scale the x axis over a range of compute.

    Args:
        axes: axes of a panel.
        span: range of compute.
        room: factor of compute at each side of the data.
        single: the same factor if there is only one budget.
    """
    room = room if span.last > span.first else single
    end = span.end if span.end > span.last else span.last * room
    log_axis(axes.xaxis, span.first / room, end, least=2, most=4)


def law_gap(row: pd.Series, compute: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a relative law G = gamma (F / reference)^dbeta with its pointwise interval.

    The reference is the middle of the observed log compute, where gamma and dbeta are uncorrelated.
    So the squares of the half-widths of log G add up:
    h(F)^2 = h_gamma^2 + (h_dbeta log(F / reference))^2.

    Args:
        row: a row of relative.csv.
        compute: F in FLOPs.  # (n,)

    Returns:
        G, and the lower and upper ends of its interval (NaN without one).  # (n,) each
    """
    gamma, dbeta = float(row["gamma"]), float(row["dbeta"])
    x = np.log(np.asarray(compute, dtype=float) / float(row["reference_compute"]))
    middle = math.log(gamma) + dbeta * x
    gamma_low, gamma_high = (
        math.log(gamma / float(row[key])) if float(row[key]) > 0 else math.nan
        for key in ("gamma_ci_low", "gamma_ci_high")
    )
    below, above = dbeta - float(row["ci_low"]), float(row["ci_high"]) - dbeta
    down, up = np.where(x > 0, below, above) * x, np.where(x > 0, above, below) * x
    low, high = middle - np.hypot(gamma_low, down), middle + np.hypot(gamma_high, up)
    return bounded_exp(middle), bounded_exp(low), bounded_exp(high)


def law_value(row: pd.Series, compute: np.ndarray) -> np.ndarray:
    """Return an absolute law E = coefficient F^-exponent + offset; an empty offset is 0.

    Args:
        row: a row of absolute.csv.
        compute: F in FLOPs.  # (n,)

    Returns:
        E in the unit of the metric.  # (n,)
    """
    offset = float(row["offset"]) if pd.notna(row["offset"]) else 0.0
    level = math.log(float(row["coefficient"]))
    return bounded_exp(level - float(row["exponent"]) * np.log(compute)) + offset


def bounded_exp(value: np.ndarray) -> np.ndarray:
    """Return the exponential; NaN where it is too large to be drawn."""
    value = np.asarray(value, dtype=float)
    return np.exp(np.where(value < math.log(LARGEST), value, math.nan))


def has_numbers(row: pd.Series, columns: Sequence[str]) -> bool:
    """Return whether all of these cells hold finite numbers."""
    return all(pd.notna(row[column]) and math.isfinite(float(row[column])) for column in columns)


def has_absolute_law(row: pd.Series) -> bool:
    """Return whether a row of absolute.csv has a law that a log axis can show."""
    return has_numbers(row, ("coefficient", "exponent")) and float(row["coefficient"]) > 0


def has_relative_law(row: pd.Series) -> bool:
    """Return whether a row of relative.csv has a law of positive gaps."""
    return has_numbers(row, ("gamma", "dbeta", "reference_compute")) and all(
        float(row[key]) > 0 for key in ("gamma", "reference_compute")
    )


def verdict_word(row: pd.Series) -> str:
    """Return the verdict of a relative law, with an asterisk if its status is not ok.

    A row without a verdict gives `no verdict`, or `no law` if it has no slope.
    """
    verdict = text_of(row["verdict"])
    if not verdict:
        return "no verdict" if has_numbers(row, ("dbeta",)) else "no law"
    return f"{verdict}*" if reservation(row["status"]) else verdict


def absolute_panel(
    axes: Axes, points: pd.DataFrame, laws: pd.DataFrame, style: LawStyle
) -> dict[str, float]:
    """Draw the points at the optimum of each budget (bars: one standard error) and absolute laws.

    Returns:
        The height at which the line of each domain ends, for its label.
    """
    ends: dict[str, float] = {}
    for domain, colour in style.colour.items():
        rows = points[points["domain"] == domain].sort_values(style.compute)
        errors = rows["standard_error"]
        _points(
            axes,
            rows[style.compute],
            rows["value"],
            errors,
            Mark(colour=colour, marker=style.marker),
        )
        if len(rows):
            ends[domain] = float(rows["value"].iloc[-1])
        for _, row in laws[laws["domain"] == domain].iterrows():
            if has_absolute_law(row):
                _curve(axes, style.span, partial(law_value, row), colour)
                ends[domain] = float(law_value(row, np.array([style.span.end]))[0])
    return ends


def relative_panel(
    axes: Axes,
    points: pd.DataFrame,
    laws: pd.DataFrame,
    style: LawStyle,
    *,
    paper_line: bool = False,
) -> dict[str, float]:
    """Draw the change relative to the baseline at each optimum, and relative laws with intervals.

    With `paper_line`, the paper's line is drawn in addition, dotted: ordinary least squares of the
    percentage on log10 F.

    Returns:
        The height at which the line of each treatment ends, for its label.
    """
    ends: dict[str, float] = {}
    for domain in (name for name in style.colour if name != style.baseline):
        colour = style.colour[domain]
        rows = points[(points["domain"] == domain) & points["gap"].notna()]
        rows = rows.sort_values(style.compute)
        heights = change(rows["gap"].to_numpy(dtype=float), style.metric)
        errors = 100 * pd.to_numeric(rows["gap_standard_error"])
        _points(
            axes, rows[style.compute], heights, errors, Mark(colour=colour, marker=style.marker)
        )
        if len(rows):
            ends[domain] = float(heights[-1])
        if paper_line:
            flops = rows[style.compute].to_numpy(dtype=float)
            _straight(axes, flops, heights, style.span, colour)
        for _, row in laws[laws["treatment"] == domain].iterrows():
            if has_relative_law(row):
                ends[domain] = _relative_law(axes, row, style, colour)
    return ends


def _relative_law(axes: Axes, row: pd.Series, style: LawStyle, colour: str) -> float:
    """Draw a relative law with its interval; return the height at which it ends."""
    metric, span = style.metric, style.span
    _curve(axes, span, lambda flops: change(law_gap(row, flops)[0], metric), colour)
    if has_numbers(row, ("gamma_ci_low", "gamma_ci_high", "ci_low", "ci_high")):
        faint = BAND_ALPHA * min(1.0, 8 / max(len(style.colour), 1))
        for flops, alpha in zip(_reach(span), (faint, 0.5 * faint), strict=False):
            low, high = (change(edge, metric) for edge in law_gap(row, flops)[1:])
            axes.fill_between(flops, low, high, color=colour, alpha=alpha, linewidth=0, zorder=1.5)
    return float(change(law_gap(row, np.array([span.end]))[0], metric)[0])


def relative_heights(points: pd.DataFrame, laws: pd.DataFrame, style: LawStyle) -> list[float]:
    """Return the heights that a panel of relative laws must include.

    These are points with their bars, laws to their end, and bands over the observed compute.
    """
    span, metric = style.span, style.metric
    rows = points[(points["domain"] != style.baseline) & points["gap"].notna()]
    gap = rows["gap"].to_numpy(dtype=float)
    bars = pd.to_numeric(rows["gap_standard_error"]).fillna(0.0).to_numpy(dtype=float)
    heights = [0.0, *change(gap - bars, metric), *change(gap + bars, metric)]
    for _, row in laws.iterrows():
        if has_relative_law(row):
            middle, low, high = law_gap(row, np.array([span.first, span.last]))
            heights += [*change(middle, metric), *change(low, metric), *change(high, metric)]
            heights += [*change(law_gap(row, np.array([span.end]))[0], metric)]
    return heights


def absolute_heights(points: pd.DataFrame, laws: pd.DataFrame, span: Span) -> list[float]:
    """Return the heights that a panel of absolute laws must include: points and ends of laws."""
    heights = list(points["value"].to_numpy(dtype=float)) if len(points) else []
    for _, row in laws.iterrows():
        if has_absolute_law(row):
            heights += list(law_value(row, np.array([span.first, span.end])))
    return heights


def labels_of(
    ends: Mapping[str, float], texts: Mapping[str, str], colour: Mapping[str, str]
) -> list[Label]:
    """Return the labels of lines that end at the given heights; lines without a text have none."""
    return [
        Label(y=ends[name], text=texts[name], colour=colour[name])
        for name in ends
        if texts.get(name)
    ]


def slope_row(
    axes: Axes, y: float, value: float, interval: tuple[float, float], mark: Mark
) -> None:
    """Draw a slope with its interval as a horizontal bar at height `y`.

    Args:
        axes: axes of a forest plot.
        y: height of the row.
        value: the slope; NaN draws no point.
        interval: its interval; NaN draws no bar.
        mark: how the slope is drawn.
    """
    low, high = interval
    if math.isfinite(low) and math.isfinite(high):
        axes.plot(
            [low, high],
            [y, y],
            color=mark.colour,
            linewidth=1.0,
            solid_capstyle="butt",
            zorder=2,
            gid="interval",
        )
    if math.isfinite(value):
        axes.plot(
            [value],
            [y],
            mark.marker,
            color=mark.colour,
            markerfacecolor=mark.colour if mark.filled else "white",
            markeredgewidth=0.8,
            markersize=mark.size,
            zorder=3,
            gid="slope",
        )


NO_INTERVAL = (math.nan, math.nan)
"""The interval of a slope that has none."""


def _points(axes: Axes, x: object, y: object, errors: pd.Series, mark: Mark) -> None:
    bars = pd.to_numeric(errors).to_numpy(dtype=float)
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if np.isfinite(bars).any():
        axes.errorbar(
            x,
            y,
            yerr=np.nan_to_num(bars),
            fmt="none",
            ecolor=mark.colour,
            elinewidth=0.7,
            zorder=3.2,
        )
    axes.plot(
        x,
        y,
        mark.marker,
        color=mark.colour,
        markeredgecolor="white",
        markeredgewidth=0.35,
        markersize=3.6,
        zorder=3,
        gid="points",
    )


def _straight(axes: Axes, flops: np.ndarray, heights: np.ndarray, span: Span, colour: str) -> None:
    if len(np.unique(flops)) < 2:
        return
    slope, level = np.polyfit(np.log10(flops), heights, 1)
    ends = np.array([span.first, span.end])
    axes.plot(
        ends,
        level + slope * np.log10(ends),
        color=colour,
        linewidth=0.8,
        linestyle=(0, (1, 1.6)),
        zorder=1.8,
        gid="paper line",
    )


def _reach(span: Span) -> list[np.ndarray]:
    """Return the compute at which a law is drawn: observed and, if extrapolated, beyond."""
    seen = np.geomspace(span.first, span.last, _STEPS)
    return [seen, np.geomspace(span.last, span.end, _STEPS)] if span.end > span.last else [seen]


def _curve(axes: Axes, span: Span, law: Callable[[np.ndarray], np.ndarray], colour: str) -> None:
    seen, *further = _reach(span)
    axes.plot(seen, law(seen), color=colour, linewidth=1.1, zorder=2, gid="law")
    for beyond in further:
        axes.plot(
            beyond,
            law(beyond),
            color=colour,
            linewidth=0.9,
            alpha=EXTRAPOLATION_ALPHA,
            linestyle=(0, (3.5, 2)),
            zorder=2,
            gid="extrapolation",
        )
