"""The average error of tasks as an exponential of the loss (Gadre et al., 2024, arXiv:2403.08540).

Err = epsilon - k exp(-gamma L), by least squares of the error. Given gamma, epsilon and k are a
linear problem, so the search has one dimension (variable projection).
"""

import numpy as np
from scipy import optimize, stats

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.classical.fitted import Evidence, ParameterEstimate
from relscale.laws.fit_error import FitError
from relscale.laws.identifiability import condition_number, profile_limit

NAME = "error_exponential"
SOURCE = "Gadre et al. (2024), arXiv:2403.08540, section 3"
RATES = (1e-3, 50.0)
"""Lowest and highest gamma, per unit of the loss."""
GRID = 60
MIN_RUNS = 5
NAN = float("nan")


def fit_error_law(
    loss: Array, error: Array, splits: Array, level: float
) -> tuple[tuple[ParameterEstimate, ...], Evidence]:
    """Fit the law to runs.

    Args:
        loss: mean loss over the tasks or the text, (run,).
        error: mean error of the tasks, 1 - accuracy, (run,).
        splits: weights that leave the highest compute out, (split, run); no rows for none.
        level: of the intervals.

    Returns:
        epsilon, k and gamma, and the evidence for them; errors are in units of the error.

    Raises:
        FitError: `too_few_runs` with fewer than five runs.
    """
    if len(loss) < MIN_RUNS or len(np.unique(loss)) < MIN_RUNS:
        raise FitError(Status.TOO_FEW_RUNS, f"{len(loss)} runs, the law needs {MIN_RUNS}")
    ones = np.ones(len(loss))
    gamma, (epsilon, scale), squares = _solve(loss, error, ones)
    fall = np.exp(-gamma * (loss - loss.mean()))
    jacobian = np.stack([ones, -fall, scale * (loss - loss.mean()) * fall], axis=1)
    dof = len(loss) - 3
    limit = profile_limit(squares, dof, level)
    ends = [_linear(loss, error, ones, end)[1] for end in RATES]
    left_out, simpler, score = _left_out(loss, error, splits, level)
    evidence = Evidence(
        condition=condition_number(jacobian),
        unbounded=("gamma",) if min(ends) <= limit else (),
        left_out_error=left_out,
        simpler_error=simpler,
        interval_score=score,
    )
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * squares / dof
    quantile = float(stats.t.ppf(0.5 + level / 2, dof))
    # k counts from a loss of 0: log k = log scale + gamma mean loss.
    log_scale = np.log(abs(scale)) + gamma * float(loss.mean()) if scale else NAN
    slope = np.array([0.0, 1 / scale if scale else NAN, float(loss.mean())])
    half = quantile * np.sqrt(np.array([covariance[0, 0], slope @ covariance @ slope]))
    rate_half = quantile * float(np.sqrt(covariance[2, 2])) / gamma
    sign = np.sign(scale)
    with np.errstate(over="ignore"):
        factors = sorted(float(sign * np.exp(log_scale + side * half[1])) for side in (-1, 1))
        estimates = (
            ParameterEstimate(
                name="epsilon",
                value=float(epsilon),
                low=float(epsilon - half[0]),
                high=float(epsilon + half[0]),
            ),
            ParameterEstimate(
                name="k",
                value=float(sign * np.exp(log_scale)),
                low=factors[0],
                high=factors[1],
            ),
            ParameterEstimate(
                name="gamma",
                value=gamma,
                low=float(gamma * np.exp(-rate_half)),
                high=float(gamma * np.exp(rate_half)),
            ),
        )
    return estimates, evidence


def _linear(loss: Array, error: Array, weights: Array, gamma: float) -> tuple[Array, float]:
    """Return epsilon and the scale at the mean loss for a gamma, and the sum of squares."""
    root = np.sqrt(weights)
    fall = np.exp(-gamma * (loss - loss.mean()))
    design = np.stack([root, -root * fall], axis=1)
    found, *_ = np.linalg.lstsq(design, root * error, rcond=None)
    residual = root * error - design @ found
    return np.asarray(found), float(residual @ residual)


def _solve(loss: Array, error: Array, weights: Array) -> tuple[float, Array, float]:
    """Return gamma, epsilon and scale, and the sum of squares."""
    grid = np.linspace(np.log(RATES[0]), np.log(RATES[1]), GRID)
    values = [_linear(loss, error, weights, float(np.exp(place)))[1] for place in grid]
    at = int(np.argmin(values))
    bounds = grid[max(at - 1, 0)], grid[min(at + 1, GRID - 1)]
    best = optimize.minimize_scalar(
        lambda place: _linear(loss, error, weights, float(np.exp(place)))[1],
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-10},
    )
    gamma = float(np.exp(best.x if best.fun <= values[at] else grid[at]))
    found, squares = _linear(loss, error, weights, gamma)
    return gamma, found, squares


def _left_out(loss: Array, error: Array, splits: Array, level: float) -> tuple[float, float, float]:
    """Return errors of the law and of a straight line at budgets left out, and interval scores."""
    ours, plain, scores = [], [], []
    for weights in splits:
        used = weights > 0
        if np.sum(used) <= 3:
            continue
        gamma, (epsilon, scale), squares = _solve(loss, error, weights)
        predicted = epsilon - scale * np.exp(-gamma * (loss[~used] - loss.mean()))
        line = np.polyfit(loss[used], error[used], 1)
        dof = int(np.sum(used)) - 3
        half = float(stats.t.ppf(0.5 + level / 2, dof)) * float(np.sqrt(squares / dof))
        away = np.abs(predicted - error[~used])
        ours.append(away**2)
        plain.append((np.polyval(line, loss[~used]) - error[~used]) ** 2)
        scores.append(2 * half + 2 / (1 - level) * np.maximum(away - half, 0.0))
    if not ours:
        return NAN, NAN, NAN
    return (
        float(np.sqrt(np.mean(np.concatenate(ours)))),
        float(np.sqrt(np.mean(np.concatenate(plain)))),
        float(np.mean(np.concatenate(scores))),
    )
