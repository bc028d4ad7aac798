"""The estimator `vertex`: the optimum of a budget is the minimum of a parabola."""

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.estimators.linear import PointEstimator
from relscale.laws.estimators.reading import Reading
from relscale.laws.estimators.resample import Redraw
from relscale.laws.fit_error import FitError
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.optima.optimum import Optimum, interpolated_params, no_optimum
from relscale.laws.optima.parabola import Parabola, parabola, vertex_of


class Vertex(PointEstimator):
    """The minimum of a parabola through the budget's sizes (Hoffmann et al., 2022, approach 2)."""

    name = "vertex"
    min_sizes = 3

    def optimum(self, fits: IsoflopFits, budget: int) -> Optimum:
        """Return the vertex of the budget's parabola."""
        runs, cells = fits.runs, fits.groups[budget]
        label, num_runs = runs.budgets[budget], fits.num_runs(budget)
        x, curvature = runs.log10_tokens[cells], float("nan")
        try:
            fit = parabola(x, fits.weights[cells])
            coefficients = fit.solve @ fits.score[cells]
            curvature = float(coefficients[2])
            at = vertex_of(fit, coefficients, x)
        except FitError as error:
            return no_optimum(label, self.name, num_runs, error.status, curvature)
        flat = fits.dof > 0 and _is_flat(fit, coefficients, x, fits.variance, fits.dof, fits.level)
        return Optimum(
            budget=label,
            estimator=self.name,
            log10_tokens=at,
            params=interpolated_params(x, runs.params_total[cells], at),
            value=float(np.exp(fit.basis(at) @ coefficients)),
            curvature=curvature,
            location_variance=_location_variance(fit, coefficients, x, fits.variance),
            num_runs=num_runs,
            status=Status.FLAT_WITHIN_NOISE if flat else Status.OK,
            remarks=() if fits.dof > 0 else ("noise unknown: no budget has four sizes",),
        )

    def row(self, fits: IsoflopFits, reading: Reading, place: int, cells: Index) -> Array:
        """Return the coefficients of a parabola's value at the optimum."""
        fit = parabola(reading.distance[cells], fits.weights[reading.cells[cells]])
        return np.asarray(fit.basis(0.0) @ fit.solve)

    def redraw(self, drawn: Redraw) -> Array:
        """Read each draw at the vertex of its parabola, kept inside the sampled range."""
        at = _drawn_vertex(drawn.fit, drawn.score, drawn.x)
        coefficients = drawn.quantity @ drawn.fit.solve.T
        return np.asarray(np.einsum("dk,dk->d", drawn.fit.basis(at), coefficients))


def _location_variance(fit: Parabola, coefficients: Array, x: Array, variance: float) -> float:
    """Return the variance of -c1 / (2 c2) by the delta method, capped at that of a uniform draw."""
    gradient = np.array(
        [0.0, -1 / (2 * coefficients[2]), coefficients[1] / (2 * coefficients[2] ** 2)]
    )
    return (
        float(min(variance * gradient @ fit.inverse @ gradient, float(np.ptp(x)) ** 2 / 12))
        if np.isfinite(variance)
        else float("nan")
    )


def _is_flat(
    fit: Parabola, coefficients: Array, x: Array, variance: float, dof: int, level: float
) -> bool:
    """Return whether the Fieller interval of the optimum reaches a neighbour of the best size."""
    sizes = np.unique(x)
    best = int(np.argmin(fit.basis(sizes) @ coefficients))
    neighbours = np.array([sizes[max(best - 1, 0)], sizes[min(best + 1, len(sizes) - 1)]])
    u = neighbours - fit.center
    slope = coefficients[1] + 2 * coefficients[2] * u
    gradient = np.stack([np.zeros_like(u), np.ones_like(u), 2 * u], axis=1)  # (neighbour, 3)
    error = np.sqrt(variance * np.einsum("ij,jk,ik->i", gradient, fit.inverse, gradient))
    bound = stats.t.ppf(0.5 + level / 2, dof) * error
    return bool(slope[0] > -bound[0] or slope[1] < bound[1])


def _drawn_vertex(fit: Parabola, score: Array, x: Array) -> Array:
    """Return the optimum of each drawn curve, (draw,), kept inside the sampled range."""
    coefficients = score @ fit.solve.T  # (draw, 3)
    low, high = float(np.min(x)), float(np.max(x))
    with np.errstate(divide="ignore", invalid="ignore"):
        at = fit.center - coefficients[:, 1] / (2 * coefficients[:, 2])
    ends = np.stack(
        [np.sum(fit.basis(np.full(len(score), end)) * coefficients, axis=1) for end in (low, high)]
    )
    lower_end = np.where(ends[0] <= ends[1], low, high)
    return np.where(coefficients[:, 2] > 0, np.clip(at, low, high), lower_end)
