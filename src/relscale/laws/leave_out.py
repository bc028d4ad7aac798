"""Errors of laws at the largest budgets, which are left out of their fits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.fit_error import FitError

SHARES = (0.15, 0.3, 0.5)
"""Shares of the budgets that are left out, the largest ones, one share after the other."""

Predict = Callable[[Array], Array]
"""Fits a law once per row of weights, (draw, run), and returns the natural log of its predictions
at all runs, (draw, ..., run), NaN where a refit failed."""


@dataclass(frozen=True, kw_only=True)
class LeftOutErrors:
    """Held-out errors of several laws at the same runs."""

    errors: Mapping[str, float]
    """Root mean square error of the log value by law, the best first; NaN where a law has no
    prediction."""
    num_left_out: int
    """Predictions that each error is from."""

    @property
    def best(self) -> str:
        """Return the law with the lowest error."""
        return next(iter(self.errors))


def future_weights(budget: Index) -> Array:
    """Return weights that leave the largest budgets out, (split, run), 1 or 0.

    Args:
        budget: index of each run's budget by rising compute, (run,).

    Raises:
        FitError: `too_few_budgets` with fewer than three.
    """
    present = np.unique(budget)
    if len(present) < 3:
        raise FitError(
            Status.TOO_FEW_BUDGETS, f"{len(present)} budget(s), leaving some out needs 3"
        )
    counts = sorted({max(1, round(share * len(present))) for share in SHARES})
    return np.stack([(budget < present[-count]).astype(np.float64) for count in counts])


def compare_left_out(budget: Index, values: Array, laws: Mapping[str, Predict]) -> LeftOutErrors:
    """Compare laws by their errors at the largest budgets, which are left out of the fits.

    A law that has no fit gets an error of NaN. The others are compared at the runs which all of
    them predict.

    Args:
        budget: index of each run's budget by rising compute, (run,).
        values: natural log of the values that the laws predict, (..., run).
        laws: how each law fits and predicts.

    Raises:
        FitError: there are too few budgets to leave out, or no law predicts any of them.
    """
    weights = future_weights(budget)
    errors: dict[str, Array] = {}
    for name, predict in laws.items():
        try:
            errors[name] = _errors(predict, values, weights)
        except FitError:
            continue
    shared = np.all([np.isfinite(each) for each in errors.values()], axis=0) if errors else None
    if shared is None or not shared.any():
        raise FitError(Status.TOO_FEW_BUDGETS, "no law predicts the budgets that are left out")
    found = {name: float(np.sqrt(np.mean(each[shared] ** 2))) for name, each in errors.items()}
    ordered = dict(sorted(found.items(), key=lambda item: item[1]))
    return LeftOutErrors(
        errors=ordered | {name: float("nan") for name in laws if name not in found},
        num_left_out=int(shared.sum()),
    )


def _errors(predict: Predict, values: Array, weights: Array) -> Array:
    """Return predicted less observed values, (split, ..., run), NaN where a run was fitted.

    The first row of weights must have a fit, so that the splits with the fewest runs come last.
    """
    predicted = predict(weights)
    held_out = weights.reshape(len(weights), *([1] * (values.ndim - 1)), -1) == 0
    return np.where(held_out, predicted - values, np.nan)
