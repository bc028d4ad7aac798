"""The estimator `joint`: one regression of the quantity over all runs; see `joint_model`."""

import numpy as np

from relscale.laws.cells import (
    Array,
    SuiteRuns,
    average_seeds,
    relative_weights,
    seed_variance,
)
from relscale.laws.estimators.base import Quantity, Rows
from relscale.laws.estimators.joint_model import JointModel, joint_design
from relscale.laws.estimators.linear import LinearEstimator
from relscale.laws.estimators.reading import Reading
from relscale.laws.estimators.vertex import Vertex
from relscale.laws.gap import GapFit
from relscale.laws.kept import Recent, digest, once
from relscale.laws.noise import order_kernel
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.optima.optimum import Optimum


class Joint(LinearEstimator):
    """One regression over all runs, with the optima of `vertex`."""

    name = "joint"
    pools_budgets = True
    reads_unscored = True

    def __init__(self, vertex: Vertex) -> None:
        """Take the estimator that locates the optima."""
        self.vertex = vertex

    def optima(self, fits: IsoflopFits) -> tuple[Optimum, ...]:
        """Return the vertices of the budgets' parabolas."""
        return fits.optima(self.vertex)

    def fit(self, quantity: Quantity, below: int | None = None) -> GapFit:
        """Fit the line of a quantity, once: several estimators read it; see `Estimator.fit`."""
        fit = super().fit
        return once(quantity.kept, f"{self.name} {below}", lambda: fit(quantity, below))

    def rows(self, quantity: Quantity, reading: Reading) -> Rows:
        """Return the coefficients of the regression, weighted where seeds show their noise."""
        model = self.model(quantity.runs, quantity.values, reading, quantity.order_share(reading))
        fit = model.fit(reading.values, quantity.pooled(reading))
        unknown = not np.isfinite(fit.noise.covariance).all()
        return Rows(
            rows=np.concatenate([fit.law, fit.points]),
            covariance=fit.noise.covariance,
            point_variance=fit.point_variance,
            dof=fit.noise.dof,
            lack_of_fit_p=fit.moments.lack_of_fit_p,
            budget_sd=fit.noise.budget_sd,
            remarks=(
                ("no interval: two budgets show no budget effect and no other gap does",)
                if unknown
                else ()
            ),
        )

    def model(
        self, runs: SuiteRuns, values: Array, reading: Reading, order: float = 0.0
    ) -> JointModel:
        """Return the design of a quantity, (run,), with the noise of its cells.

        `order` is the share of a run's variance that runs of one seed have in common
        (`relscale.laws.noise.order_share`). Means over seeds of two sizes share it as far as they
        are over the same seeds, which are taken to be the first ones.

        Raises:
            FitError: as `JointModel.of`.
        """
        reference = float(np.mean(reading.log_compute))
        _, count = average_seeds(values, runs.run_cell, runs.num_cells)
        compute = runs.log_compute[reading.cells]
        between, seed_dof = seed_variance(values, runs.run_cell, runs.num_cells)
        design = joint_design(compute, reading.distance, reference)
        residual = reading.values - design @ np.linalg.lstsq(design, reading.values, rcond=None)[0]
        spread = float(np.sum(residual**2) / max(len(residual) - design.shape[1], 1))
        weights = relative_weights(count[reading.cells], spread, between, seed_dof)
        number = count[reading.cells]
        tokens = runs.log10_tokens[reading.cells] * np.log(10)
        parts = compute, reading.distance, reading.cell_budget, weights, number, tokens, order
        key = digest(*parts)
        kept = _MODELS.get(key)
        if kept is not None:
            return kept
        deviation = 1 / np.sqrt(weights)
        shape = _correlation(number, tokens, order) * np.outer(deviation, deviation)
        found = JointModel.of(compute, reading.distance, reading.cell_budget, shape, reference)
        return _MODELS.keep(key, found, shape.size)


_MODELS: Recent[JointModel] = Recent(20_000_000)
"""Designs by entries of their shapes: all gaps of a corpus share one where seeds do not weigh their
sizes differently."""


def _correlation(number: Array, log_tokens: Array, order: float) -> Array:
    """Return the correlation of the cells' noise, (cell, cell).

    Args:
        number: of seeds, (cell,).
        log_tokens: natural logs, (cell,).
        order: share of a run's variance that runs of one seed have in common.
    """
    common = np.minimum(number[:, None], number) / np.sqrt(np.outer(number, number))
    correlation = order * common * order_kernel(log_tokens)
    np.fill_diagonal(correlation, 1.0)
    return correlation
