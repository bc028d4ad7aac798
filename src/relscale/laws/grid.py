"""A gap over sizes and token counts, by least squares over all runs.

The model is log G = a + slope_params log N + slope_tokens log D.

It needs no IsoFLOP curves: any runs that vary in both will do. Along a fixed ratio of tokens to
parameters, where N and D both grow as the root of F = 6 N D, the slope in compute is dbeta =
(slope_params + slope_tokens) / 2.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError

SPREAD = 1e-4
"""Sizes and tokens vary apart where the smaller spread of log N, log D is this share of the larger.
Within one budget they vary only along N D, but for rounding."""


@dataclass(frozen=True, kw_only=True)
class GridLaw:
    """A plane through log G over log N and log D."""

    center: Array
    """Means of log N and log D, (2,)."""
    level: float
    """log G at the center."""
    slopes: Array
    """slope_params and slope_tokens, (2,)."""
    covariance: Array
    """Of the slopes, (2, 2)."""
    variance: float
    """Of a run about the plane."""
    num_runs: int
    """Runs fitted."""

    @property
    def dof(self) -> int:
        """Runs less three."""
        return self.num_runs - 3

    @property
    def standard_errors(self) -> Array:
        """Of the slopes, (2,)."""
        return np.sqrt(np.diag(self.covariance))

    def dbeta(self) -> tuple[float, float]:
        """Return the slope in compute at a fixed ratio of tokens to parameters, and its error."""
        half = np.full(2, 0.5)
        return float(half @ self.slopes), float(np.sqrt(half @ self.covariance @ half))

    def predict(
        self, log_params: float, log_tokens: float, level: float = 0.95
    ) -> tuple[float, float, float]:
        """Return log G of a run and its Student-t prediction interval.

        The arguments are natural logs of N and D; the interval includes the noise of a new run.
        """
        away = np.array([log_params, log_tokens]) - self.center
        mean = self.level + float(away @ self.slopes)
        variance = self.variance * (1 + 1 / self.num_runs) + float(away @ self.covariance @ away)
        half = float(stats.t.ppf(0.5 + level / 2, self.dof)) * float(np.sqrt(variance))
        return mean, mean - half, mean + half


def fit_grid(log_gap: Array, log_params: Array, log_tokens: Array) -> GridLaw:
    """Fit the plane.

    Args:
        log_gap: (run,) natural log of G.
        log_params: (run,) natural log of N.
        log_tokens: (run,) natural log of D.

    Raises:
        FitError: `too_few_runs` without a residual degree of freedom, or where N and D do not vary
            apart from each other.
    """
    place = np.stack([log_params, log_tokens], axis=1)  # (run, 2)
    away = place - place.mean(axis=0) if len(place) else place
    dof = len(place) - 3
    if dof < 1 or np.linalg.matrix_rank(away, rtol=SPREAD) < 2:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{len(place)} run(s), a plane with noise needs 4 that vary in size and in tokens",
        )
    inverse = np.linalg.inv(away.T @ away)
    y = log_gap - log_gap.mean()
    slopes = inverse @ away.T @ y
    variance = float(np.sum((y - away @ slopes) ** 2)) / dof
    return GridLaw(
        center=place.mean(axis=0),
        level=float(log_gap.mean()),
        slopes=slopes,
        covariance=variance * inverse,
        variance=variance,
        num_runs=len(place),
    )
