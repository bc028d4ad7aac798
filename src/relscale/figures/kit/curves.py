"""Curves of laws to draw: over the data, and beyond them only with a calibrated interval.

`gap_pieces` returns the curve of one gap: from curves.csv where the estimator has one there, else
from the law of the row, whose interval holds over the data only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from relscale.figures.kit.choose import pick
from relscale.figures.kit.laws import Span, law_gap

STEPS = 25
"""Points of a drawn law: a smooth curve over three decades on a page, in a third of the bytes of 61
points."""
CURVE_ESTIMATOR = "auto"
"""The estimator whose laws curves.csv has."""
Law = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a curve with its interval; NaN where there is none."""

    compute: np.ndarray
    """FLOPs, (n,)."""
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray
    beyond: bool
    """Whether the part is beyond the data."""


def reach(span: Span) -> list[np.ndarray]:
    """Return the compute at which a law is drawn: over the data and, if extrapolated, beyond."""
    seen = np.geomspace(span.first, span.last, STEPS)
    return [seen, np.geomspace(span.last, span.end, STEPS)] if span.end > span.last else [seen]


def law_pieces(law: Law, span: Span) -> list[Piece]:
    """Return a law without an interval."""
    return [
        _without_interval(flops, law(flops), beyond=place > 0)
        for place, flops in enumerate(reach(span))
    ]


def gap_pieces(row: pd.Series, curve: pd.DataFrame, span: Span) -> list[Piece]:
    """Return the curve of a gap G.

    Args:
        row: the law, a row of relative.csv.
        curve: its rows of curves.csv; none for a straight line without an interval beyond the data.
        span: range of compute.
    """
    if len(curve):
        return curve_pieces(curve, span)
    seen, *further = reach(span)
    middle, low, high = law_gap(row, seen)
    found = [Piece(compute=seen, middle=middle, low=low, high=high, beyond=False)]
    return found + [
        _without_interval(flops, law_gap(row, flops)[0], beyond=True) for flops in further
    ]


def curve_pieces(curve: pd.DataFrame, span: Span) -> list[Piece]:
    """Return a curve of curves.csv up to the end of a range of compute.

    Args:
        curve: the rows of one domain.
        span: range of compute.
    """
    rows = curve.sort_values("compute", ignore_index=True)
    beyond = rows["beyond"].astype(bool).to_numpy()
    compute = rows["compute"].to_numpy(dtype=float)
    seen = rows[~beyond]
    found = [_piece(seen, beyond=False)]
    kept = beyond & (compute <= span.end * (1 + 1e-9))
    if span.end <= span.last:
        kept &= compute <= max(compute[~beyond], default=0.0)
    for first, last in _stretches(kept):
        # A stretch below the data, or between them, is joined to its neighbours over the data.
        first -= int(first > 0 and not beyond[first - 1])
        last += int(last + 1 < len(rows) and not beyond[last + 1])
        found.append(_piece(rows.iloc[first : last + 1], beyond=True))
    return found


def _stretches(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and the last place of each stretch of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]


def curves_of(curves: pd.DataFrame, estimator: str, quantity: str) -> dict[str, pd.DataFrame]:
    """Return the curves of one corpus, family and metric by domain; none of other estimators.

    Args:
        curves: rows of curves.csv.
        estimator: the estimator that a figure shows.
        quantity: `gap` (on the ratio scale) or `value`.
    """
    if estimator != CURVE_ESTIMATOR:
        return {}
    rows = pick(curves, quantity=quantity)
    if quantity == "gap":
        rows = pick(rows, scale="ratio")
    rows = rows[pd.to_numeric(rows["value"]).notna()]
    found = {}
    for domain, mine in rows.groupby("domain", sort=False):
        first = str(mine["path"].iloc[0])
        found[str(domain)] = pick(mine, path=first)
    return found


def margin_wedge(row: pd.Series, flops: np.ndarray, middle: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the gaps that change by the margin since the first compute, and those of the fan.

    The change grows in proportion to log compute up to the last one: the wedge ends at the margin,
    and the fan at the interval of the change.

    Args:
        row: a row of relative.csv.
        flops: compute over the data.  # (n,)
        middle: the fitted gap there.  # (n,)

    Returns:
        Lower and upper edge of the wedge, and of the fan.  # (n,) each
    """
    passed = np.log(flops / flops[0]) / max(float(np.log(flops[-1] / flops[0])), 1e-12)
    margin = float(row["margin"])
    change, low, high = (float(row[f"change{end}"]) for end in ("", "_ci_low", "_ci_high"))
    start = middle[0]
    return (
        start * np.exp(-margin * passed),
        start * np.exp(margin * passed),
        middle * np.exp((low - change) * passed),
        middle * np.exp((high - change) * passed),
    )


def factors(curves: Mapping[str, pd.DataFrame]) -> list[float]:
    """Return the calibration factors of the intervals beyond the data."""
    found: list[float] = []
    for rows in curves.values():
        beyond = rows[rows["beyond"].astype(bool)]
        found += [float(value) for value in pd.to_numeric(beyond["factor"]).dropna()]
    return found


def _piece(rows: pd.DataFrame, *, beyond: bool) -> Piece:
    compute, middle, low, high = (
        pd.to_numeric(rows[name]).to_numpy(dtype=float)
        for name in ("compute", "value", "ci_low", "ci_high")
    )
    return Piece(compute=compute, middle=middle, low=low, high=high, beyond=beyond)


def _without_interval(flops: np.ndarray, middle: np.ndarray, *, beyond: bool) -> Piece:
    nothing = np.full(len(flops), np.nan)
    return Piece(compute=flops, middle=middle, low=nothing, high=nothing, beyond=beyond)
