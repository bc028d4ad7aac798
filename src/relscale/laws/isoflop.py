"""Compute-optimal points of a suite: a parabola through each IsoFLOP curve, and the other
estimators' beside it.

Per suite and budget, log E = c0 + c1 u + c2 u^2 with u = log10 tokens minus their mean, by least
squares; the optimum is u = -c1 / (2 c2) (Hoffmann et al., 2022, approach 2; parabolas have a known
bias on asymmetric curves, arXiv 2603.22339).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.law_tables import OPTIMA_COLUMNS
from relscale.contract.status import Status, status_columns
from relscale.laws.cells import (
    Array,
    Index,
    SuiteRuns,
    average_seeds,
    relative_weights,
    seed_variance,
)
from relscale.laws.fit_error import FitError
from relscale.laws.optimum import Optimum, interpolated_params, no_optimum
from relscale.laws.other_optima import akima_optimum, best_run, surface_optima
from relscale.laws.settings import LawSettings


@dataclass(frozen=True, kw_only=True)
class Parabola:
    """The linear algebra of one weighted parabola: design and hat matrix do not depend on the
    errors.
    """

    center: float
    """Mean of x, from which u counts."""
    solve: Array
    """Coefficients from values: (3, point)."""
    leverage: Array
    """Diagonal of the hat matrix, (point,)."""
    inverse: Array
    """(X' W X)^-1, (3, 3): the coefficients' covariance for unit error variance."""

    def basis(self, x: float | Array) -> Array:
        """Return (..., 3) powers of u."""
        u = np.asarray(x, dtype=np.float64) - self.center
        return np.stack([np.ones_like(u), u, u**2], axis=-1)


@dataclass(frozen=True, kw_only=True)
class IsoflopFits:
    """All optima of a suite and the noise about its IsoFLOP curves."""

    runs: SuiteRuns
    """The suite."""
    vertex: tuple[Optimum, ...]
    """One a budget."""
    best_run: tuple[Optimum, ...]
    """One a budget."""
    akima: tuple[Optimum, ...]
    """One a budget."""
    score: Array
    """Seed-averaged log error whose minimum is the optimum, (cell,)."""
    count: Array
    """Runs behind it, (cell,)."""
    weights: Array
    """Weights of the cells, (cell,), mean 1; 0 where a cell has no score."""
    variance: float
    """Variance of a cell of weight 1 about the parabolas, pooled over budgets; NaN without degrees
    of freedom."""
    dof: int
    """Its degrees of freedom."""

    @cached_property
    def surface(self) -> tuple[Optimum, ...]:
        """One a budget; the surface is fitted when it is first asked for."""
        return surface_optima(self.runs, self.score, self.weights, self.count)

    def of(self, estimator: str) -> tuple[Optimum, ...]:
        """Return the optima that an estimator reads the domains at; `joint` uses the vertices."""
        if estimator == "surface":
            return self.surface
        return {
            "joint": self.vertex,
            "vertex": self.vertex,
            "best_run": self.best_run,
            "akima": self.akima,
        }[estimator]


def parabola(x: Array, weights: Array) -> Parabola:
    """Set up a weighted parabola.

    Raises:
        FitError: `too_few_runs` where there are fewer than three different x.
    """
    if len(np.unique(np.round(x, 9))) < 3:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{len(np.unique(np.round(x, 9)))} different sizes, a parabola needs 3",
        )
    center = float(np.mean(x))
    u = x - center
    design = np.stack([np.ones_like(u), u, u**2], axis=1)  # (point, 3)
    inverse = np.asarray(np.linalg.inv(design.T @ (weights[:, None] * design)), dtype=np.float64)
    solve = inverse @ (design * weights[:, None]).T
    return Parabola(
        center=center, solve=solve, leverage=np.einsum("ij,ji->i", design, solve), inverse=inverse
    )


def vertex_of(fit: Parabola, coefficients: Array, x: Array) -> float:
    """Return the x of the minimum.

    Raises:
        FitError: `curvature_not_positive`, or `optimum_outside_sampled_range`.
    """
    if not coefficients[2] > 0:
        raise FitError(Status.CURVATURE_NOT_POSITIVE, f"curvature {coefficients[2]:.4g}")
    vertex = fit.center - float(coefficients[1] / (2 * coefficients[2]))
    if not np.min(x) <= vertex <= np.max(x):
        raise FitError(
            Status.OPTIMUM_OUTSIDE_SAMPLED_RANGE,
            f"log10 tokens {vertex:.3f} not in {np.min(x):.3f}..{np.max(x):.3f}",
        )
    return vertex


def fit_isoflop(runs: SuiteRuns, level: float = 0.95) -> IsoflopFits:
    """Find the optimum of every budget of a suite.

    Args:
        runs: the suite's cells.
        level: an optimum is `flat_within_noise` unless the fitted slopes at both neighbours of the
            best size differ from 0 at it.
    """
    score, count = average_seeds(runs.score, runs.run_cell, runs.num_cells)
    excess, _ = average_seeds(runs.score_excess, runs.run_cell, runs.num_cells)
    groups = [
        np.flatnonzero((runs.cell_budget == index) & np.isfinite(score))
        for index in range(len(runs.budgets))
    ]
    flat = np.where(np.isfinite(score), 1.0, 0.0)
    variance, _ = _pooled_variance(runs.log10_tokens, score, flat, groups)
    between, seed_dof = seed_variance(runs.score, runs.run_cell, runs.num_cells)
    known = np.isfinite(score)
    weights = np.zeros(runs.num_cells)
    if known.any():
        weights[known] = relative_weights(count[known], variance, between, seed_dof, excess[known])
    variance, dof = _pooled_variance(runs.log10_tokens, score, weights, groups)
    vertex = tuple(
        _vertex(runs, index, cells, score, weights, count, variance, dof, level)
        for index, cells in enumerate(groups)
    )
    return IsoflopFits(
        runs=runs,
        vertex=vertex,
        best_run=tuple(
            best_run(runs, index, cells, score, count) for index, cells in enumerate(groups)
        ),
        akima=tuple(
            akima_optimum(runs, index, cells, score, count) for index, cells in enumerate(groups)
        ),
        score=score,
        count=count,
        weights=weights,
        variance=variance,
        dof=dof,
    )


def _pooled_variance(
    x: Array, score: Array, weights: Array, groups: list[Index]
) -> tuple[float, int]:
    """Return the weighted residual variance about the parabolas, pooled over budgets, and its
    degrees of freedom.
    """
    total, dof = 0.0, 0
    for cells in groups:
        if len(cells) < 4:
            continue
        try:
            fit = parabola(x[cells], weights[cells])
        except FitError:
            continue
        residual = score[cells] - fit.basis(x[cells]) @ (fit.solve @ score[cells])
        total += float(np.sum(weights[cells] * residual**2))
        dof += len(cells) - 3
    return (total / dof if dof else float("nan")), dof


def _vertex(
    runs: SuiteRuns,
    index: int,
    cells: Index,
    score: Array,
    weights: Array,
    count: Array,
    variance: float,
    dof: int,
    level: float,
) -> Optimum:
    """Fit one budget's parabola; a failure becomes the status."""
    num_runs = int(np.sum(count[cells]))
    x = runs.log10_tokens[cells]
    curvature = float("nan")
    remarks: tuple[str, ...]
    try:
        fit = parabola(x, weights[cells])
        coefficients = fit.solve @ score[cells]
        curvature = float(coefficients[2])
        at = vertex_of(fit, coefficients, x)
    except FitError as error:
        return no_optimum(runs.budgets[index], "vertex", num_runs, error.status, curvature)
    if dof == 0:
        status, remarks = Status.OK, ("noise unknown: no budget has four sizes",)
    elif _is_flat(fit, coefficients, x, variance, dof, level):
        status, remarks = Status.FLAT_WITHIN_NOISE, ()
    else:
        status, remarks = Status.OK, ()
    return Optimum(
        budget=runs.budgets[index],
        estimator="vertex",
        log10_tokens=at,
        params=interpolated_params(x, runs.params_total[cells], at),
        value=float(np.exp(fit.basis(at) @ coefficients)),
        curvature=curvature,
        location_variance=_location_variance(fit, coefficients, x, variance),
        num_runs=num_runs,
        cell=-1,
        status=status,
        remarks=remarks,
    )


def _location_variance(fit: Parabola, coefficients: Array, x: Array, variance: float) -> float:
    """Variance of -c1 / (2 c2) to first order, capped."""
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
    """Tell whether the optimum's exact (Fieller) interval reaches a neighbour of the best-fitted
    size, or the edge beyond it.
    """
    sizes = np.unique(x)
    best = int(np.argmin(fit.basis(sizes) @ coefficients))
    neighbours = np.array([sizes[max(best - 1, 0)], sizes[min(best + 1, len(sizes) - 1)]])
    u = neighbours - fit.center
    slope = coefficients[1] + 2 * coefficients[2] * u
    gradient = np.stack([np.zeros_like(u), np.ones_like(u), 2 * u], axis=1)  # (neighbour, 3)
    error = np.sqrt(variance * np.einsum("ij,jk,ik->i", gradient, fit.inverse, gradient))
    bound = stats.t.ppf(0.5 + level / 2, dof) * error
    return bool(slope[0] > -bound[0] or slope[1] < bound[1])


def optima_table(suites: list[SuiteRuns], settings: LawSettings) -> pd.DataFrame:
    """Return the optima of all suites as the table `optima.csv` (OPTIMA_COLUMNS)."""
    rows = []
    for runs in suites:
        fits = fit_isoflop(runs, settings.level)
        for optimum in (*fits.vertex, *fits.best_run, *fits.akima, *fits.surface):
            rows.append(
                {
                    "corpus": runs.corpus,
                    "budget": optimum.budget,
                    "estimator": optimum.estimator,
                    "optimum_by": runs.optimum_by,
                    "optimum_tokens": 10**optimum.log10_tokens,
                    "optimum_params": optimum.params,
                    "metric": runs.error_metric,
                    "value": optimum.value,
                    "curvature": optimum.curvature,
                    "num_runs": optimum.num_runs,
                    **status_columns(optimum.status, optimum.remarks),
                }
            )
    return pd.DataFrame(rows, columns=list(OPTIMA_COLUMNS))
