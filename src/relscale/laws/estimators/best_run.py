"""The estimator `best_run`: the optimum of a budget is its size with the lowest loss."""

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.estimators.linear import PointEstimator
from relscale.laws.estimators.reading import Reading
from relscale.laws.estimators.resample import Redraw
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.optima.optimum import Optimum, no_optimum


class BestRun(PointEstimator):
    """The size with the lowest loss, seeds averaged."""

    name = "best_run"

    def optimum(self, fits: IsoflopFits, budget: int) -> Optimum:
        """Return the size with the lowest loss."""
        runs, cells = fits.runs, fits.groups[budget]
        if len(cells) == 0:
            return no_optimum(runs.budgets[budget], self.name, 0, Status.TOO_FEW_RUNS)
        cell = int(cells[np.argmin(fits.score[cells])])
        x = runs.log10_tokens[cells]
        if len(cells) == 1:
            status = Status.SINGLE_RUN
        elif runs.log10_tokens[cell] in (np.min(x), np.max(x)):
            status = Status.BEST_RUN_ON_EDGE
        else:
            status = Status.OK
        return Optimum(
            budget=runs.budgets[budget],
            estimator=self.name,
            log10_tokens=float(runs.log10_tokens[cell]),
            params=float(runs.params_total[cell]),
            value=float(np.exp(fits.score[cell])),
            num_runs=fits.num_runs(budget),
            cell=cell,
            status=status,
        )

    def lacks(self, optimum: Optimum, cells: Index, log10_tokens: Array) -> str:
        """Return why a budget cannot be read: no size, or the best size has no value."""
        few = super().lacks(optimum, cells, log10_tokens)
        return few or ("" if optimum.cell in cells else "best run lacks a value")

    def row(self, fits: IsoflopFits, reading: Reading, place: int, cells: Index) -> Array:
        """Return a one for the best size."""
        best = fits.optima(self)[reading.budgets[place]].cell
        return (reading.cells[cells] == best).astype(np.float64)

    def redraw(self, drawn: Redraw) -> Array:
        """Read each draw at its lowest size."""
        return np.asarray(
            drawn.quantity[np.arange(len(drawn.score)), np.argmin(drawn.score, axis=1)]
        )
