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
from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.gap import combined_dof

LEVEL = 0.95
"""Of the intervals that the degrees of freedom are made for."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The two parts of the scatter of a corpus, as sums of squares."""

    spread: float
    """Of the gaps about their mean."""
    mean: float
    """Of their mean, times the number of gaps."""
    spread_dof: float
    """Degrees of freedom of `spread`."""
    mean_dof: float
    """Degrees of freedom of `mean`."""

    @classmethod
    def of(cls, contrasts: Array, gaps: float) -> "Parts":
        """Split contrasts.

        Args:
            contrasts: of the budgets about the line in units of the runs' noise, (gap, contrast).
            gaps: number of independent ones in the spread about their mean (`independent_gaps`).
        """
        common = contrasts.mean(axis=0)
        return cls(
            spread=float(np.sum((contrasts - common) ** 2)),
            mean=len(contrasts) * float(np.sum(common**2)),
            spread_dof=contrasts.shape[1] * gaps,
            mean_dof=float(contrasts.shape[1]),
        )

    def beside(self, other: "Parts") -> "Parts":
        """Return the parts of both, of gaps that have one baseline but other budgets."""
        return Parts(
            spread=self.spread + other.spread,
            mean=self.mean + other.mean,
            spread_dof=self.spread_dof + other.spread_dof,
            mean_dof=max(self.mean_dof, other.mean_dof),
        )


def scatter_dof(corpora: Sequence[Parts]) -> float:
    """Return the degrees of freedom of the mean square over independent corpora."""
    spread, mean = sum(part.spread for part in corpora), sum(part.mean for part in corpora)
    spread_dof = sum(part.spread_dof for part in corpora)
    mean_dof = sum(part.mean_dof for part in corpora)
    if not (spread > 0 and spread_dof > 0):
        return mean_dof
    if not mean > 0:
        return spread_dof
    few = combined_dof(spread, mean, spread_dof, LEVEL, mean_dof)
    satterthwaite = (spread + mean) ** 2 / (spread**2 / spread_dof + mean**2 / mean_dof)
    return float(np.sqrt(few * satterthwaite))


def independent_gaps(residuals: Sequence[Array], dof: Sequence[int]) -> float:
    """Return how many independent gaps have a spread about their mean that is known as well.

    It is (tr S)^2 / tr S^2 of the covariance S of the gaps about their mean: one less than the
    number of gaps whose treatments are independent. tr S^2 is estimated without bias by normal
    residuals (Himeno and Yamada, 2014, equation 1.4). Gaps with other runs than most are taken to
    be as independent as those.

    Args:
        residuals: of the runs in units of their noise, (cell,), one array per gap.
        dof: degrees of freedom of the residuals of each gap.
    """
    gaps = len(residuals)
    alike = [(len(each), number) for each, number in zip(residuals, dof, strict=True)]
    most = max(set(alike), key=alike.count)
    known = np.stack([each for each, key in zip(residuals, alike, strict=True) if key == most])
    number, own = len(known), most[1]
    if number < 3 or own < 2:
        return float(gaps - 1)
    away = known - known.mean(axis=0)
    covariance = away @ away.T / own
    trace, squares = float(np.trace(covariance)), float(np.sum(covariance**2))
    squares = own**2 / ((own - 1) * (own + 2)) * (squares - trace**2 / own)
    found = trace**2 / squares if squares > 0 else number - 1.0
    return float(np.clip(found, 1.0, number - 1.0)) * (gaps - 1) / (number - 1)
