"""Panels that several figures share: absolute and relative laws of one family on one corpus,
IsoFLOP curves, slopes with intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from relscale.figures.kit.axes import Label
from relscale.figures.kit.choose import sound, text_of
from relscale.figures.kit.style import BAND_ALPHA, EXTRAPOLATION_ALPHA, is_error

_STEPS = 25
"""Points of a drawn law: a smooth curve over three decades at the size of a page, in a third of the
bytes of 61."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """The compute that a panel shows, in FLOPs."""

    first: float
    """The smallest budget's compute."""
    last: float
    """The largest budget's compute: beyond it a law is extrapolated."""
    end: float
    """Where the extrapolation stops."""


def span_of(points: pd.DataFrame, compute: str, decades: float) -> Span:
    """Return the compute that the points cover and `decades` more.

    A single budget covers no range, and nothing is extrapolated from it.
    """
    values = pd.to_numeric(points[compute]).to_numpy(dtype=float) if len(points) else np.array([])
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return Span(first=1.0, last=10.0, end=10.0 * 10**decades)
    first, last = float(values.min()), float(values.max())
    return Span(first=first, last=last, end=last * 10 ** (decades if last > first else 0.0))


def change(gap: np.ndarray, metric: str) -> np.ndarray:
    """Turn a gap G = E_treatment / E_baseline into what is drawn, in percent.

    Errors: the reduction 100 (1 - G). Probabilities: 100 (G - 1) (arXiv 2510.24626, its figures 4,
    5 and 7).
    """
    gap = np.asarray(gap, dtype=float)
    return 100 * (1 - gap) if is_error(metric) else 100 * (gap - 1)


def change_label(metric: str) -> str:
    """Return the axis label that belongs to `change`."""
    return "Reduction 100 (1 − G) (%)" if is_error(metric) else "Relative change 100 (G − 1) (%)"


