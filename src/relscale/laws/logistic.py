"""Least squares of logistic curves, many at a time, with priors on floor and ceiling.

A curve is floor + (ceiling - floor) / (1 + exp(intercept + steepness x)). `solve` fits one curve
per row of data; `CurveData` has the data and priors that the rows share.
"""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array, Index

STEPS = 100
TOLERANCE, ROUGH_TOLERANCE = 1e-10, 1e-5
"""A search has ended when no parameter moves by more, relative to its scale; the second is for
refits, whose spread alone matters."""
DAMPING_LIMIT = 1e12
HIGHEST_FLOOR = 0.9
LEAST_RANGE = 0.05
"""Least difference of ceiling and floor."""
LARGEST_EXPONENT = 60.0


@dataclass(frozen=True, kw_only=True)
class CurveData:
    """Data of one curve, and the priors of its floor and ceiling."""

    distance: Array
    """Loss less its center, over `spread`, (run,)."""
    spread: float
    """Range of the losses; a steepness per unit of loss is the curve's over this."""
    accuracy: Array
    """(run,)."""
    sigma: Array
    """Relative standard deviation of each accuracy, (run,), mean 1."""
    prior: Array
    """Most likely floor and ceiling, (2,)."""
    prior_sd: Array
    """Standard deviations of the priors, (2,); 0 for a fixed value."""

    @property
    def free(self) -> Index:
        """Return the indices of the parameters that are fitted."""
        return np.flatnonzero(np.concatenate([[True, True], self.prior_sd > 0]))


def curve(distance: Array, parameters: Array) -> Array:
    """Return accuracies, (..., run).

    Args:
        distance: (..., run).
        parameters: intercept, steepness, floor and ceiling, (..., 4).
    """
    intercept, steepness, floor, ceiling = np.moveaxis(parameters[..., None, :], -1, 0)
    exponent = np.clip(intercept + steepness * distance, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    return np.asarray(floor + (ceiling - floor) / (1 + np.exp(exponent)))


def jacobian(distance: Array, parameters: Array) -> Array:
    """Return the derivatives of `curve` by the four parameters, (..., run, 4)."""
    intercept, steepness, floor, ceiling = np.moveaxis(parameters[..., None, :], -1, 0)
    exponent = np.clip(intercept + steepness * distance, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    share = 1 / (1 + np.exp(exponent))
    fall = -(ceiling - floor) * share * (1 - share)
    return np.stack([fall, fall * distance, 1 - share, share], axis=-1)


def solve(
    data: CurveData,
    *,
    noise_sd: float,
    start: Array,
    accuracy: Array | None = None,
    distance: Array | None = None,
    prior: Array | None = None,
    tolerance: float = TOLERANCE,
) -> tuple[Array, Array]:
    """Fit one curve per row by Levenberg and Marquardt's method, all rows at once.

    The sum of ((accuracy - curve) / sigma)^2 over runs and of (noise_sd (value - prior) / sd)^2
    over floor and ceiling is minimised.

    Args:
        data: what the rows share.
        noise_sd: standard deviation of an accuracy with sigma 1, which weighs the priors.
        start: (row, 4).
        accuracy: (row, run); None for that of the data.
        distance: (row, run); None for that of the data.
        prior: centres of the priors, (row, 2); None for those of the data.
        tolerance: a search ends when no parameter moves by more, relative to its scale.

    Returns:
        Parameters, (row, 4), and the minimised sums, (row,).
    """
    rows = len(start)
    y = np.broadcast_to(data.accuracy if accuracy is None else accuracy, (rows, len(data.accuracy)))
    x = np.broadcast_to(data.distance if distance is None else distance, y.shape)
    center = np.broadcast_to(data.prior if prior is None else prior, (rows, 2))
    free = data.free
    found = _clip(start.copy(), free)
    value, downhill, bend = _normal(data, noise_sd, x, y, center, found)
    damping, active = np.full(rows, 1e-3), np.arange(rows)
    for _ in range(STEPS):
        gradient, curvature = _without_blocked(found[active], downhill[active], bend[active], free)
        diagonal = np.einsum("kii->ki", curvature)
        floor = 1e-12 * diagonal.max(axis=1, keepdims=True) + 1e-300
        damped = curvature + (damping[active, None] * (diagonal + floor) + floor)[
            :, :, None
        ] * np.eye(len(free))
        step = np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
        moved = found[active].copy()
        moved[:, free] += np.clip(step, -5.0, 5.0)
        moved = _clip(moved, free)
        tried = _normal(data, noise_sd, x[active], y[active], center[active], moved)
        better = tried[0] <= value[active]
        size = np.max(np.abs(moved - found[active]) / (1 + np.abs(found[active])), axis=1)
        took = active[better]
        found[took] = moved[better]
        for kept, new in zip((value, downhill, bend), tried, strict=True):
            kept[took] = new[better]
        damping[active] = np.where(better, damping[active] / 10, damping[active] * 5)
        active = active[(size > tolerance) & (damping[active] < DAMPING_LIMIT)]
        if not len(active):
            break
    return found, value


def _clip(parameters: Array, free: Index) -> Array:
    """Keep floor and ceiling in their ranges, in place."""
    if 2 in free:
        parameters[:, 2] = np.clip(parameters[:, 2], 0.0, HIGHEST_FLOOR)
    if 3 in free:
        parameters[:, 3] = np.clip(parameters[:, 3], parameters[:, 2] + LEAST_RANGE, 1.0)
    return parameters


def _normal(
    data: CurveData, noise_sd: float, x: Array, y: Array, prior: Array, parameters: Array
) -> tuple[Array, Array, Array]:
    """Return the minimised sum, its downhill gradient and the Gauss-Newton curvature by row.

    The last two are over the free parameters.
    """
    free = data.free
    residual = (y - curve(x, parameters)) / data.sigma
    slopes = jacobian(x, parameters)[..., free] / data.sigma[:, None]
    value = np.einsum("kp,kp->k", residual, residual)
    downhill = np.einsum("kpi,kp->ki", slopes, residual)
    bend = slopes.transpose(0, 2, 1) @ slopes
    for place, index in enumerate(free):
        if index < 2:
            continue
        strength = noise_sd / data.prior_sd[index - 2]
        away = prior[:, index - 2] - parameters[:, index]
        value = value + (strength * away) ** 2
        downhill[:, place] += strength**2 * away
        bend[:, place, place] += strength**2
    return value, downhill, bend


def _without_blocked(
    parameters: Array, downhill: Array, bend: Array, free: Index
) -> tuple[Array, Array]:
    """Leave out parameters that are at an end of their range and would leave it."""
    values = parameters[:, free]
    low, high = np.full_like(values, -np.inf), np.full_like(values, np.inf)
    for place, index in enumerate(free):
        if index == 2:
            low[:, place], high[:, place] = 0.0, HIGHEST_FLOOR
        if index == 3:
            low[:, place], high[:, place] = parameters[:, 2] + LEAST_RANGE, 1.0
    blocked = ((values <= low) & (downhill < 0)) | ((values >= high) & (downhill > 0))
    keep = ~blocked
    both = keep[:, :, None] & keep[:, None, :]
    eye = np.eye(len(free)) * blocked[:, None, :]
    return np.where(keep, downhill, 0.0), np.where(both, bend, 0.0) + eye
