"""The budgets and sizes of a corpus that an estimator can use for a quantity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index, SuiteRuns, average_seeds
from relscale.laws.fit_error import FitError
from relscale.laws.optima.optimum import Optimum

COMPUTE_SPREAD_NOTED = 1.1
"""A budget whose runs differ by more than this factor in compute is named in the remarks:
its curve is not an IsoFLOP curve."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The budgets and cells that one estimator uses for one quantity."""

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
    below: int | None = None
    """Only budgets with a lower index were looked at (back-test); None: all."""

    @property
    def groups(self) -> list[Index]:
        """Used cells of each budget, as positions in `cells`."""
        return [np.flatnonzero(self.cell_budget == index) for index in range(len(self.budgets))]


class ChoosesBudgets(Protocol):
    """The part of an estimator that chooses the budgets and sizes to use."""

    @property
    def reads_unscored(self) -> bool:
        """Whether sizes without a loss to locate the optimum by are used."""

    def lacks(self, optimum: Optimum, cells: Index, log10_tokens: Array) -> str:
        """Return why a budget with a usable optimum cannot be read, empty where it can."""


def take_reading(
    runs: SuiteRuns,
    optima: Sequence[Optimum],
    values: Array,
    estimator: ChoosesBudgets,
    weights: Array,
    below: int | None = None,
) -> Reading:
    """Choose the budgets and cells that an estimator can use.

    Args:
        runs: runs of the corpus.
        optima: one per budget.
        values: (run,) the quantity, NaN where missing.
        estimator: an estimator that is linear in the values of the cells.
        weights: (cell,) 0 where a cell has no score.
        below: use only budgets with a lower index (back-test).

    Raises:
        FitError: `no_usable_optimum` where no budget is left, `too_few_budgets` where one is.
    """
    mean, count = average_seeds(values, runs.run_cell, runs.num_cells)
    chosen: list[tuple[int, Index, float]] = []
    reasons: dict[str, list[str]] = {}
    unscored = 0
    for index, optimum in enumerate(optima[:below]):
        here = (runs.cell_budget == index) & (count > 0)
        cells = np.flatnonzero(here if estimator.reads_unscored else here & (weights > 0))
        unscored += int(here.sum()) - len(cells)
        lack = (
            estimator.lacks(optimum, cells, runs.log10_tokens[cells])
            if optimum.usable
            else optimum.status.value
        )
        if lack:
            reasons.setdefault(lack, []).append(optimum.budget)
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
        below=below,
    )


def _cautions(runs: SuiteRuns, statuses: list[Status], cells: Index) -> list[str]:
    """Return remarks on the optima used."""
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