def law_gap(row: pd.Series, compute: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a relative law G = gamma (F / reference)^dbeta with its pointwise interval.

    The reference is the middle of the observed log compute, where gamma and dbeta are uncorrelated,
    so the half-widths of log G add in
    squares: h(F)^2 = h_gamma^2 + (h_dbeta log(F / reference))^2.

    Args:
        row: A row of relative.csv.
        compute: F in FLOPs.  # (n,)

    Returns:
        G, its lower and its upper end (NaN where the table gives no interval).  # each (n,)
    """
    x = np.log(np.asarray(compute, dtype=float) / float(row["reference_compute"]))
    middle = math.log(float(row["gamma"])) + float(row["dbeta"]) * x
    gamma_low, gamma_high = (
        math.log(float(row["gamma"]) / float(row[key])) for key in ("gamma_ci_low", "gamma_ci_high")
    )
    down = (
        np.where(
            x > 0,
            float(row["dbeta"]) - float(row["ci_low"]),
            float(row["ci_high"]) - float(row["dbeta"]),
        )
        * x
    )
    up = (
        np.where(
            x > 0,
            float(row["ci_high"]) - float(row["dbeta"]),
            float(row["dbeta"]) - float(row["ci_low"]),
        )
        * x
    )
    low, high = middle - np.hypot(gamma_low, down), middle + np.hypot(gamma_high, up)
    return np.exp(middle), np.exp(low), np.exp(high)


def law_error(row: pd.Series, compute: np.ndarray) -> np.ndarray:
    """Return an absolute law E = coefficient F^-exponent + offset (an empty offset is 0).  #
    (n,)."""
    offset = float(row["offset"]) if pd.notna(row["offset"]) else 0.0
    return (
        np.exp(math.log(float(row["coefficient"])) - float(row["exponent"]) * np.log(compute))
        + offset
    )


def has_numbers(row: pd.Series, columns: Sequence[str]) -> bool:
    """Say whether all these cells hold finite numbers."""
    return all(pd.notna(row[column]) and math.isfinite(float(row[column])) for column in columns)


def verdict_word(row: pd.Series) -> str:
    """Return a law's verdict, with an asterisk where its status is not ok; `no law` where there is
    no slope, hence none."""
    verdict = text_of(row["verdict"])
    if not verdict:
        return "no verdict" if has_numbers(row, ("dbeta",)) else "no law"
    return verdict if sound(row["status"]) else f"{verdict}*"


def absolute_panel(
    axes: Axes,
    points: pd.DataFrame,
    laws: pd.DataFrame,
    *,
    colour: Mapping[str, str],
    marker: str,
    compute: str,
    span: Span,
) -> dict[str, float]:
    """Draw E at each budget's optimum (bars: one standard error) and the fitted absolute laws.

    Returns:
        For each domain drawn, the height at which its line ends, for its label.
    """
    ends: dict[str, float] = {}
    for domain in colour:
        rows = points[points["domain"] == domain].sort_values(compute)
        law = laws[laws["domain"] == domain]
        _points(axes, rows[compute], rows["value"], rows["standard_error"], colour[domain], marker)
        if len(rows):
            ends[domain] = float(rows["value"].iloc[-1])
        for _, row in law.iterrows():
            if has_numbers(row, ("coefficient", "exponent")) and float(row["coefficient"]) > 0:
                _curve(axes, span, lambda flops, row=row: law_error(row, flops), colour[domain])
                ends[domain] = float(law_error(row, np.array([span.end]))[0])
    return ends


def relative_panel(
    axes: Axes,
    points: pd.DataFrame,
    laws: pd.DataFrame,
    *,
    colour: Mapping[str, str],
    baseline: str,
    metric: str,
    marker: str,
    compute: str,
    span: Span,
    paper_line: bool = False,
) -> dict[str, float]:
    """Draw the reduction (or, for probabilities, the relative change) at each budget's optimum, and
    the fitted relative laws with interval.

    With `paper_line` the paper's own line stands beside each law, dotted: ordinary least squares of
    the drawn percentage on log10 F.

    Returns:
        For each treatment drawn, the height at which its line ends, for its label.
    """
    ends: dict[str, float] = {}
    faint = BAND_ALPHA * min(1.0, 8 / max(len(colour), 1))
    for domain in (name for name in colour if name != baseline):
        rows = points[(points["domain"] == domain) & points["gap"].notna()].sort_values(compute)
        heights = change(rows["gap"].to_numpy(dtype=float), metric)
        _points(
            axes,
            rows[compute],
            heights,
            100 * pd.to_numeric(rows["gap_standard_error"]),
            colour[domain],
            marker,
        )
        if len(rows):
            ends[domain] = float(heights[-1])
        if paper_line:
            _straight(axes, rows[compute].to_numpy(dtype=float), heights, span, colour[domain])
        for _, row in laws[laws["treatment"] == domain].iterrows():
            if not has_numbers(row, ("gamma", "dbeta", "reference_compute")):
                continue
            _curve(
                axes,
                span,
                lambda flops, row=row: change(law_gap(row, flops)[0], metric),
                colour[domain],
            )
            if has_numbers(row, ("gamma_ci_low", "gamma_ci_high", "ci_low", "ci_high")):
                for flops, alpha in zip(_reach(span), (faint, 0.5 * faint), strict=False):
                    low, high = (change(edge, metric) for edge in law_gap(row, flops)[1:])
                    axes.fill_between(
                        flops, low, high, color=colour[domain], alpha=alpha, linewidth=0, zorder=1.5
                    )
            ends[domain] = float(change(law_gap(row, np.array([span.end]))[0], metric)[0])
    return ends


def relative_heights(
    points: pd.DataFrame, laws: pd.DataFrame, baseline: str, metric: str, span: Span
) -> list[float]:
    """Return the heights that a relative panel must hold: points with bars, laws to their end,
    bands as far as was observed."""
    rows = points[(points["domain"] != baseline) & points["gap"].notna()]
    gap = rows["gap"].to_numpy(dtype=float)
    bars = pd.to_numeric(rows["gap_standard_error"]).fillna(0.0).to_numpy(dtype=float)
    heights = [0.0, *change(gap - bars, metric), *change(gap + bars, metric)]
    for _, row in laws.iterrows():
        if has_numbers(row, ("gamma", "dbeta", "reference_compute")):
            middle, low, high = law_gap(row, np.array([span.first, span.last]))
            heights += [*change(middle, metric), *change(low, metric), *change(high, metric)]
            heights += [*change(law_gap(row, np.array([span.end]))[0], metric)]
    return heights


def absolute_heights(points: pd.DataFrame, laws: pd.DataFrame, span: Span) -> list[float]:
    """Return the heights that an absolute panel must hold: points and laws to their end."""
    heights = list(points["value"].to_numpy(dtype=float)) if len(points) else []
    for _, row in laws.iterrows():
        if has_numbers(row, ("coefficient", "exponent")) and float(row["coefficient"]) > 0:
            heights += list(law_error(row, np.array([span.first, span.end])))
    return heights


def labels_of(
    ends: Mapping[str, float], texts: Mapping[str, str], colour: Mapping[str, str]
) -> list[Label]:
    """Pair the ends of lines with their texts."""
    return [
        Label(y=ends[name], text=texts[name], colour=colour[name])
        for name in ends
        if texts.get(name)
    ]


def slope_row(
    axes: Axes,
    y: float,
    value: float,
    low: float,
    high: float,
    *,
    colour: str,
    marker: str = "o",
    filled: bool = True,
    size: float = 3.8,
) -> None:
    """Draw one slope with its interval as a horizontal bar at height `y`; a missing interval draws
    the point alone."""
    if math.isfinite(low) and math.isfinite(high):
        axes.plot(
            [low, high],
            [y, y],
            color=colour,
            linewidth=1.0,
            solid_capstyle="butt",
            zorder=2,
            gid="interval",
        )
    if math.isfinite(value):
        face = colour if filled else "white"
        axes.plot(
            [value],
            [y],
            marker,
            color=colour,
            markerfacecolor=face,
            markeredgewidth=0.8,
            markersize=size,
            zorder=3,
            gid="slope",
        )


def _points(axes: Axes, x: object, y: object, errors: pd.Series, colour: str, marker: str) -> None:
    bars = pd.to_numeric(errors).to_numpy(dtype=float)
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if np.isfinite(bars).any():
        axes.errorbar(
            x, y, yerr=np.nan_to_num(bars), fmt="none", ecolor=colour, elinewidth=0.7, zorder=3.2
        )
    axes.plot(
        x,
        y,
        marker,
        color=colour,
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
    """Return the compute at which a law is drawn: as far as was observed and, where it is
    extrapolated, beyond.  # each (n,)."""
    seen = np.geomspace(span.first, span.last, _STEPS)
    return [seen, np.geomspace(span.last, span.end, _STEPS)] if span.end > span.last else [seen]


def _curve(axes: Axes, span: Span, law: object, colour: str) -> None:
    seen, *further = _reach(span)
    axes.plot(seen, law(seen), color=colour, linewidth=1.1, zorder=2, gid="law")  # type: ignore[operator]
    for beyond in further:
        axes.plot(
            beyond,
            law(beyond),  # type: ignore[operator]
            color=colour,
            linewidth=0.9,
            alpha=EXTRAPOLATION_ALPHA,
            linestyle=(0, (3.5, 2)),
            zorder=2,
            gid="extrapolation",
        )
