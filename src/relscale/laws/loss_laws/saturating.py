"""The law `saturating`: L = e + a F^-b, which falls towards an irreducible loss.

Given the exponent, e and a are a linear problem with bounds at 0 (variable projection), so that
the search has one dimension. The residuals are relative, fit / observed - 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.loss_laws.base import FittedLoss, LossLaw
from relscale.laws.run_points import Places, RunPoints

EXPONENTS = (0.005, 2.0)
"""Range of exponents that is searched."""
GRID = np.linspace(np.log(EXPONENTS[0]), np.log(EXPONENTS[1]), 49)
"""Log exponents at which the objective is computed first."""
GOLDEN = (np.sqrt(5.0) - 1) / 2
STEPS = 36
"""Steps of the golden section: they shorten the bracket by a factor of 3e7."""
ROUNDING = 1e-9
"""Share of an objective that counts as rounding."""
NEAR = (1e-2, 1e-3)
"""Steps of the log exponent for parabolas about the minimum, one after the other."""


@dataclass(frozen=True, kw_only=True)
class FittedSaturating(FittedLoss):
    """L = e + a exp(-b (log F - center))."""

    center: float
    """Mean log compute of the runs."""
    offset: Array
    """e, (draw,)."""
    scale: Array
    """a, the reducible loss at the center, (draw,)."""
    exponent: Array
    """b, (draw,)."""
    objective: Array
    """Weighted sum of squared relative residuals, (draw,)."""
    kept: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """Results of the fit that several laws read, computed once."""

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return a note where the fit has no irreducible loss."""
        return ("no irreducible term",) if self.offset[0] == 0 else ()

    def log_loss(self, places: Places) -> Array:
        """Return the natural log of the loss, (draw, place)."""
        x = places.log_compute - self.center
        fall = self.scale[:, None] * np.exp(-self.exponent[:, None] * x)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.offset[:, None] + fall))


class Saturating(LossLaw):
    """A power law of compute with an irreducible loss; one run per budget is enough."""

    name = "saturating"
    num_parameters = 3

    def fit(self, points: RunPoints, weights: Array) -> FittedSaturating:
        """Fit one curve per row of weights; see `LossLaw.fit`."""
        used = weights[0] > 0
        if len(np.unique(points.log_compute[used])) < 3:
            raise FitError(
                Status.TOO_FEW_BUDGETS, "a law with an irreducible loss needs 3 compute values"
            )
        center = float(np.mean(points.log_compute))
        return fit_saturating(points.log_compute - center, points.values[0], weights, center)


def fit_saturating(x: Array, log_loss: Array, weights: Array, center: float) -> FittedSaturating:
    """Fit L = e + a exp(-b x) once per row of weights.

    Args:
        x: log compute less `center`, (run,).
        log_loss: natural log of the loss, (run,).
        weights: (draw, run) of at least 0.
        center: kept in the result.
    """
    loss = np.exp(log_loss)
    on_grid = np.exp(-np.exp(GRID)[:, None] * x)  # (grid, run)
    solved = _solve(on_grid[None], loss, weights, exact=False)
    at = np.argmin(solved[2], axis=1)
    low, high = GRID[np.maximum(at - 1, 0)], GRID[np.minimum(at + 1, len(GRID) - 1)]

    def objective(place: Array) -> tuple[Array, Array, Array]:
        power = np.exp(-np.exp(place)[:, None] * x)
        offset, scale, value = _solve(power[:, None], loss, weights)
        return offset[:, 0], scale[:, 0], value[:, 0]

    inner = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    values = objective(inner[0])[2], objective(inner[1])[2]
    for _ in range(STEPS):
        left = values[0] <= values[1]
        low, high = np.where(left, low, inner[0]), np.where(left, inner[1], high)
        new = np.where(left, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        value = objective(new)[2]
        inner = np.where(left, new, inner[1]), np.where(left, inner[0], new)
        values = np.where(left, value, values[1]), np.where(left, values[0], value)
    place = (low + high) / 2
    for near in NEAR:
        place = _vertex(place, near, lambda where: objective(where)[2])
    offset, scale, value = objective(place)
    return FittedSaturating(
        center=center, offset=offset, scale=scale, exponent=np.exp(place), objective=value
    )


def _vertex(place: Array, near: float, objective: Callable[[Array], Array]) -> Array:
    """Return the vertices of parabolas about minima that were found by comparing values.

    Values near a minimum differ by rounding alone, which is another one on each processor. Values
    at a distance of `near` do not. A place stays where it is if the parabola misses the minimum: at
    the end of the range, or where the offset begins to be 0.
    """
    before, here, after = (objective(place + step) for step in (-near, 0.0, near))
    with np.errstate(invalid="ignore", divide="ignore"):
        step = near / 2 * (before - after) / (before - 2 * here + after)
    step = np.where(np.abs(step) < near, step, 0.0)
    missed = objective(place + step) > here * (1 + ROUNDING) + ROUNDING**2
    return np.asarray(np.where(missed, place, place + step))


def _solve(
    power: Array, loss: Array, weights: Array, exact: bool = True
) -> tuple[Array, Array, Array]:
    """Solve for offset and scale, both at least 0, given F^-b at the runs.

    Args:
        power: (draw or 1, exponent, run).
        loss: (run,).
        weights: (draw, run).
        exact: whether the sum of squares is exact; a sum of products is as good as its eight
            digits, which are enough to find a bracket, and takes no array of all residuals.

    Returns:
        Offset, scale and sum of squared relative residuals, (draw, exponent) each.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        inverse = weights / loss**2  # (draw, run)
        total, target = inverse.sum(axis=1)[:, None], (weights / loss).sum(axis=1)[:, None]
        if len(power) == 1:
            first, second = inverse @ power[0].T, inverse @ (power[0] ** 2).T
            right = (weights / loss) @ power[0].T
        else:
            first = np.einsum("kgp,kp->kg", power, inverse)
            second = np.einsum("kgp,kp->kg", power**2, inverse)
            right = np.einsum("kgp,kp->kg", power, weights / loss)
        determinant = total * second - first**2
        scale = (total * right - first * target) / determinant
        offset = (target - first * scale) / total
        flat = ~np.isfinite(scale) | (determinant <= 1e-14 * total * second) | (scale < 0)
        scale = np.where(flat, 0.0, np.where(offset < 0, right / second, scale))
        offset = np.where(flat, target / total, np.maximum(offset, 0.0))
        if not exact:
            whole = weights.sum(axis=1)[:, None]
            value = (
                whole
                + offset**2 * total
                + scale**2 * second
                + 2 * (offset * scale * first - offset * target - scale * right)
            )
        else:
            fitted = offset[:, :, None] + scale[:, :, None] * power
            value = np.einsum("kgp,kp->kg", (fitted / loss - 1) ** 2, weights)
    return offset, scale, np.where(np.isfinite(value), value, np.inf)


SATURATING = Saturating()
