"""Panels of laws: absolute and relative laws of one family on one corpus, slopes with intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from relscale.contract.status import Status
from relscale.figures.kit.axes import log_axis
from relscale.figures.kit.choose import reservation, text_of
from relscale.figures.kit.clipped import bar, point
from relscale.figures.kit.curves import (
    Piece,
    curve_pieces,
    gap_pieces,
    law_pieces,
    margin_wedge,
)
from relscale.figures.kit.labels import Label
from relscale.figures.kit.laws import (
    Span,
    has_absolute_law,
    has_numbers,
    has_relative_law,
    law_value,
)
from relscale.figures.kit.metrics import change
from relscale.figures.kit.style import BAND_ALPHA, EXTRAPOLATION_ALPHA, FAINT

AT_CHANCE = "at chance"
"""Words for a gap whose runs cannot be distinguished from guessing."""


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
    gap_curves: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Rows of curves.csv of each treatment's gap; a law without them is a straight line."""
    value_curves: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Rows of curves.csv of each domain's value; a law without them is that of absolute.csv."""
    guessing: frozenset[str] = frozenset()
    """Domains at chance: their points are drawn without laws."""
    shows_change: bool = False
    """Whether bands show the change since the first compute, with the margin as a grey wedge,
    rather than the level."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How a slope is drawn."""

    colour: str
    marker: str = "o"
    filled: bool = True
    size: float = 3.8
    """Size of the marker in points."""


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


def verdict_word(row: pd.Series) -> str:
    """Return the verdict of a relative law, with an asterisk if its status is not ok.

    A row without a verdict gives `at chance`, `no verdict`, or `no law` if it has no slope.
    """
    verdict = text_of(row["verdict"])
    if text_of(row["status"]) == Status.AT_CHANCE:
        return AT_CHANCE
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
        for pieces in _absolute_laws(domain, laws, style):
            _curve(axes, pieces, colour)
            ends[domain] = float(pieces[-1].middle[-1])
    return ends


def _absolute_laws(domain: str, laws: pd.DataFrame, style: LawStyle) -> list[list[Piece]]:
    """Return the curves of a domain's value; none of a domain at chance."""
    if domain in style.guessing:
        return []
    if domain in style.value_curves:
        return [curve_pieces(style.value_curves[domain], style.span)]
    rows = [row for _, row in laws[laws["domain"] == domain].iterrows()]
    return [
        law_pieces(partial(law_value, row), style.span) for row in rows if has_absolute_law(row)
    ]


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
        if style.shows_change:  # the error of the level would cover that of the change
            errors = errors * math.nan
        _points(
            axes, rows[style.compute], heights, errors, Mark(colour=colour, marker=style.marker)
        )
        if len(rows):
            ends[domain] = float(heights[-1])
        if paper_line:
            flops = rows[style.compute].to_numpy(dtype=float)
            _straight(axes, flops, heights, style.span, colour)
        for row, pieces in _relative_laws(domain, laws, style):
            _relative_law(axes, row, pieces, style)
            ends[domain] = float(change(pieces[-1].middle[-1], style.metric))
    return ends


def _relative_laws(
    domain: str, laws: pd.DataFrame, style: LawStyle
) -> list[tuple[pd.Series, list[Piece]]]:
    """Return the laws of a treatment, with the curves of its gap; none of a gap at chance."""
    if domain in style.guessing:
        return []
    curve = style.gap_curves.get(domain, pd.DataFrame())
    rows = [row for _, row in laws[laws["treatment"] == domain].iterrows()]
    return [(row, gap_pieces(row, curve, style.span)) for row in rows if has_relative_law(row)]


def _relative_law(axes: Axes, row: pd.Series, pieces: Sequence[Piece], style: LawStyle) -> None:
    """Draw the curve of a gap with its bands."""
    colour, metric = style.colour[str(row["treatment"])], style.metric
    shown = [_changed(piece, metric) for piece in pieces]
    _curve(axes, shown, colour)
    faint = BAND_ALPHA * min(1.0, 8 / max(len(style.colour), 1))
    if style.shows_change:
        _change_bands(axes, row, pieces[0], style, faint)
        return
    for piece in shown:
        if np.isfinite(piece.low).any():
            alpha = 0.5 * faint if piece.beyond else faint
            _band(axes, piece.compute, (piece.low, piece.high), (colour, alpha))


