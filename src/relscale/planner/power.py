"""Power of the two tests about a gap, by Student's t.

The test of difference rejects where |t| exceeds the quantile of alpha / 2m, the test of equivalence
where two one-sided tests (Schuirmann, 1987) reject at alpha / m each: the first step of Holm's
method with m gaps. Later steps are less strict, so that this power is a lower bound for a family in
which other gaps are significant.
"""

from math import sqrt

import numpy as np
from scipy import integrate, stats


def power_of_difference(
    slope: float, standard_error: float, dof: float, gaps: int = 1, alpha: float = 0.05
) -> float:
    """Return the probability that a slope differs significantly from 0.

    P(|T| > t_(1 - alpha / 2m)) with T noncentral t with noncentrality slope / standard error.

    Args:
        slope: true dbeta.
        standard_error: of its estimate.
        dof: degrees of freedom of the standard error.
        gaps: number of gaps that are adjusted together, m.
        alpha: level of the tests together.

    Examples:
        >>> round(power_of_difference(0.0, 0.01, 20), 12)
        0.05
    """
    if standard_error == 0:
        return 1.0 if slope else alpha / gaps
    critical = float(stats.t.ppf(1 - alpha / (2 * gaps), dof))
    away = abs(slope) / standard_error
    if away > critical + 40:  # beyond the range of the noncentral t
        return 1.0
    above = float(stats.nct.sf(critical, dof, away))
    below = float(stats.nct.cdf(-critical, dof, away))
    return min(1.0, above + (below if np.isfinite(below) else 0.0))


def power_of_equivalence(
    change: float,
    margin: float,
    standard_error: float,
    dof: float,
    gaps: int = 1,
    alpha: float = 0.05,
) -> float:
    """Return the probability that a change is shown to be within a margin.

    Both one-sided statistics, (d + margin) / s and (d - margin) / s, have one standard error s, so
    that they are bivariate noncentral t with correlation 1: given s, the estimate d must be within
    margin - t s of 0 (Phillips, 1990; Owen, 1965).

    Args:
        change: true change.
        margin: largest change that counts as small.
        standard_error: of the estimated change.
        dof: degrees of freedom of the standard error.
        gaps: number of gaps that are adjusted together, m.
        alpha: level of the tests together.

    Examples:
        >>> round(power_of_equivalence(0.0, 1.0, 1e-6, 10), 6)
        1.0
    """
    if margin <= 0:
        return 0.0
    if standard_error == 0:
        return float(abs(change) < margin)
    critical = float(stats.t.ppf(1 - alpha / gaps, dof))
    widest = margin / (critical * standard_error)  # of s / its expectation

    def inside(share: float) -> float:
        half = margin / standard_error - critical * share
        middle = change / standard_error
        normal = stats.norm.cdf(half - middle) - stats.norm.cdf(-half - middle)
        return float(normal * _density(share, dof))

    low, high = stats.chi2.ppf([1e-12, 1 - 1e-12], dof)
    end = min(widest, sqrt(high / dof))
    start = sqrt(low / dof)
    if end <= start:
        return 0.0
    found, _ = integrate.quad(inside, start, end, limit=200, epsabs=1e-9)
    return float(min(max(found, 0.0), 1.0))


def _density(share: float, dof: float) -> float:
    """Return the density of a standard error divided by its expectation, chi / sqrt(dof)."""
    return float(stats.chi.pdf(share * sqrt(dof), dof) * sqrt(dof))
