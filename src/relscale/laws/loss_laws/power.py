"""The law `power`: L = coefficient x F^-exponent, without an irreducible loss."""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.least_squares import weighted_least_squares
from relscale.laws.loss_laws.base import FittedLoss, LossLaw
from relscale.laws.run_points import Places, RunPoints


@dataclass(frozen=True, kw_only=True)
class FittedPower(FittedLoss):
    """log L = level + slope (log F - center)."""

    center: float
    """Mean log compute of the runs."""
    coefficients: Array
    """Level and slope, (draw, 2)."""

    def log_loss(self, places: Places) -> Array:
        """Return the natural log of the loss, (draw, place)."""
        x = places.log_compute - self.center
        return np.asarray(self.coefficients @ np.stack([np.ones_like(x), x]))


class Power(LossLaw):
    """A straight line of log L in log F, by least squares over runs."""

    name = "power"
    num_parameters = 2

    def fit(self, points: RunPoints, weights: Array) -> FittedPower:
        """Fit one line per row of weights; see `LossLaw.fit`."""
        center = float(np.mean(points.log_compute))
        x = points.log_compute - center
        design = np.stack([np.ones_like(x), x], axis=1)
        found = weighted_least_squares(design, points.values[0], weights)
        if not np.isfinite(found[0]).all():
            raise FitError(Status.TOO_FEW_BUDGETS, "a power law needs runs at 2 compute values")
        return FittedPower(center=center, coefficients=found)


POWER = Power()
