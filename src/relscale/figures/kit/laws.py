"""Fitted laws as numbers: relative and absolute laws at any compute, and the range they cover."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from relscale.figures.kit.tables import LARGEST


@dataclass(frozen=True, kw_only=True)
class Span:
    """The range of compute that a panel shows, in FLOPs."""

    first: float
    """Compute of the smallest budget."""
    last: float
    """Compute of the largest budget; a law is extrapolated beyond it."""
    end: float
    """End of the extrapolation."""


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
