"""Values of a corpus whose surfaces are likely to be fitted, so that they are fitted together."""

from collections.abc import Iterator

import numpy as np

from relscale.laws.cells import Array, Flags, Index, SuiteRuns, average_seeds
from relscale.laws.run_points import RunPoints


class ExpectedLosses:
    """Log values of the domains of a corpus, and of means of two domains.

    Nothing depends on which values are expected but the time that fits take.
    """

    def __init__(self, runs: SuiteRuns) -> None:
        """Take the runs; no values are expected yet."""
        self.runs = runs
        self._values: dict[bytes, Array] = {}
        self._cells: dict[bytes, Array] = {}
        self._means: set[bytes] = set()

    def add(self, values: Array, cells: bool = True) -> None:
        """Expect log values, (run,), NaN where missing.

        Args:
            values: of a domain, or a mean of two.
            cells: whether a surface through the cells is expected as well as one through the runs.
        """
        if not np.isfinite(values).any():
            return
        self._values[values.tobytes()] = values
        if not cells:
            self._means.add(values.tobytes())
        else:
            runs = self.runs
            self.add_cells(average_seeds(values, runs.run_cell, runs.num_cells)[0])

    def add_cells(self, values: Array) -> None:
        """Expect log values of the cells, (cell,)."""
        self._cells[values.tobytes()] = values

    def like(self, points: RunPoints, means: bool = True) -> Iterator[Array]:
        """Return the values, (1, run), of domains that have exactly the runs of the points.

        Args:
            points: the runs.
            means: whether means of two domains are returned as well.
        """
        for name, values in self._values.items():
            if name in self._means and not means:
                continue
            known = np.isfinite(values)
            cell = self.runs.run_cell[known]
            if not np.array_equal(cell, points.cell):
                continue
            if np.array_equal(np.log(self.runs.params_model[cell]), points.log_params):
                yield values[None, known]

    def at_cells(self, cells: Index, usable: Flags) -> Iterator[Array]:
        """Return the values at cells of domains that have these and no others up to their budgets.

        Args:
            cells: the cells.
            usable: whether a cell has a score, (cell,).
        """
        of_budget = self.runs.cell_budget
        near = usable & (of_budget <= of_budget[cells].max(initial=-1))
        for values in self._cells.values():
            if np.array_equal(np.flatnonzero(near & np.isfinite(values)), cells):
                yield values[cells]
