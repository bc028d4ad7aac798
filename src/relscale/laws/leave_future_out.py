"""Leave-future-out: fits without the runs of the highest compute, and their errors there.

There is one definition of the future (`future_splits`) and one error: the root mean square of
predicted less observed log values, over all runs and origins that every compared law predicts
(`comparable`). The future is that of compute; for losses of sizes times tokens it is also that of
sizes and of tokens (`axes`). A back-test is a row of weights that is 0 for the runs left out
(`relscale.laws.gap_laws.base`). Laws that are functions of weights are compared by `compare_laws`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Flags, Index
from relscale.laws.fit_error import FitError
from relscale.laws.run_points import RunPoints

MIN_GROUPS = 2
"""Groups of compute that a fit must have left."""
MIN_RUNS = 4
"""Runs that a fit must have left: one more than a line with a tilt has parameters."""
MOST_GROUPS = 8
"""Groups into which budgets are merged that have no sizes to compare."""
SAME = 0.01
"""Natural log by which sizes or tokens of two groups differ at least."""
LN10 = float(np.log(10))
COMPUTE = "compute"
AXES = (COMPUTE, "params", "tokens")
"""Axes along which runs are left out: fields of `Places` without `log_`."""

Predict = Callable[[Array], Array]
"""Fits a law once per row of weights, (draw, run), and returns the natural log of its predictions
at all runs, (draw, ..., run), NaN where a refit failed."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The runs up to some compute, from which the others are predicted."""

    train: Flags
    """Whether a run is fitted, (run,)."""
    log_compute: float
    """Natural log of the highest compute that is fitted, averaged over its group."""
    group: int
    """Index of the first group that is left out."""
    axis: str = COMPUTE
    """Axis of the groups, one of `AXES`."""


@dataclass(frozen=True, kw_only=True)
class FutureSplits:
    """All ways to leave the highest compute out."""

    group: Index
    """Group of each run by rising compute, (run,): its budget, where budgets have several runs."""
    log_compute: Array
    """Mean natural log of the groups' compute, (group,)."""
    origins: tuple[Origin, ...]
    """By rising compute, then by rising size and tokens; empty where too few runs would be left."""
    groups: Mapping[str, Index]
    """Groups of each run by axis, (run,) each; those of compute are `group`."""

    @property
    def weights(self) -> Array:
        """Weights of a fit of all runs and of one fit per origin, (1 + origin, run)."""
        rows = [np.ones(len(self.group)), *(origin.train.astype(float) for origin in self.origins)]
        return np.stack(rows)

    @property
    def held_out(self) -> Flags:
        """Whether a run is predicted, (origin, run)."""
        if not self.origins:
            return np.zeros((0, len(self.group)), dtype=np.bool_)
        return np.stack([~origin.train for origin in self.origins])

    def known_before(self, axis: str, group: int) -> Flags:
        """Return which errors are known without the groups from one on, (origin, run).

        They are those of origins that fit some of the other runs, at the others of these.
        """
        present = self.groups[axis] < group
        known = np.zeros((len(self.origins), len(present)), dtype=np.bool_)
        for row, origin in enumerate(self.origins):
            if not (origin.train & ~present).any():
                known[row] = present & ~origin.train
        return known

    def horizon(self, origin: Origin, log_compute: Array) -> Array:
        """Return the decades between an origin and natural logs of compute."""
        return np.asarray((log_compute - origin.log_compute) / LN10)

    def errors(self, predicted: Array, observed: Array, parameters: int = 0) -> Array:
        """Return predicted less observed log values, (origin, ..., run), NaN where not left out.

        Args:
            predicted: one row per origin, (origin, ..., run).
            observed: (..., run).
            parameters: of the law; origins with no more runs than these predict nothing.
        """
        held_out = self.held_out.copy()
        for index, origin in enumerate(self.origins):
            held_out[index] &= int(origin.train.sum()) > parameters
        between = (1,) * (observed.ndim - 1)
        shaped = held_out.reshape(len(held_out), *between, len(self.group))
        return np.where(shaped, predicted - observed, np.nan)


