"""Compute-optimal points without a parabola: the lowest size, the minimum of an Akima curve, the
minimum of a surface L(N, D).
"""

import numpy as np

from relscale.contract.status import Status
from relscale.laws.akima import akima_minimum, merge_equal
from relscale.laws.cells import Array, Index, SuiteRuns
from relscale.laws.fit_error import FitError
from relscale.laws.optimum import Optimum, interpolated_params, no_optimum
from relscale.laws.surface import Plane, fit_surface

LN10 = float(np.log(10))


def best_run(runs: SuiteRuns, index: int, cells: Index, score: Array, count: Array) -> Optimum:
    """Find one budget's lowest size, seeds averaged.

    Args:
        runs: the suite.
        index: of the budget.
        cells: the budget's cells that have a score.
        score: (cell,) log error, all cells.
        count: (cell,) runs behind each.
    """
    budget, num_runs = runs.budgets[index], int(np.sum(count[cells]))
    if len(cells) == 0:
        return no_optimum(budget, "best_run", 0, Status.TOO_FEW_RUNS)
    cell = int(cells[np.argmin(score[cells])])
    x = runs.log10_tokens[cells]
    if len(cells) == 1:
        status = Status.SINGLE_RUN
    elif runs.log10_tokens[cell] in (np.min(x), np.max(x)):
        status = Status.BEST_RUN_ON_EDGE
    else:
        status = Status.OK
    return Optimum(
        budget=budget,
        estimator="best_run",
        log10_tokens=float(runs.log10_tokens[cell]),
        params=float(runs.params_total[cell]),
        value=float(np.exp(score[cell])),
        curvature=float("nan"),
        location_variance=float("nan"),
        num_runs=num_runs,
        cell=cell,
        status=status,
    )


def akima_optimum(runs: SuiteRuns, index: int, cells: Index, score: Array, count: Array) -> Optimum:
    """Find the minimum of one budget's Akima curve; arguments as in `best_run`. One at an end of
    the range is none.
    """
    budget, num_runs = runs.budgets[index], int(np.sum(count[cells]))
    x, rows = merge_equal(runs.log10_tokens[cells])
    try:
        minimum = akima_minimum(x, rows @ score[cells])
    except FitError as error:
        return no_optimum(budget, "akima", num_runs, error.status)
    at = float(minimum.at)
    if not x[0] < at < x[-1]:
        return no_optimum(budget, "akima", num_runs, Status.OPTIMUM_OUTSIDE_SAMPLED_RANGE)
    return _fitted(
        "akima",
        runs,
        index,
        cells,
        num_runs,
        at,
        float(np.exp(minimum.read(rows @ score[cells]))),
    )


def surface_optima(
    runs: SuiteRuns, score: Array, weights: Array, count: Array
) -> tuple[Optimum, ...]:
    """Find the minimum of one surface through all budgets along each budget's line; arguments as in
    `best_run`, weights (cell,).
    """
    known = np.flatnonzero(weights > 0)
    runs_of = [
        int(np.sum(count[known[runs.cell_budget[known] == index]]))
        for index in range(len(runs.budgets))
    ]
    try:
        plane = Plane.of(runs.params_model[known], 10 ** runs.log10_tokens[known])
    except FitError as error:
        return tuple(
            no_optimum(budget, "surface", number, error.status)
            for budget, number in zip(runs.budgets, runs_of, strict=True)
        )
    surface, _ = fit_surface(plane, np.exp(score[known]), weights[known])
    found = []
    for index, budget in enumerate(runs.budgets):
        cells = known[runs.cell_budget[known] == index]
        level, falls = budget_line(runs, cells)
        at = float(surface.optimum(level, falls)[0]) / LN10
        if not (
            len(cells) > 1
            and runs.log10_tokens[cells].min() <= at <= runs.log10_tokens[cells].max()
        ):
            status = Status.OPTIMUM_OUTSIDE_SAMPLED_RANGE if len(cells) > 1 else Status.TOO_FEW_RUNS
            found.append(no_optimum(budget, "surface", runs_of[index], status))
            continue
        lowest = float(
            surface.predict(np.array([level - falls * at * LN10]), np.array([at * LN10]))[0]
        )
        remarks = () if surface.converged[0] else ("the surface did not converge",)
        found.append(_fitted("surface", runs, index, cells, runs_of[index], at, lowest, remarks))
    return tuple(found)


def budget_line(runs: SuiteRuns, cells: Index) -> tuple[float, float]:
    """Return level and fall of log N = level - fall x log D through a budget's sizes (N:
    transformer and head), by least squares.

    NaN with fewer than two token counts. At a given compute N D is nearly constant, and the fall
    nearly 1.
    """
    log_tokens, log_params = runs.log10_tokens[cells] * LN10, np.log(runs.params_model[cells])
    if len(cells) < 2 or np.ptp(log_tokens) == 0:
        return float("nan"), float("nan")
    away = log_tokens - log_tokens.mean()
    falls = -float(away @ log_params / (away @ away))
    return float(log_params.mean() + falls * log_tokens.mean()), falls


def _fitted(
    estimator: str,
    runs: SuiteRuns,
    index: int,
    cells: Index,
    num_runs: int,
    at: float,
    error: float,
    remarks: tuple[str, ...] = (),
) -> Optimum:
    return Optimum(
        budget=runs.budgets[index],
        estimator=estimator,
        log10_tokens=at,
        params=interpolated_params(runs.log10_tokens[cells], runs.params_total[cells], at),
        value=error,
        curvature=float("nan"),
        location_variance=float("nan"),
        num_runs=num_runs,
        cell=-1,
        status=Status.OK,
        remarks=remarks,
    )
