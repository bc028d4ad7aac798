"""The compute-optimal point of a budget, for all estimators."""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index, SuiteRuns

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """The compute-optimal point of one budget."""

    budget: str
    """Label of the budget."""
    estimator: str
    """Name of the estimator."""
    log10_tokens: float
    """log10 of the tokens; NaN where there is no optimum."""
    params: float
    """All parameters, interpolated between the runs; NaN where there is no optimum."""
    value: float
    """Value at the optimum: seed-averaged for `best_run`, else fitted."""
    num_runs: int
    """Number of runs used, seeds counted."""
    status: Status
    """Whether laws may be fitted through it, and any reservation."""
    curvature: float = NAN
    """c2 of a parabola, log value per squared decade of tokens; NaN without a parabola."""
    location_variance: float = NAN
    """Variance of `log10_tokens` of a vertex; NaN where unknown."""
    cell: int = -1
    """Cell of the size with the lowest loss, for `best_run`; else -1."""
    remarks: tuple[str, ...] = ()
    """Notes for a reader."""

    @property
    def usable(self) -> bool:
        """Whether laws may be fitted through this point."""
        return self.status.is_usable_optimum


def no_optimum(
    budget: str, estimator: str, num_runs: int, status: Status, curvature: float = NAN
) -> Optimum:
    """Return the row of a budget without an optimum."""
    return Optimum(
        budget=budget,
        estimator=estimator,
        log10_tokens=NAN,
        params=NAN,
        value=NAN,
        curvature=curvature,
        num_runs=num_runs,
        status=status,
    )


def fitted_optimum(
    estimator: str,
    runs: SuiteRuns,
    budget: str,
    cells: Index,
    num_runs: int,
    at: float,
    value: float,
    remarks: tuple[str, ...] = (),
) -> Optimum:
    """Return the optimum of a fitted curve at a log10 of the tokens."""
    return Optimum(
        budget=budget,
        estimator=estimator,
        log10_tokens=at,
        params=interpolated_params(runs.log10_tokens[cells], runs.params_total[cells], at),
        value=value,
        num_runs=num_runs,
        status=Status.OK,
        remarks=remarks,
    )


def interpolated_params(x: Array, params: Array, at: float) -> float:
    """Interpolate log parameters in log10 tokens; within a budget one falls as the other rises."""
    order = np.argsort(x, kind="stable")
    return float(np.exp(np.interp(at, x[order], np.log(params[order]))))
