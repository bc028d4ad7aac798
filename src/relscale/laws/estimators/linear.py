"""Estimators that are linear in the values of the cells, given the optima."""

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar

import numpy as np

from relscale.laws.cells import SMALLEST, Array, Index, cell_covariance
from relscale.laws.estimators.base import Estimator, Quantity, Rows
from relscale.laws.estimators.joint_model import joint_design
from relscale.laws.estimators.reading import Reading, take_reading
from relscale.laws.estimators.resample import Redraw, draw_points, residual_pool
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit, combined_dof, gap_fit, line_rows, share_of
from relscale.laws.items import item_variance
from relscale.laws.kept import once
from relscale.laws.noise import Moments, combine
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.optima.optimum import Optimum


class LinearEstimator(Estimator):
    """An estimator that is a matrix of coefficients."""

    min_sizes: ClassVar[int] = 1
    """Different sizes that a budget must have."""
    reads_unscored: ClassVar[bool] = False
    """Whether sizes without a loss to locate the optimum by are used."""

    def lacks(self, optimum: Optimum, cells: Index, log10_tokens: Array) -> str:
        """Return why a budget with a usable optimum cannot be read, empty where it can.

        Args:
            optimum: of the budget.
            cells: cells of the budget that have a value.
            log10_tokens: (cell,) of these.
        """
        del optimum, cells
        return "too_few_runs" if len(np.unique(log10_tokens)) < self.min_sizes else ""

    @abstractmethod
    def rows(self, quantity: Quantity, reading: Reading) -> Rows:
        """Return the coefficients and the noise of the runs."""

    def read(self, quantity: Quantity, below: int | None) -> tuple[Reading, Rows]:
        """Return the budgets in use with their coefficients, once.

        Raises:
            FitError: there is no estimate.
        """

        def compute() -> tuple[Reading, Rows]:
            fits, values = quantity.fits, quantity.values
            optima = fits.optima(self)
            reading = take_reading(quantity.runs, optima, values, self, fits.weights, below)
            return reading, self.rows(quantity, reading)

        return once(quantity.of_runs, f"{self.name} {below}", compute)

    def fit(self, quantity: Quantity, below: int | None = None) -> GapFit:
        """Fit the line of a quantity; see `Estimator.fit`."""
        runs, values = quantity.runs, quantity.values
        reading, found = self.read(quantity, below)
        rows, covariance, point_variance, dof = (
            found.rows,
            found.covariance,
            found.point_variance,
            found.dof,
        )
        method = "runs" if np.isfinite(covariance).all() else "none"
        item_share, run_dof = 0.0, dof
        of_items = quantity.item_covariance
        if of_items is not None and method == "runs":
            reference = float(np.mean(reading.log_compute))
            added = item_variance(
                rows,
                cell_covariance(runs, reading.cells, values, of_items),
                joint_design(runs.log_compute[reading.cells], reading.distance, reference),
            )
            of_runs = float(covariance[1, 1])
            covariance = covariance + added[:2, :2]
            point_variance = point_variance + np.diag(added)[2:]
            dof = combined_dof(
                of_runs, float(added[1, 1]), dof, quantity.spec.level, quantity.item_dof
            )
            item_share = share_of(float(added[1, 1]), float(covariance[1, 1]))
            method = "runs+items"
        used = np.isin(runs.run_cell, reading.cells) & np.isfinite(values)
        return gap_fit(
            estimator=self.name,
            budgets=reading.budgets,
            log_compute=reading.log_compute,
            points=rows[2:] @ reading.values,
            law=rows[:2] @ reading.values,
            covariance=covariance,
            point_variance=point_variance,
            dof=dof,
            ci_method=method,
            num_runs=int(used.sum()),
            notes=(*reading.notes, *found.remarks),
            lack_of_fit_p=found.lack_of_fit_p,
            budget_sd=found.budget_sd,
            item_share=item_share,
            run_dof=run_dof,
        )


class PointEstimator(LinearEstimator):
    """An estimator that reads each budget by itself and fits a line through the points."""

    @abstractmethod
    def optimum(self, fits: IsoflopFits, budget: int) -> Optimum:
        """Return the optimum of one budget; a failure becomes its status."""

    @abstractmethod
    def row(self, fits: IsoflopFits, reading: Reading, place: int, cells: Index) -> Array:
        """Return the coefficients that read a quantity at one budget's optimum, (cell,).

        Args:
            fits: IsoFLOP curves of the corpus.
            reading: budgets and cells in use.
            place: position of the budget among those of the reading.
            cells: its cells, as positions in `reading.cells`.
        """

    @abstractmethod
    def redraw(self, drawn: Redraw) -> Array:
        """Locate the optimum of each drawn curve of a budget and read the quantity there.

        Returns:
            (draw,). A drawn curve without an interior minimum is read at the lower end of the
            sampled range.
        """

    def optima(self, fits: IsoflopFits) -> tuple[Optimum, ...]:
        """Return the optimum of every budget, in order."""
        return tuple(self.optimum(fits, budget) for budget in range(len(fits.runs.budgets)))

    def rows(self, quantity: Quantity, reading: Reading) -> Rows:
        """Return a line through the points.

        The noise of a point is that of a residual bootstrap plus the budget effect. The latter is
        the scatter of the points about the line beyond the bootstrap's, averaged with that of the
        other gaps of the family. Where there are too few sizes for a bootstrap, the scatter of the
        points is the noise.
        """
        fits, spec = quantity.fits, quantity.spec
        points = np.zeros((len(reading.budgets), len(reading.cells)))
        for place, cells in enumerate(reading.groups):
            points[place, cells] = self.row(fits, reading, place, cells)
        reference = float(np.mean(reading.log_compute))
        line = line_rows(reading.log_compute, reference)
        rows = np.concatenate([line @ points, points])
        observed = points @ reading.values
        law = line @ observed
        residual = observed - (law[0] + law[1] * (reading.log_compute - reference))
        moments = Moments(
            run_variance=float("nan"),
            run_dof=0,
            scatter=float(np.sum(residual**2)),
            scatter_dof=len(observed) - 2,
            trace=float(len(observed) - 2),
            contrasts=residual,
            residual=np.array([]),
        )
        score, weights = fits.score[reading.cells], fits.weights[reading.cells]
        pooled, spread, remarks = None, np.eye(len(observed)), []
        try:
            pool = residual_pool(reading.distance, score, reading.values, reading.groups, weights)
        except FitError:
            remarks.append("interval from the budgets' scatter alone")
            known = moments.scatter_dof > 0
            scatter = moments.scatter / moments.scatter_dof if known else float("nan")
            point_variance = np.full(len(observed), scatter)
        else:
            rng = np.random.default_rng([spec.seed, 1])
            drawn = draw_points(pool, reading.distance, self.redraw, spec.draws, rng)
            spread = np.cov(drawn, rowvar=False)  # (budget, budget)
            point_variance = np.diag(spread).copy()
            moments = replace(
                moments, run_variance=float(np.mean(point_variance)), run_dof=pool.dof
            )
            spread = spread / max(moments.run_variance, SMALLEST)
            pooled = quantity.pooled(reading)
        noise = combine(moments, pooled, line @ spread @ line.T, line @ line.T)
        if not np.isfinite(noise.covariance).all():
            remarks = ["no interval: two budgets show no budget effect and no other gap does"]
        return Rows(
            rows=rows,
            covariance=noise.covariance,
            point_variance=point_variance,
            dof=noise.dof,
            lack_of_fit_p=moments.lack_of_fit_p,
            budget_sd=noise.budget_sd,
            remarks=tuple(remarks),
        )
