"""The estimator `joint`: one regression of the quantity over all runs; see `joint_model`."""

import numpy as np

from relscale.laws.cells import average_seeds, relative_weights, seed_variance
from relscale.laws.estimators.base import Quantity, Rows
from relscale.laws.estimators.joint_model import fit_joint, joint_design
from relscale.laws.estimators.linear import LinearEstimator
from relscale.laws.estimators.reading import Reading
from relscale.laws.estimators.vertex import Vertex
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

    def rows(self, quantity: Quantity, reading: Reading) -> Rows:
        """Return the coefficients of the regression, weighted where seeds show their noise."""
        runs, values = quantity.runs, quantity.values
        reference = float(np.mean(reading.log_compute))
        _, count = average_seeds(values, runs.run_cell, runs.num_cells)
        compute = runs.log_compute[reading.cells]
        data = (reading.values, compute, reading.distance, reading.cell_budget)
        flat = np.ones_like(reading.values)
        fit = fit_joint(*data, flat, reference)
        between, seed_dof = seed_variance(values, runs.run_cell, runs.num_cells)
        design = joint_design(compute, reading.distance, reference)
        residual = reading.values - design @ np.linalg.lstsq(design, reading.values, rcond=None)[0]
        spread = float(np.sum(residual**2) / max(len(residual) - design.shape[1], 1))
        weights = relative_weights(count[reading.cells], spread, between, seed_dof)
        if not np.allclose(weights, flat):
            fit = fit_joint(*data, weights, reference)
        remarks: list[str] = []
        covariance, point_variance = fit.covariance, fit.point_variance
        if fit.budget_effect:
            remarks.append(
                f"budgets scatter about the line (lack of fit p {fit.lack_of_fit_p:.2g})"
            )
        else:
            # A misplaced optimum shifts all distances of its budget by the same amount, and log G
            # there by k times that.
            optima = quantity.fits.optima(self)
            placed = np.array([optima[index].location_variance for index in reading.budgets])
            shift = fit.tilt_squared * np.nan_to_num(placed, nan=0.0)
            response = np.stack(
                [fit.law[:, cells].sum(axis=1) for cells in reading.groups], axis=1
            )  # (2, budget)
            covariance = covariance + (response * shift) @ response.T
            point_variance = point_variance + shift
        if fit.dof < 1:
            remarks.append("no interval: two budgets and a budget effect")
            covariance = np.full((2, 2), np.nan)
        return Rows(
            rows=np.concatenate([fit.law, fit.points]),
            covariance=covariance,
            point_variance=point_variance,
            dof=float(fit.dof),
            lack_of_fit_p=fit.lack_of_fit_p,
            remarks=tuple(remarks),
        )
