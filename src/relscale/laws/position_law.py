"""The law of the loss per token over the position in the context: L_t = L_inf + c t^-p.

It is the form of Kaplan et al. (2020, arXiv:2001.08361, figures 20 and 21), where t is the position
of a token in the context. A bucket of positions has the mean of t^-p over its tokens, which is
exp(-p m + p^2 v / 2) to second order, with the mean m and the variance v of log t.

The first token of a window is left out: it begins a sentence or a text, so that it is drawn from
another distribution than the rest, while the contexts of Kaplan et al. begin anywhere. The next
tokens are near a beginning, too: where a law is identified, it describes these texts, and not the
use of context alone.

Given p, the law is linear in L_inf and c, so that the sum of squares is profiled over p. Read
`fit_positions` first.
"""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.identifiability import Identification, condition_number, profile_limit

EXPONENTS = (0.02, 4.0)
"""Bounds of p. A law with a smaller p is a straight line in log t, whose L_inf means nothing."""
_GRID = np.geomspace(*EXPONENTS, 1200)
NUM_PARAMETERS = 3
MIN_POINTS = 5
"""Buckets of positions; with fewer there is at most one degree of freedom."""
LEFT_OUT = 2
"""Buckets at the end of the context that are left out and predicted."""
MIN_RELATIVE_ERROR = 1e-4
"""Smallest relative standard error of a point: below, rounding of tables would decide weights."""


@dataclass(frozen=True, kw_only=True)
class PositionPoints:
    """Losses of the buckets of positions of one domain."""

    mean_log: Array
    """Mean of the natural log of the position over a bucket's tokens, (bucket,)."""
    var_log: Array
    """Variance of that, (bucket,)."""
    loss: Array
    """Nats per token, (bucket,)."""
    standard_error: Array
    """Of the loss over documents, (bucket,)."""

    def first(self, count: int) -> "PositionPoints":
        """Return the first buckets."""
        return PositionPoints(
            mean_log=self.mean_log[:count],
            var_log=self.var_log[:count],
            loss=self.loss[:count],
            standard_error=self.standard_error[:count],
        )

    def without_first_token(self) -> "PositionPoints":
        """Return the buckets without the one of the first position."""
        kept = self.mean_log > 0
        return PositionPoints(
            mean_log=self.mean_log[kept],
            var_log=self.var_log[kept],
            loss=self.loss[kept],
            standard_error=self.standard_error[kept],
        )

    @property
    def weights(self) -> Array:
        """Inverse variances, (bucket,)."""
        known = np.maximum(self.standard_error, MIN_RELATIVE_ERROR * self.loss)
        return np.asarray(1 / known**2)

    def power(self, exponents: Array) -> Array:
        """Return the mean of t^-p of each bucket, (exponent, bucket)."""
        p = np.atleast_1d(exponents)[:, None]
        return np.asarray(np.exp(-p * self.mean_log + p**2 * self.var_log / 2))


@dataclass(frozen=True, kw_only=True)
class PositionLaw:
    """A fitted law with its intervals."""

    loss_inf: tuple[float, float, float]
    """L_inf in nats per token: estimate and interval."""
    amplitude: tuple[float, float, float]
    """c in nats per token."""
    exponent: tuple[float, float, float]
    """p."""
    fitted: Array
    """Loss of each bucket by the law, (bucket,); NaN for the first token."""
    identification: Identification
    """Whether the points identify the parameters."""


@dataclass(frozen=True, kw_only=True)
class _Profile:
    """Least squares at each exponent of the grid."""

    loss_inf: Array
    scale: Array
    squares: Array
    covariance: Array
    """Unscaled, of (L_inf, c), (exponent, 2, 2)."""

    @classmethod
    def of(cls, points: PositionPoints) -> "_Profile":
        """Fit L_inf and c at each exponent."""
        weights, power = points.weights, points.power(_GRID)
        design = np.stack([np.ones_like(power), power], axis=2)  # (exponent, bucket, 2)
        normal = np.einsum("ebi,b,ebj->eij", design, weights, design)
        inverse = np.linalg.pinv(normal, hermitian=True)
        moments = np.einsum("ebi,b,b->ei", design, weights, points.loss)
        found = np.einsum("eij,ej->ei", inverse, moments)
        residual = points.loss - np.einsum("ebi,ei->eb", design, found)
        return cls(
            loss_inf=found[:, 0],
            scale=found[:, 1],
            squares=residual**2 @ weights,
            covariance=inverse,
        )


