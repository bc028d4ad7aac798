"""IsoFLOP curves of one corpus: the loss that locates the optima, and the noise about it."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from relscale.laws.cells import (
    Array,
    Index,
    SuiteRuns,
    average_seeds,
    relative_weights,
    seed_variance,
)
from relscale.laws.fit_error import FitError
from relscale.laws.optima.optimum import Optimum
from relscale.laws.optima.parabola import parabola


class LocatesOptima(Protocol):
    """The part of an estimator that locates optima."""

    @property
    def name(self) -> str:
        """Name of the estimator."""

    def optima(self, fits: "IsoflopFits") -> tuple[Optimum, ...]:
        """Return the optimum of every budget, in order."""


@dataclass(frozen=True, kw_only=True)
class IsoflopFits:
    """The IsoFLOP curves of one corpus."""

    runs: SuiteRuns
    """Runs of the corpus."""
    score: Array
    """Seed-averaged log loss whose minimum is the optimum, (cell,)."""
    count: Array
    """Number of runs averaged, (cell,)."""
    weights: Array
    """Weights of the cells, (cell,), mean 1; 0 where a cell has no score."""
    groups: tuple[Index, ...]
    """Cells with a score, by budget."""
    variance: float
    """Variance of a cell of weight 1 about the parabolas, pooled over budgets; NaN without degrees
    of freedom."""
    dof: int
    """Degrees of freedom of the variance."""
    level: float
    """Confidence level at which an optimum counts as flat."""
    _optima: dict[str, tuple[Optimum, ...]] = field(default_factory=dict, repr=False, compare=False)

    def optima(self, estimator: LocatesOptima) -> tuple[Optimum, ...]:
        """Return the optimum of every budget by an estimator; located once."""
        if estimator.name not in self._optima:
            self._optima[estimator.name] = estimator.optima(self)
        return self._optima[estimator.name]

    def num_runs(self, budget: int) -> int:
        """Return the number of runs of a budget that have a score."""
        return int(np.sum(self.count[self.groups[budget]]))


def fit_isoflop(runs: SuiteRuns, level: float = 0.95) -> IsoflopFits:
    """Weigh the sizes of a corpus and pool the noise about its IsoFLOP curves.

    Args:
        runs: runs of the corpus.
        level: an optimum is `flat_within_noise` unless the slopes of the curve at both neighbours
            of the best size differ significantly from 0 at this level.
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
    return IsoflopFits(
        runs=runs,
        score=score,
        count=count,
        weights=weights,
        groups=tuple(groups),
        variance=variance,
        dof=dof,
        level=level,
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
