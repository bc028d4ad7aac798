"""Robust variances of classical laws, and the width of their prediction intervals.

The variance of the estimates is HC2 (MacKinnon and White, 1985) with the degrees of freedom of Bell
and McCaffrey (2002).
"""

import numpy as np
from scipy import stats

from relscale.laws.cells import Array
from relscale.laws.classical.search import FitProblem, FitSolution

SMALLEST_ROOM = 1e-6
"""Least share of a residual that its own point may leave."""
SMALLEST_EIGENVALUE = 1e-14
"""Of scaled products of slopes, below which parameters are not separated."""


def robust_variance(
    problem: FitProblem, solution: FitSolution, slopes: Array, contrasts: Array
) -> tuple[Array, Array]:
    """Return robust variances of linear combinations of the searched parameters.

    The variance is HC2, and its degrees of freedom are those at which its first two moments are
    exact for noise that is the same in all points (Bell and McCaffrey, 2002): few where a
    combination depends on few points.

    Args:
        problem: the fits.
        solution: where they ended.
        slopes: derivatives of the log loss, (fit, point, parameter).
        contrasts: (fit, combination, parameter).

    Returns:
        Variances and degrees of freedom, (fit, combination); NaN where parameters are not
        separated.
    """
    root = np.sqrt(problem.weights)
    design = slopes * root[:, :, None]
    bread = _inverse(design.transpose(0, 2, 1) @ design)
    read = contrasts @ bread @ design.transpose(0, 2, 1)  # (fit, combination, point)
    residual = root * (
        problem.log_losses - problem.form.log_loss(solution.parameters, problem.axes)
    )
    variance = np.full(read.shape[:2], np.nan)
    dof = np.full(read.shape[:2], np.nan)
    for row in np.flatnonzero(np.isfinite(bread).all(axis=(1, 2))):
        used = root[row] > 0
        own, hat = design[row, used], bread[row]
        left = np.eye(int(used.sum())) - own @ hat @ own.T
        room = np.maximum(np.diag(left), SMALLEST_ROOM)
        square = read[row][:, used] ** 2 / room  # (combination, point)
        variance[row] = square @ residual[row, used] ** 2
        # The degrees of freedom do not depend on the unit: squares of large ones would overflow.
        share = square / np.maximum(square.max(axis=1, keepdims=True), 1e-300)
        trace = share @ np.diag(left)
        dof[row] = trace**2 / np.maximum(np.einsum("ci,ij,cj->c", share, left**2, share), 1e-300)
    return variance, dof


def _inverse(gram: Array) -> Array:
    """Return inverses of symmetric matrices, NaN where one is singular."""
    size = np.sqrt(np.maximum(np.einsum("kpp->kp", gram), 1e-300))
    scaled = gram / (size[:, :, None] * size[:, None, :])
    finite = np.isfinite(scaled).all(axis=(1, 2))
    identity = np.eye(gram.shape[1])
    scaled = np.where(finite[:, None, None], scaled, identity)
    solvable = finite & (np.linalg.eigvalsh(scaled)[:, 0] > SMALLEST_EIGENVALUE)
    inverse = np.linalg.inv(np.where(solvable[:, None, None], scaled, identity))
    inverse = inverse / (size[:, :, None] * size[:, None, :])
    return np.where(solvable[:, None, None], inverse, np.nan)


def prediction_half_width(
    problem: FitProblem, solution: FitSolution, slopes: Array, level: float
) -> Array:
    """Return half the width of the prediction intervals of log losses, (fit, point).

    The variance is that of a new point with equal noise, and of the fit.

    Args:
        problem: the fits.
        solution: where they ended.
        slopes: derivatives of the log loss, (fit, point, parameter).
        level: of the intervals.
    """
    dof = np.maximum(np.sum(problem.weights > 0, axis=1) - slopes.shape[2], 1)
    scatter = solution.objective / dof
    bread = _inverse(np.einsum("krp,kr,krq->kpq", slopes, problem.weights, slopes))
    shape = np.einsum("krp,kpq,krq->kr", slopes, bread, slopes)
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(scatter[:, None] * (1 + np.maximum(shape, 0.0)))
    return np.asarray(stats.t.ppf(0.5 + level / 2, dof)[:, None] * spread)