def fit_positions(given: PositionPoints, level: float) -> PositionLaw:
    """Fit the law to the buckets of one domain by weighted least squares.

    Intervals are profiles at the F quantile of the residual scatter (`profile_limit`).

    Args:
        given: losses by position; the first token is left out.
        level: of the intervals.

    Raises:
        FitError: `too_few_runs` with fewer than `MIN_POINTS` buckets.
    """
    points = given.without_first_token()
    count = len(points.loss)
    if count < MIN_POINTS:
        raise FitError(
            Status.TOO_FEW_RUNS, f"{count} bucket(s) of positions: {MIN_POINTS} are needed"
        )
    profile = _Profile.of(points)
    best = int(np.argmin(profile.squares))
    limit = profile_limit(float(profile.squares[best]), count - NUM_PARAMETERS, level)
    inside = np.flatnonzero(profile.squares <= limit)
    spare = np.sqrt(np.maximum(limit - profile.squares[inside], 0.0))
    # Given p, the sum of squares is a parabola in each parameter: the union over exponents.
    half = spare[:, None] * np.sqrt(np.diagonal(profile.covariance[inside], axis1=1, axis2=2))
    values = np.stack([profile.loss_inf[inside], profile.scale[inside]], axis=1)
    low, high = (values - half).min(axis=0), (values + half).max(axis=0)
    p = float(_GRID[best])
    unbounded = [
        *(["loss_inf"] if not low[0] > 0 else []),
        *(["exponent"] if inside[0] == 0 or inside[-1] == len(_GRID) - 1 else []),
    ]
    law, simpler = _left_out(points)
    fitted = profile.loss_inf[best] + profile.scale[best] * given.power(np.array([p]))[0]
    return PositionLaw(
        loss_inf=(float(profile.loss_inf[best]), float(low[0]), float(high[0])),
        amplitude=(float(profile.scale[best]), float(low[1]), float(high[1])),
        exponent=(p, float(_GRID[inside[0]]), float(_GRID[inside[-1]])),
        fitted=np.where(given.mean_log > 0, fitted, np.nan),
        identification=Identification(
            condition=condition_number(_jacobian(points, profile, best), points.weights),
            unbounded=tuple(unbounded),
            left_out_error=law,
            simpler_error=simpler,
            left_out="positions",
        ),
    )


def _jacobian(points: PositionPoints, profile: _Profile, best: int) -> Array:
    """Return the derivatives by L_inf, c and p, (bucket, parameter)."""
    p = float(_GRID[best])
    power = points.power(np.array([p]))[0]
    by_exponent = profile.scale[best] * power * (p * points.var_log - points.mean_log)
    return np.stack([np.ones_like(power), power, by_exponent], axis=1)


def _left_out(points: PositionPoints) -> tuple[float, float]:
    """Return relative errors at the last buckets, fitted without them: of the law and of c t^-p.

    NaN where too few buckets are left.
    """
    count = len(points.loss) - LEFT_OUT
    if count <= NUM_PARAMETERS:
        return float("nan"), float("nan")
    known = points.first(count)
    profile = _Profile.of(known)
    best = int(np.argmin(profile.squares))
    law = profile.loss_inf[best] + profile.scale[best] * points.power(_GRID[[best]])[0]
    # The simpler law is a straight line of the log loss in log t.
    size = np.sqrt(known.weights) * known.loss
    slope, level = np.polyfit(known.mean_log, np.log(known.loss), 1, w=size)
    line = np.exp(level + slope * points.mean_log)
    left = slice(count, None)
    errors = [
        float(np.sqrt(np.mean((each[left] / points.loss[left] - 1) ** 2))) for each in (law, line)
    ]
    return errors[0], errors[1]
