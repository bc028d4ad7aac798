"""Least squares of log losses for many fits of one law at once: damped Gauss-Newton with bounds."""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array, Flags, Index
from relscale.laws.classical.form import Axes, Form

MAX_ITERATIONS = 200
TOLERANCE = 1e-11
"""A search has ended when no parameter moves by more."""
LARGEST_STEP = 1.0
"""Parameters are logs or of order one; a longer step leaves the region where the law is linear."""
DAMPING_LIMIT = 1e12
DECREASE = 1e-12
"""A search has also ended when a step lowers the objective by no more than this share of it."""
ROUNDING = 1e-12
"""Share by which an objective may rise: that of short steps changes by rounding alone."""


@dataclass(frozen=True, kw_only=True)
class FitProblem:
    """Data of many fits of one law over the same runs."""

    form: Form
    """The law."""
    axes: Axes
    """Sizes, tokens and compute of the runs."""
    log_losses: Array
    """Natural logs of the losses, (fit, run); any finite number where the weight is 0."""
    weights: Array
    """Of the squared residuals, (fit, run), at least 0."""
    low: Array
    """Lowest parameters, (fit, parameter)."""
    high: Array
    """Highest parameters, (fit, parameter); where both are equal the parameter is held."""

    def some(self, rows: Index) -> "FitProblem":
        """Return the problem of some of the fits."""
        return FitProblem(
            form=self.form,
            axes=self.axes,
            log_losses=self.log_losses[rows],
            weights=self.weights[rows],
            low=self.low[rows],
            high=self.high[rows],
        )

    def objective(self, parameters: Array) -> Array:
        """Return the weighted sums of squared residuals, (fit,); infinite where they overflow."""
        residual = self.form.log_loss(parameters, self.axes) - self.log_losses
        found = np.sum(self.weights * residual**2, axis=1)
        return np.where(np.isfinite(found), found, np.inf)


@dataclass(frozen=True, kw_only=True)
class FitSolution:
    """Where the searches ended."""

    parameters: Array
    """(fit, parameter)."""
    objective: Array
    """Weighted sum of squared residuals of the log loss, (fit,)."""
    converged: Flags
    """Whether the search ended by itself, (fit,)."""

    def some(self, rows: Index) -> "FitSolution":
        """Return some of the fits."""
        return FitSolution(
            parameters=self.parameters[rows],
            objective=self.objective[rows],
            converged=self.converged[rows],
        )


def search(problem: FitProblem, starts: Array, enough: Array | None = None) -> FitSolution:
    """Minimise the weighted squares from one start per fit, (fit, parameter).

    A search ends early once its objective is at most `enough`, (fit,). Steps are those of Levenberg
    (1944) with Marquardt's scaling (1963). A parameter on a bound is left out of a step that would
    move it beyond.
    """
    theta = np.clip(starts, problem.low, problem.high)
    objective = problem.objective(theta)
    damping = np.full(len(theta), 1e-3)
    converged = np.zeros(len(theta), dtype=np.bool_)
    active = np.flatnonzero(np.isfinite(objective))
    for _ in range(MAX_ITERATIONS):
        if not len(active):
            break
        part = problem.some(active)
        step = _step(part, theta[active], damping[active])
        moved = np.clip(theta[active] + step, part.low, part.high)
        tried = part.objective(moved)
        better = tried <= objective[active] * (1 + ROUNDING)
        length = np.max(np.abs(moved - theta[active]), axis=1)
        took = active[better]
        small = better & (objective[active] - tried <= DECREASE * objective[active])
        theta[took], objective[took] = moved[better], tried[better]
        damping[active] *= np.where(better, 1 / 5, 8.0)
        ended = small | (length < TOLERANCE) | (damping[active] > DAMPING_LIMIT)
        if enough is not None:
            ended |= objective[active] <= enough[active]
        converged[active[ended]] = True
        active = active[~ended]
    return FitSolution(parameters=theta, objective=objective, converged=converged)


def _step(problem: FitProblem, theta: Array, damping: Array) -> Array:
    """Return the next step of every fit, (fit, parameter)."""
    slopes = problem.form.slopes(theta, problem.axes)  # (fit, run, parameter)
    residual = problem.log_losses - problem.form.log_loss(theta, problem.axes)
    weighted = slopes * problem.weights[:, :, None]
    downhill = np.einsum("krp,kr->kp", weighted, residual)
    curvature = weighted.transpose(0, 2, 1) @ slopes
    bad = ~(np.isfinite(downhill).all(axis=1) & np.isfinite(curvature).all(axis=(1, 2)))
    downhill[bad], curvature[bad] = 0.0, np.eye(theta.shape[1])
    free = ((downhill > 0) | (theta > problem.low)) & ((downhill < 0) | (theta < problem.high))
    free &= problem.low < problem.high
    downhill = downhill * free
    curvature = curvature * (free[:, :, None] & free[:, None, :])
    size = np.sqrt(np.maximum(np.einsum("kpp->kp", curvature), 1e-300))
    size = np.where(free, size, 1.0)
    scaled = curvature / (size[:, :, None] * size[:, None, :])
    scaled += (damping[:, None, None] + 1e-14) * np.eye(theta.shape[1])
    step = np.linalg.solve(scaled, (downhill / size)[:, :, None])[:, :, 0] / size
    return np.clip(np.where(free, step, 0.0), -LARGEST_STEP, LARGEST_STEP)


def best_of_starts(problem: FitProblem, starts: Array, kept: int = 4) -> tuple[FitSolution, Index]:
    """Search each fit from the most promising of its starts; the lowest objective wins.

    Args:
        problem: the fits.
        starts: (fit, start, parameter).
        kept: starts per fit that are searched: those with the lowest objectives.

    Returns:
        The solutions, and how many of the searches found the lowest objective, (fit,).
    """
    count, number, width = starts.shape
    rows = np.repeat(np.arange(count), number)
    whole = problem.some(rows)
    first = whole.objective(np.clip(starts.reshape(-1, width), whole.low, whole.high))
    first = first.reshape(count, number)
    order = np.argsort(first, axis=1, kind="stable")[:, : min(kept, number)]
    chosen = np.take_along_axis(starts, order[:, :, None], axis=1)
    rows = np.repeat(np.arange(count), order.shape[1])
    found = search(problem.some(rows), chosen.reshape(-1, width))
    objective = found.objective.reshape(count, -1)
    lowest = np.argmin(objective, axis=1)
    near = objective <= objective.min(axis=1, keepdims=True) * 1.01 + 1e-18
    return found.some(np.arange(count) * order.shape[1] + lowest), near.sum(axis=1)
