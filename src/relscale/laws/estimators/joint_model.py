"""The joint model: one regression of log G over all runs, with a random effect per budget.

log G = a + dbeta f + (k + k' f) s + q s^2 + u_budget + e, with f = log F - log F_ref and s = log10
tokens - log10 optimal tokens of the budget. The tilt may change with compute: on a grid off the
optimum, a changing tilt that the model lacks is taken for a slope. (Simulated, sizes .15 decades
off the optimum: without k' dbeta is off by .0027 and 95 % intervals cover .916.) The variance of
u_budget is always in the interval; `relscale.laws.noise` estimates it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import MANY_CELLS, ROUNDING_VARIANCE, Array, Index
from relscale.laws.fit_error import FitError
from relscale.laws.noise import Components, Moments, Pooled, Whitened, combine

LARGEST_RATIO = 1e6
"""Budget variance over run variance beyond which the weights of the cells no longer change."""
MIN_CELLS = 5
MIN_CELLS_OF_CHANGING_TILT = 8
"""The tilt changes with compute in the model from this number of cells on."""


@dataclass(frozen=True, kw_only=True)
class JointFit:
    """Result of the regression; everything in it is linear in log G, given the weights."""

    law: Array
    """Rows that give log gamma (G at the reference compute) and dbeta from log G, (2, cell)."""
    points: Array
    """Rows that give log G at each budget's optimum, (budget, cell)."""
    noise: Components
    """Covariance of (log gamma, dbeta), its degrees of freedom and the budget variance."""
    point_variance: Array
    """Of the points about their budgets' own value, (budget,)."""
    moments: Moments
    """Mean squares of the budgets and of the runs."""


def joint_design(log_compute: Array, distance: Array, log_reference: float) -> Array:
    """Return the terms of the model, (cell, 5): 1, f, s, s^2 and s f.

    The last is left out where there are few cells or it is not identifiable.
    """
    away = log_compute - log_reference
    design = np.stack(
        [np.ones_like(distance), away, distance, distance**2, distance * away], axis=1
    )
    whole = (
        len(distance) >= MIN_CELLS_OF_CHANGING_TILT
        and np.linalg.matrix_rank(design) == design.shape[1]
    )
    return design if whole else design[:, :4]


@dataclass(frozen=True, kw_only=True)
class JointModel:
    """Design of the regression of one quantity."""

    design: Array
    """(cell, term)."""
    member: Array
    """1 where a cell is of a budget, (cell, budget)."""
    shape: Array
    """Covariance of the cells' noise in units of the run variance, (cell, cell)."""

    @classmethod
    def of(
        cls,
        log_compute: Array,
        distance: Array,
        budget: Index,
        shape: Array,
        log_reference: float,
    ) -> "JointModel":
        """Build the design.

        Args:
            log_compute: (cell,) natural log of F.
            distance: (cell,) log10 tokens less the optimum's, of the cell's budget.
            budget: (cell,) 0..number of budgets - 1, all present.
            shape: (cell, cell) covariance of the cells' noise, up to a factor.
            log_reference: natural log of the reference compute.

        Raises:
            FitError: `too_few_budgets` with one budget; `too_few_runs` without a residual degree of
                freedom.
        """
        num_budgets = int(np.max(budget)) + 1
        if num_budgets < 2:
            raise FitError(Status.TOO_FEW_BUDGETS, "one budget has no slope")
        design = joint_design(log_compute, distance, log_reference)  # (cell, term)
        num_cells, num_terms = design.shape
        if num_cells < MIN_CELLS or np.linalg.matrix_rank(design) < num_terms:
            raise FitError(
                Status.TOO_FEW_RUNS,
                f"{num_cells} sizes over {num_budgets} budgets, the joint fit needs 5 that differ",
            )
        member = (budget[:, None] == np.arange(num_budgets)).astype(np.float64)
        return cls(design=design, member=member, shape=shape)

    def moments(self, log_gap: Array) -> Moments:
        """Return the mean squares of the budgets and of the runs."""
        return self._whitened.moments(log_gap)

    @cached_property
    def _whitened(self) -> Whitened:
        return Whitened.of(self.design, self.member, self.shape)

    @cached_property
    def projection(self) -> Array:
        """Projection that gives residuals about design and budgets, (cell, cell)."""
        columns = np.concatenate([self.design, self.member], axis=1)
        basis, size, _ = np.linalg.svd(columns, full_matrices=False)
        basis = basis[:, size > 1e-9 * size[0]]
        return np.asarray(np.eye(len(basis)) - basis @ basis.T)

    def fit(self, log_gap: Array, pooled: Pooled | None = None) -> JointFit:
        """Fit the model.

        Args:
            log_gap: (cell,) natural log of G.
            pooled: budget variance by the other gaps of the family.
        """
        moments = self.moments(log_gap)
        solve = self._without_budgets
        noise = combine(moments, pooled, *self._shapes(solve))
        variance = moments.run_variance
        if np.isfinite(variance) and noise.budget_variance > 0:
            ratio = noise.budget_variance / max(variance, ROUNDING_VARIANCE)
            solve = self._solve(min(ratio, LARGEST_RATIO))
            noise = combine(moments, pooled, *self._shapes(solve))
        share = self.member / np.diag(self.shape)[:, None]
        share = (share / np.sum(share, axis=0)).T  # (budget, cell)
        points = share - (share @ self.design[:, 2:]) @ solve[2:]
        if not np.isfinite(variance):
            variance = moments.scatter / moments.scatter_dof if moments.scatter_dof else np.nan
        return JointFit(
            law=solve[:2],
            points=points,
            noise=noise,
            point_variance=variance * np.einsum("ij,jk,ik->i", points, self.shape, points),
            moments=moments,
        )

    @cached_property
    def _without_budgets(self) -> Array:
        return self._solve(0.0)

    @cached_property
    def _divided(self) -> tuple[Array, Array]:
        """Return design and member over the shape: solutions of shape x = column."""
        both = np.concatenate([self.design, self.member], axis=1)
        found = np.linalg.solve(self.shape, both)
        return found[:, : self.design.shape[1]], found[:, self.design.shape[1] :]

    def _solve(self, ratio: float) -> Array:
        """Return the rows of generalised least squares, (term, cell).

        `ratio` is the budget variance over the run variance. With many cells the inverse is updated
        (Woodbury, 1950), since the shape is the same for many gaps.
        """
        scaled: Array
        if len(self.shape) > MANY_CELLS:
            design, member = self._divided
            small = np.eye(self.member.shape[1]) + ratio * self.member.T @ member
            update = ratio * member @ np.linalg.solve(small, self.member.T @ design)
            scaled = np.asarray((design - update).T)
        else:
            shape = self.shape + ratio * self.member @ self.member.T
            scaled = np.asarray(np.linalg.solve(shape, self.design).T)  # (term, cell)
        return np.asarray(np.linalg.solve(scaled @ self.design, scaled))

    def _shapes(self, solve: Array) -> tuple[Array, Array]:
        """Return the covariance of the law per unit of run variance and of budget variance."""
        law = solve[:2]
        response = law @ self.member
        return law @ self.shape @ law.T, response @ response.T
