"""The estimator `akima`: the optimum of a budget is the minimum of an Akima curve."""

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.estimators.linear import PointEstimator
from relscale.laws.estimators.reading import Reading
from relscale.laws.estimators.resample import Redraw
from relscale.laws.fit_error import FitError
from relscale.laws.optima.akima import (
    MIN_SIZES,
    akima_at,
    akima_minimum,
    akima_row,
    merge_equal,
)
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.optima.optimum import Optimum, fitted_optimum, no_optimum


class Akima(PointEstimator):
    """The minimum of an Akima curve through the budget's sizes."""

    name = "akima"
    min_sizes = MIN_SIZES

    def optimum(self, fits: IsoflopFits, budget: int) -> Optimum:
        """Return the minimum of the curve; a minimum at an end of the range is not usable."""
        runs, cells = fits.runs, fits.groups[budget]
        label, num_runs = runs.budgets[budget], fits.num_runs(budget)
        x, merge = merge_equal(runs.log10_tokens[cells])
        score = merge @ fits.score[cells]
        try:
            minimum = akima_minimum(x, score)
        except FitError as error:
            return no_optimum(label, self.name, num_runs, error.status)
        at = float(minimum.at)
        if not x[0] < at < x[-1]:
            status = Status.OPTIMUM_OUTSIDE_SAMPLED_RANGE
            return no_optimum(label, self.name, num_runs, status)
        value = float(np.exp(minimum.read(score)))
        return fitted_optimum(self.name, runs, label, cells, num_runs, at, value)

    def lacks(self, optimum: Optimum, cells: Index, log10_tokens: Array) -> str:
        """Return why a budget cannot be read: too few sizes, or none on one side."""
        few = super().lacks(optimum, cells, log10_tokens)
        if few or not optimum.usable:
            return few
        inside = log10_tokens.min() <= optimum.log10_tokens <= log10_tokens.max()
        return "" if inside else "too_few_runs"

    def row(self, fits: IsoflopFits, reading: Reading, place: int, cells: Index) -> Array:
        """Return the coefficients of the curve's interpolation at its minimum."""
        x, merge = merge_equal(reading.distance[cells])
        score = merge @ fits.score[reading.cells[cells]]
        return np.asarray(akima_row(akima_at(x, score, 0.0)) @ merge)

    def redraw(self, drawn: Redraw) -> Array:
        """Read each draw at the minimum of its curve."""
        x, merge = merge_equal(drawn.x)
        return akima_minimum(x, drawn.score @ merge.T).read(drawn.quantity @ merge.T)
