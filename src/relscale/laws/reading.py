"""Which budgets and sizes an estimator can use of a suite, and the rows that read a quantity at
their optima.
"""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.akima import akima_at, akima_row, merge_equal
from relscale.laws.cells import Array, Index, SuiteRuns, average_seeds
from relscale.laws.fit_error import FitError
from relscale.laws.isoflop import IsoflopFits, parabola

COMPUTE_SPREAD_NOTED = 1.1
"""A budget whose runs differ by more than this factor in compute is named in the status: its curve
is no IsoFLOP curve."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one estimator uses of a suite for one quantity (log E of a domain or log G), and the
    rows that read it.
    """

    budgets: Index
    """Budgets used, (budget,), indices into the suite's."""
    log_compute: Array
    """Natural log of their compute, (budget,)."""
    cells: Index
    """Cells used, (cell,), indices into the suite's."""
    cell_budget: Index
    """Budget of each used cell, (cell,), 0..number of used budgets - 1."""
    distance: Array
    """log10 tokens less the optimum's, (cell,)."""
    values: Array
    """The quantity, (cell,)."""
    notes: tuple[str, ...]
    """Budgets left out, and why."""

    @property
    def groups(self) -> list[Index]:
        """Used cells of each budget, as positions in `cells`."""
        return [np.flatnonzero(self.cell_budget == index) for index in range(len(self.budgets))]


def take_reading(
    runs: SuiteRuns, fits: IsoflopFits, values: Array, estimator: str, below: int | None = None
) -> Reading:
    """Choose the budgets and cells that an estimator can use.

    Args:
        runs: the suite.
        fits: its optima.
        values: (run,) the quantity, NaN where missing.
        estimator: name of an estimator that reads cells (not `surface`).
        below: use budgets with an index under this only (back-test).

    Raises:
        FitError: `no_usable_optimum` where no budget is left, `too_few_budgets` where one is.
    """
    mean, count = average_seeds(values, runs.run_cell, runs.num_cells)
    optima = fits.of(estimator)
    need = {"joint": 1, "vertex": 3, "best_run": 1, "akima": 3}[estimator]
    chosen: list[tuple[int, Index, float]] = []
    reasons: dict[str, list[str]] = {}
    unscored = 0
    for index, optimum in enumerate(optima[:below]):
        here = (runs.cell_budget == index) & (count > 0)
        cells = np.flatnonzero(here if estimator == "joint" else here & (fits.weights > 0))
        unscored += int(here.sum()) - len(cells)
        lacks_best = estimator == "best_run" and optimum.cell not in cells
        x = runs.log10_tokens[cells]
        few = len(np.unique(x)) < need or (
            estimator == "akima"
            and optimum.usable
            and not x.min() <= optimum.log10_tokens <= x.max()
        )
        if not optimum.usable:
            reasons.setdefault(optimum.status, []).append(optimum.budget)
        elif few or lacks_best:
            reasons.setdefault(Status.TOO_FEW_RUNS if few else "best run lacks a value", []).append(
                optimum.budget
            )
        else:
            chosen.append((index, cells, optimum.log10_tokens))
    notes = [f"budget(s) {' '.join(names)} left out: {reason}" for reason, names in reasons.items()]
    if unscored:
        notes.append(f"{unscored} size(s) left out: no loss to place the optimum by")
    if len(chosen) < 2:
        few = chosen or len(optima[:below]) < 2
        status = Status.TOO_FEW_BUDGETS if few else Status.NO_USABLE_OPTIMUM
        raise FitError(status, f"{len(chosen)} usable budget(s) and a law needs 2", notes)
    cells = np.concatenate([part for _, part, _ in chosen])
    return Reading(
        budgets=np.array([index for index, _, _ in chosen], dtype=np.int64),
        log_compute=np.array([np.mean(runs.log_compute[part]) for _, part, _ in chosen]),
        cells=cells,
        cell_budget=np.concatenate(
            [np.full(len(part), place) for place, (_, part, _) in enumerate(chosen)]
        ),
        distance=np.concatenate([runs.log10_tokens[part] - at for _, part, at in chosen]),
        values=mean[cells],
        notes=(*notes, *_cautions(runs, [optima[index].status for index, _, _ in chosen], cells)),
    )


def _cautions(runs: SuiteRuns, statuses: list[Status], cells: Index) -> list[str]:
    """Say what is soft about the optima used."""
    words = {
        Status.FLAT_WITHIN_NOISE: "optimum flat within noise",
        Status.BEST_RUN_ON_EDGE: "best run on the edge",
        Status.SINGLE_RUN: "only one size",
    }
    counts = {text: statuses.count(status) for status, text in words.items()}
    notes = [f"{text} in {count} budget(s)" for text, count in counts.items() if count]
    spread = max(
        float(np.ptp(runs.log_compute[cells[runs.cell_budget[cells] == index]]))
        for index in np.unique(runs.cell_budget[cells])
    )
    if spread > np.log(COMPUTE_SPREAD_NOTED):
        notes.append(f"runs of a budget differ by up to {100 * np.expm1(spread):.0f} % in compute")
    return notes


def point_rows(reading: Reading, estimator: str, runs: SuiteRuns, fits: IsoflopFits) -> Array:
    """Return the rows that read a quantity at each budget's optimum, (budget, cell), for `vertex`,
    `best_run` and `akima`.
    """
    rows = np.zeros((len(reading.budgets), len(reading.cells)))
    for place, cells in enumerate(reading.groups):
        if estimator == "best_run":
            rows[
                place,
                np.flatnonzero(reading.cells == fits.best_run[reading.budgets[place]].cell)[0],
            ] = 1.0
        elif estimator == "akima":
            x, merge = merge_equal(reading.distance[cells])
            rows[place, cells] = (
                akima_row(akima_at(x, merge @ fits.score[reading.cells[cells]], 0.0)) @ merge
            )
        else:
            fit = parabola(reading.distance[cells], fits.weights[reading.cells[cells]])
            rows[place, cells] = fit.basis(0.0) @ fit.solve
    return rows
