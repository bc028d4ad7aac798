"""Degrees of freedom of the pooled scatter of a family's budgets.

Gaps of a corpus have one baseline. Their mean square about the line is the sum of two parts: the
spread of the gaps about their mean, which the treatments give, and the square of that mean, which
the baseline gives with a share of the treatments. With J gaps and k contrasts of the budgets the
first has up to k (J - 1) degrees of freedom, the second has k however many gaps there are. Both
parts are seen, so that a noisy baseline shows by itself: the degrees of freedom of the sum fall
from nearly k J to k.

The sum's degrees of freedom are between two numbers. With Satterthwaite's (1946), 95 % intervals
cover too little where a part of few degrees of freedom is most of the variance; with those of a
half-width of t^2 x one part + t^2 x the other (`gap.combined_dof`) they cover too much where both
are alike. With one corpus, four budgets and six gaps (60,000 draws, baselines with 0 to 40 times
the variance of a treatment) the first cover .926 to .953, and the geometric mean of both .942 to
.965; with three corpora it is .949 to .957.
"""

from collections.abc import Sequence

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.gap import combined_dof

LEVEL = 0.95
"""Of the intervals that the degrees of freedom are made for."""


def scatter_dof(
    contrasts: Sequence[Array], residuals: Sequence[Array], run_dof: Sequence[float]
) -> float:
    """Return the degrees of freedom of the mean square of all contrasts.

    Args:
        contrasts: of the budgets about the line in units of the runs' noise, (gap, contrast), one
            array per corpus.
        residuals: of the runs in the same units, (gap, cell), one array per corpus.
        run_dof: degrees of freedom of the residuals of a gap, one per corpus.
    """
    spread, mean, spread_dof, mean_dof = 0.0, 0.0, 0.0, 0.0
    for contrast, residual, dof in zip(contrasts, residuals, run_dof, strict=True):
        common = contrast.mean(axis=0)
        spread += float(np.sum((contrast - common) ** 2))
        mean += len(contrast) * float(np.sum(common**2))
        spread_dof += contrast.shape[1] * independent_gaps(residual, dof)
        mean_dof += contrast.shape[1]
    if not (spread > 0 and spread_dof > 0):
        return mean_dof
    if not mean > 0:
        return spread_dof
    total = spread + mean
    few = combined_dof(spread, mean, spread_dof, LEVEL, mean_dof)
    satterthwaite = total**2 / (spread**2 / spread_dof + mean**2 / mean_dof)
    return float(np.sqrt(few * satterthwaite))


def independent_gaps(residuals: Array, dof: float) -> float:
    """Return how many independent gaps have a spread about their mean that is known as well.

    It is (tr S)^2 / tr S^2 of the covariance S of the gaps about their mean: one less than the
    number of gaps whose treatments are independent. tr S^2 is estimated without bias by normal
    residuals (Himeno and Yamada, 2014, equation 1.4).

    Args:
        residuals: of the runs, (gap, cell).
        dof: degrees of freedom of the residuals of one gap.
    """
    gaps = len(residuals)
    if gaps < 3 or dof < 2:
        return float(max(gaps - 1, 0))
    away = residuals - residuals.mean(axis=0)
    covariance = away @ away.T / dof
    trace, squares = float(np.trace(covariance)), float(np.sum(covariance**2))
    squares = dof**2 / ((dof - 1) * (dof + 2)) * (squares - trace**2 / dof)
    if not squares > 0:
        return gaps - 1.0
    return float(np.clip(trace**2 / squares, 1.0, gaps - 1.0))
