"""What an optimum is, whichever way it was found."""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """The compute-optimal point of one budget."""

    budget: str
    """Label of the budget."""
    estimator: str
    """`vertex`, `best_run`, `akima` or `surface`."""
    log10_tokens: float
    """log10 of the tokens; NaN where there is no optimum."""
    params: float
    """Parameters in all, interpolated between the runs; NaN where there is no optimum."""
    value: float
    """Value at the optimum (seed-averaged for the lowest run, else fitted)."""
    curvature: float
    """c2 of a parabola, log error per squared decade of tokens; NaN where none was fitted."""
    location_variance: float
    """Variance of `log10_tokens` of a vertex by the delta method, at most that of a uniform draw
    from the range; NaN where unknown."""
    num_runs: int
    """Runs behind it, seeds counted."""
    cell: int
    """Cell of the lowest run; -1 for the others."""
    status: Status
    """Whether laws may be fitted through it, and any reservation."""
    remarks: tuple[str, ...] = ()
    """Notes for a reader."""

    @property
    def usable(self) -> bool:
        """Whether laws may read the domains at this point."""
        return self.status.is_usable_optimum


def no_optimum(
    budget: str, estimator: str, num_runs: int, status: Status, curvature: float = float("nan")
) -> Optimum:
    """Return a budget's row where there is no optimum."""
    nan = float("nan")
    return Optimum(
        budget=budget,
        estimator=estimator,
        log10_tokens=nan,
        params=nan,
        value=nan,
        curvature=curvature,
        location_variance=nan,
        num_runs=num_runs,
        cell=-1,
        status=status,
    )


def interpolated_params(x: Array, params: Array, at: float) -> float:
    """Interpolate log parameters in log tokens (within a budget the one falls as the other
    rises).
    """
    order = np.argsort(x, kind="stable")
    return float(np.exp(np.interp(at, x[order], np.log(params[order]))))