def _change_bands(axes: Axes, row: pd.Series, seen: Piece, style: LawStyle, alpha: float) -> None:
    """Draw the margin as a grey wedge, and the interval of the change since the first point."""
    if not has_numbers(row, ("margin",)) or seen.compute[-1] <= seen.compute[0]:
        return
    edges = [change(edge, style.metric) for edge in margin_wedge(row, seen.compute, seen.middle)]
    _band(axes, seen.compute, (edges[0], edges[1]), (FAINT, 0.22), gid="margin")
    for edge in edges[:2]:  # visible in grey, too, where a fan is of the same shade
        axes.plot(
            seen.compute, edge, color=FAINT, linewidth=0.45, linestyle=(0, (2, 1.5)), zorder=1.6
        )
    if has_numbers(row, ("change", "change_ci_low", "change_ci_high")):
        colour = style.colour[str(row["treatment"])]
        _band(axes, seen.compute, (edges[2], edges[3]), (colour, 1.6 * alpha), gid="change")


def _band(
    axes: Axes,
    compute: np.ndarray,
    edges: tuple[np.ndarray, np.ndarray],
    paint: tuple[str, float],
    gid: str = "band",
) -> None:
    axes.fill_between(
        compute, *edges, color=paint[0], alpha=paint[1], linewidth=0, zorder=1.5, gid=gid
    )


def _changed(piece: Piece, metric: str) -> Piece:
    """Return a curve of gaps as the change that is drawn."""
    middle, low, high = (change(edge, metric) for edge in (piece.middle, piece.low, piece.high))
    return Piece(compute=piece.compute, middle=middle, low=low, high=high, beyond=piece.beyond)


def relative_heights(points: pd.DataFrame, laws: pd.DataFrame, style: LawStyle) -> list[float]:
    """Return the heights that a panel of relative laws must include.

    These are points with their bars, laws to their end, and what is shaded over the observed
    compute.
    """
    metric = style.metric
    rows = points[(points["domain"] != style.baseline) & points["gap"].notna()]
    gap = rows["gap"].to_numpy(dtype=float)
    bars = pd.to_numeric(rows["gap_standard_error"]).fillna(0.0).to_numpy(dtype=float)
    bars = bars * (not style.shows_change)
    heights = [0.0, *change(gap - bars, metric), *change(gap + bars, metric)]
    for domain in style.colour:
        for row, pieces in _relative_laws(domain, laws, style):
            if style.shows_change and has_numbers(row, ("margin",)):
                edges = margin_wedge(row, pieces[0].compute, pieces[0].middle)
                heights += [height for edge in edges for height in change(edge, metric)]
            for piece in (_changed(one, metric) for one in pieces):
                heights += list(piece.middle)
                if not piece.beyond and not style.shows_change:
                    heights += [*piece.low, *piece.high]
    return [height for height in heights if math.isfinite(height)]


def absolute_heights(points: pd.DataFrame, laws: pd.DataFrame, style: LawStyle) -> list[float]:
    """Return the heights that a panel of absolute laws must include: points and laws."""
    heights = list(points["value"].to_numpy(dtype=float)) if len(points) else []
    for domain in style.colour:
        for pieces in _absolute_laws(domain, laws, style):
            heights += [height for piece in pieces for height in piece.middle]
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

    What is beyond the axes ends at their edge, with an arrow.

    Args:
        axes: axes of a forest plot, with final limits.
        y: height of the row.
        value: the slope; NaN draws no point.
        interval: its interval; NaN draws no bar.
        mark: how the slope is drawn.
    """
    bar(axes, y, interval, colour=mark.colour)
    point(
        axes,
        y,
        value,
        marker=mark.marker,
        color=mark.colour,
        markerfacecolor=mark.colour if mark.filled else "white",
        markeredgewidth=0.8,
        markersize=mark.size,
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


def _curve(axes: Axes, pieces: Sequence[Piece], colour: str) -> None:
    for piece in pieces:
        beyond = piece.beyond
        axes.plot(
            piece.compute,
            piece.middle,
            color=colour,
            linewidth=0.9 if beyond else 1.1,
            alpha=EXTRAPOLATION_ALPHA if beyond else 1.0,
            linestyle=(0, (3.5, 2)) if beyond else "-",
            zorder=2,
            gid="extrapolation" if beyond else "law",
        )
