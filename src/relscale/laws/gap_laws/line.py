"""The law `line`: log G is linear in log F over all runs."""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.least_squares import weighted_least_squares
from relscale.laws.run_points import Places, RunPoints


@dataclass(frozen=True, kw_only=True)
class FittedLine(FittedGap):
    """log G = level + slope (log F - center)."""

    center: float
    """Mean log compute of the runs."""
    coefficients: Array
    """Level and slope, (draw, 2)."""

    def log_gap(self, places: Places) -> Array:
        """Return log G, (draw, place)."""
        x = places.log_compute - self.center
        return np.asarray(self.coefficients @ np.stack([np.ones_like(x), x]))


class Line(GapLaw):
    """log G = level + slope (log F - center), by least squares over runs."""

    name = "line"
    num_parameters = 2

    def fit(self, points: RunPoints, weights: Array) -> FittedLine:
        """Fit one line per row of weights; see `GapLaw.fit`."""
        center = float(np.mean(points.log_compute))
        x = points.log_compute - center
        design = np.stack([np.ones_like(x), x], axis=1)
        found = weighted_least_squares(design, points.log_gap, weights)
        if not np.isfinite(found[0]).all():
            raise FitError(Status.TOO_FEW_BUDGETS, "a line in log F needs runs at 2 compute values")
        return FittedLine(center=center, coefficients=found)