def future_splits(
    points: RunPoints, least_runs: int = MIN_RUNS, axes: Sequence[str] = (COMPUTE,)
) -> FutureSplits:
    """Return the ways to leave the highest compute out, and the largest sizes and tokens.

    Each leaves out all groups of compute (`compute_groups`), sizes or tokens (`groups_along`) from
    one on, and fits at least half of the groups, and two of them. Of two that fit the same runs
    the first is kept.

    Args:
        points: the runs.
        least_runs: runs that a fit must have left.
        axes: of `AXES`, along which runs are left out; compute comes first.
    """
    group = compute_groups(points)
    number = int(group.max(initial=-1)) + 1
    middle = np.array([points.log_compute[group == index].mean() for index in range(number)])
    groups = {COMPUTE: group}
    groups |= {axis: groups_along(points, axis) for axis in axes if axis != COMPUTE}
    origins: list[Origin] = []
    for axis, of_runs in groups.items():
        number = int(of_runs.max(initial=-1)) + 1
        for first in range(max(MIN_GROUPS, (number + 1) // 2), number):
            train = of_runs < first
            if int(train.sum()) < least_runs:
                continue
            if any(np.array_equal(train, other.train) for other in origins):
                continue
            top = middle[first - 1] if axis == COMPUTE else points.log_compute[train].max()
            origins.append(Origin(train=train, log_compute=float(top), group=first, axis=axis))
    return FutureSplits(group=group, log_compute=middle, origins=tuple(origins), groups=groups)


def groups_along(points: RunPoints, axis: str) -> Index:
    """Return the group of each run by rising size or tokens, (run,), 0 for the lowest.

    Values that differ by less than 1 % are equal. More than `MOST_GROUPS` values are merged into
    that many groups with about as many runs each.
    """
    log_values = getattr(points, f"log_{axis}")
    order = np.argsort(log_values, kind="stable")
    steps = np.diff(log_values[order], prepend=log_values[order[:1]]) > SAME
    value = np.empty(len(order), dtype=np.int64)
    value[order] = np.cumsum(steps)
    return value if value.max(initial=-1) < MOST_GROUPS else _merged(value)


def compute_groups(points: RunPoints) -> Index:
    """Return the group of each run by rising compute, (run,), 0 for the lowest.

    A budget stays whole. It is a group of its own where the budgets have two sizes or more on
    average, or are no more than `MOST_GROUPS`. Other budgets are merged into that many groups with
    about as many runs each.
    """
    labels, budget = np.unique(points.budget, return_inverse=True)
    cells = len(np.unique(points.cell))
    if cells >= 2 * len(labels) or len(labels) <= MOST_GROUPS:
        return budget.astype(np.int64)
    return _merged(budget)


def _merged(label: Index) -> Index:
    """Merge consecutive labels into `MOST_GROUPS` groups of about as many runs, (run,)."""
    before = np.concatenate([[0], np.cumsum(np.bincount(label))[:-1]])
    merged = np.unique(before * MOST_GROUPS // len(label), return_inverse=True)[1]
    return np.asarray(merged[label], dtype=np.int64)


def comparable(errors: Mapping[str, Array]) -> tuple[list[str], Array]:
    """Return laws and their squared errors where all of them predict, (law, prediction).

    Laws that predict nothing are left out. Where no run is predicted by all others, the law that
    predicts the fewest is left out, too.
    """
    kept = [name for name, found in errors.items() if np.isfinite(found).any()]
    if not kept:
        return [], np.zeros((0, 0))
    common = np.isfinite([errors[name] for name in kept]).all(axis=0)
    while not common.any():
        kept.remove(min(kept, key=lambda name: int(np.isfinite(errors[name]).sum())))
        common = np.isfinite([errors[name] for name in kept]).all(axis=0)
    return kept, np.array([errors[name][common] ** 2 for name in kept])


def root_mean_square(errors: Array) -> float:
    """Return the root mean square of the errors that are known; NaN without any."""
    known = errors[np.isfinite(errors)]
    return float(np.sqrt(np.mean(known**2))) if len(known) else float("nan")


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


def compare_laws(splits: FutureSplits, values: Array, laws: Mapping[str, Predict]) -> LeftOutErrors:
    """Compare laws by their errors at the highest compute, which is left out of the fits.

    A law that has no fit gets an error of NaN.

    Args:
        splits: the ways to leave the highest compute out.
        values: natural log of the values that the laws predict, (..., run).
        laws: how each law fits and predicts.

    Raises:
        FitError: there is too little to leave out, or no law predicts any of it.
    """
    if not splits.origins:
        number = len(splits.log_compute)
        raise FitError(
            Status.TOO_FEW_BUDGETS, f"{number} budget(s), leaving some out needs 3 and enough runs"
        )
    # A law needs a fit of the first row, so that the one with the most runs comes first.
    weights = splits.weights[:0:-1]
    errors: dict[str, Array] = {}
    for name, predict in laws.items():
        try:
            errors[name] = splits.errors(predict(weights)[::-1], values)
        except FitError:
            continue
    names, squared = comparable(errors)
    if not names:
        raise FitError(Status.TOO_FEW_BUDGETS, "no law predicts the budgets that are left out")
    found = dict(zip(names, np.sqrt(squared.mean(axis=1)).tolist(), strict=True))
    ordered = dict(sorted(found.items(), key=lambda item: item[1]))
    return LeftOutErrors(
        errors=ordered | {name: float("nan") for name in laws if name not in found},
        num_left_out=squared.shape[1],
    )
