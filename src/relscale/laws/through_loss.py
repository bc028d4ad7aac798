"""The test `through_loss`: does a gap depend on size and data only through the loss?

If log G is a function of the baseline's loss alone, a model with that loss has that gap, whether it
got there by size or by data. The test adds log N and log D to a cubic, and asks by an F test
whether they explain more. Read `through_loss` first.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from relscale.contract.status import Status
from relscale.laws.cells import ROUNDING_VARIANCE, Array
from relscale.laws.fit_error import FitError
from relscale.laws.floors import vary_apart
from relscale.laws.run_points import RunPoints

DEGREE = 3
"""Of the polynomial in the log loss: it bends as much as any law that is fitted elsewhere."""
ADDED = 2
"""log N and log D."""
MIN_DOF = 3
"""Degrees of freedom of the residuals below which an F test says next to nothing."""


@dataclass(frozen=True, kw_only=True)
class ThroughLoss:
    """Result of the F test."""

    p: float
    """Probability of at least this much explained by N and D if only the loss matters."""
    dof: int
    """Degrees of freedom of the residuals."""
    slopes: Array
    """Coefficients of log N and log D next to the cubic, (2,)."""


def through_loss(points: RunPoints) -> ThroughLoss:
    """Test whether log G depends on N and D only through the loss; seeds are averaged.

    If G is a function of L_b alone, it is also one of any mean of both log losses. The cubic is of
    the mean whose noise is uncorrelated with that of log G (`treatment_share`). Noise of a run's
    L_b is in log G = log L_t - log L_b with the opposite sign, so that next to a cubic of log L_b
    itself N and D, which predict L_b without that noise, would help to predict G even where only
    the loss matters.

    Raises:
        FitError: `too_few_runs` with too few sizes, or where N and D do not vary apart;
            `no_variation` where the losses do not determine a cubic or are without scatter.
    """
    _, index = np.unique(points.cell, return_inverse=True)
    count = np.bincount(index)

    def averaged(values: Array) -> Array:
        return np.asarray(np.bincount(index, weights=values) / count)

    treatment, baseline = (averaged(values) for values in points.values)
    n, d = averaged(points.log_params), averaged(points.log_tokens)
    dof = len(n) - DEGREE - 1 - ADDED
    if dof < MIN_DOF:
        need = DEGREE + 1 + ADDED + MIN_DOF
        raise FitError(Status.TOO_FEW_RUNS, f"{len(n)} sizes, a test of the loss needs {need}")
    if not vary_apart(n, d):
        raise FitError(Status.TOO_FEW_RUNS, "sizes and tokens rise together")
    root = np.sqrt(count / count.mean())
    share = treatment_share(np.stack([treatment, baseline]), n, d, root)
    loss = share * treatment + (1 - share) * baseline
    if not loss.std() > 0:
        raise FitError(Status.NO_VARIATION, "the losses are the same in every run")
    cubic = np.vander((loss - loss.mean()) / loss.std(), DEGREE + 1) * root[:, None]
    basis, triangle = np.linalg.qr(cubic)
    if np.abs(np.diag(triangle)).min() < 1e-8 * np.abs(np.diag(triangle)).max():
        raise FitError(Status.NO_VARIATION, "the losses do not determine a cubic")
    gap = (treatment - baseline) * root
    added = np.stack([n - n.mean(), d - d.mean()], axis=1) * root[:, None]
    rest, apart = gap - basis @ (basis.T @ gap), added - basis @ (basis.T @ added)
    slopes = np.linalg.lstsq(apart, rest, rcond=1e-8)[0]
    full = float(np.sum((rest - apart @ slopes) ** 2))
    if full / dof < ROUNDING_VARIANCE:
        raise FitError(Status.NO_VARIATION, "the gaps have no scatter to test against")
    ratio = (float(rest @ rest) - full) / ADDED / (full / dof)
    return ThroughLoss(p=float(special.fdtrc(ADDED, dof, max(ratio, 0.0))), dof=dof, slopes=slopes)


def treatment_share(values: Array, log_params: Array, log_tokens: Array, root: Array) -> float:
    """Return the share w of the treatment in w log L_t + (1 - w) log L_b.

    With variances v and covariance c of the noise of both log losses, the noise of the mean is
    uncorrelated with that of log G at w = (v_b - c) / (v_t + v_b - 2 c). Noise is the residual
    about a parabola in log N and log D.

    Args:
        values: log losses of treatment and baseline, (2, size).
        log_params: (size,).
        log_tokens: (size,).
        root: square root of the weight of each size, (size,).
    """
    n = (log_params - log_params.mean()) / log_params.std()
    d = (log_tokens - log_tokens.mean()) / log_tokens.std()
    design = np.stack([np.ones_like(n), n, d, n * n, n * d, d * d], axis=1) * root[:, None]
    noise = values * root
    noise = noise - noise @ np.linalg.pinv(design, rcond=1e-8).T @ design.T
    of_treatment, of_baseline = (noise @ noise.T).diagonal() - (noise @ noise.T)[0, 1]
    total = of_treatment + of_baseline
    return float(np.clip(of_baseline / total, 0.0, 1.0)) if total > 0 else 0.5
