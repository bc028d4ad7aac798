"""The law of a gap between two suites, or of one suite alone.

At each matched budget b the gap is g_b = y_A(b) - y_B(b), the values of two suites at their own
optima. Its straight line g = log gamma + dbeta (log F - log F_ref) is fitted by generalised least
squares. Runs of two suites are independent, so that the covariance of g from the runs is the sum of
both. The budget effect of the gap is estimated by its scatter about the line and pooled over the
domains (`relscale.laws.noise`). Items score both suites, so that their noise cancels in part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from relscale.contract.status import Status
from relscale.laws.cells import ROUNDING_VARIANCE, Array, Index
from relscale.laws.estimators.joint_model import LARGEST_RATIO
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit, combined_dof, gap_fit, line_rows, share_of
from relscale.laws.items import item_variance
from relscale.laws.noise import Components, Moments, Pooled, combine, moments_of
from relscale.laws.noise_model import JOINT
from relscale.laws.suite_contrasts.side import SuiteSide


@dataclass(frozen=True, kw_only=True)
class CellNoise:
    """Noise of items, of the cells of all sides together."""

    covariance: Array
    """(cell, cell)."""
    dof: float
    """Clusters of items less strata."""


@dataclass(frozen=True, kw_only=True)
class Stacked:
    """A signed sum of suites at their common budgets, linear in the cells of all of them."""

    sides: tuple[SuiteSide, ...]
    budgets: Index
    """Common budgets, (budget,)."""
    log_compute: Array
    """Natural log of their compute, the mean over the sides, (budget,)."""
    rows: Array
    """Coefficients of the points, (budget, cell of all sides)."""
    values: Array
    """(cell,)."""
    covariance: Array
    """Of the points from the runs, (budget, budget); NaN where the run noise is not known."""
    dof: float
    """Degrees of freedom of it (Satterthwaite), as far as the slope is concerned."""

    @classmethod
    def of(cls, sides: Sequence[SuiteSide], signs: Sequence[float]) -> "Stacked":
        """Stack suites.

        Args:
            sides: suites whose budgets have common indices.
            signs: 1 or -1, one per side.

        Raises:
            FitError: `too_few_budgets` where fewer than two budgets are common.
        """
        budgets = sides[0].reading.budgets
        for side in sides[1:]:
            budgets = np.intersect1d(budgets, side.reading.budgets)
        if len(budgets) < 2:
            raise FitError(
                Status.TOO_FEW_BUDGETS,
                f"{len(budgets)} budget(s) of the same compute in both suites and a law needs 2",
                [note for side in sides for note in side.reading.notes],
            )
        places = [np.flatnonzero(np.isin(side.reading.budgets, budgets)) for side in sides]
        pairs = list(zip(sides, places, strict=True))
        log_compute = np.mean([side.reading.log_compute[at] for side, at in pairs], axis=0)
        parts = [side.run_variance * side.unit_covariance[np.ix_(at, at)] for side, at in pairs]
        line = line_rows(log_compute, float(np.mean(log_compute)))[1]
        of_slope = np.array([line @ part @ line for part in parts])
        dofs = np.array([side.dof for side in sides], dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            dof = float(np.sum(of_slope) ** 2 / np.sum(of_slope**2 / dofs))
        return cls(
            sides=tuple(sides),
            budgets=budgets,
            log_compute=log_compute,
            rows=np.concatenate(
                [sign * side.rows[at] for sign, (side, at) in zip(signs, pairs, strict=True)],
                axis=1,
            ),
            values=np.concatenate([side.reading.values for side in sides]),
            covariance=np.sum(parts, axis=0),
            dof=dof if np.isfinite(dof) else float(np.min(dofs)),
        )

    @property
    def points(self) -> Array:
        """The quantity at each common budget, (budget,)."""
        return np.asarray(self.rows @ self.values)

    @property
    def design(self) -> Array:
        """Straight line in log F, (budget, 2)."""
        away = self.log_compute - float(np.mean(self.log_compute))
        return np.stack([np.ones_like(away), away], axis=1)

    @property
    def run_variance(self) -> float:
        """Mean variance of a point from the runs; NaN where it is not known."""
        return float(np.mean(np.diag(self.covariance)))

    @property
    def shape(self) -> Array:
        """Covariance of the points from the runs in units of `run_variance`, (budget, budget)."""
        if self.run_variance > ROUNDING_VARIANCE:
            return self.covariance / self.run_variance
        return np.eye(len(self.budgets))

    def moments(self) -> Moments:
        """Return the mean squares: of the budgets about the line, and of the runs."""
        member = np.eye(len(self.budgets))
        found = moments_of(self.points, self.design, member, self.shape)
        if not np.isfinite(self.run_variance):
            return found
        return replace(
            found,
            run_variance=self.run_variance,
            run_dof=max(int(self.dof), 1),
            residual=np.concatenate([side.residual for side in self.sides]),
        )

    def fit(
        self, pooled: Pooled | None, items: CellNoise | None, level: float, num_runs: int
    ) -> GapFit:
        """Fit the line.

        Args:
            pooled: budget variance by all domains; None where there is no other.
            items: noise of the items; None where a suite has none.
            level: of the intervals.
            num_runs: runs that are used.
        """
        own = self.moments()
        law = self._solve(0.0)
        noise = self._components(own, pooled, law)
        if np.isfinite(own.run_variance) and noise.budget_variance > 0:
            ratio = noise.budget_variance / max(own.run_variance, ROUNDING_VARIANCE)
            law = self._solve(min(ratio, LARGEST_RATIO))
            noise = self._components(own, pooled, law)
        covariance, dof = noise.covariance, noise.dof
        known = bool(np.isfinite(covariance).all())
        added = self._of_items(law, items) if items is not None and known else None
        of_runs, of_items = float(covariance[1, 1]), 0.0
        variance = np.diag(self.covariance).copy()
        if added is not None and items is not None:
            of_items = float(added[1, 1])
            covariance = covariance + added[:2, :2]
            variance = variance + np.diag(added)[2:]
            dof = combined_dof(of_runs, of_items, dof, level, items.dof)
        return gap_fit(
            estimator=JOINT.name,
            budgets=self.budgets,
            log_compute=self.log_compute,
            points=self.points,
            law=law @ self.points,
            covariance=covariance,
            point_variance=variance,
            dof=dof,
            ci_method="none" if not known else "runs" if added is None else "runs+items",
            num_runs=num_runs,
            notes=self._notes(known),
            lack_of_fit_p=own.lack_of_fit_p,
            budget_sd=noise.budget_sd,
            item_share=share_of(of_items, float(covariance[1, 1])),
            run_dof=noise.dof,
        )

    def _solve(self, ratio: float) -> Array:
        """Return the rows of generalised least squares over the points, (2, budget)."""
        shape = self.shape + ratio * np.eye(len(self.budgets))
        scaled = np.linalg.solve(shape, self.design).T
        return np.asarray(np.linalg.solve(scaled @ self.design, scaled))

    def _components(self, own: Moments, pooled: Pooled | None, law: Array) -> Components:
        return combine(own, pooled, law @ self.shape @ law.T, law @ law.T)

    def _of_items(self, law: Array, items: CellNoise) -> Array:
        """Return the covariance of law and points over draws of items, (2 + budget, ...)."""
        rows = np.concatenate([law @ self.rows, self.rows])
        terms = linalg.block_diag(*(side.design for side in self.sides))
        return item_variance(rows, items.covariance, terms)

    def _notes(self, known: bool) -> tuple[str, ...]:
        notes = [note for side in self.sides for note in side.reading.notes]
        if known and not np.isfinite(self.run_variance):
            notes.append("interval from the budgets' scatter alone")
        if not known:
            notes.append("no interval: two budgets show no budget effect and no other domain does")
        return tuple(dict.fromkeys(notes))
