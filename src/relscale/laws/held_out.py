"""Leave-future-out: fits without the runs of the highest compute, and where they are tried.

A back-test is a row of weights that is 0 for the runs left out (`relscale.laws.gap_laws.base`).
"""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array, Flags, Index
from relscale.laws.run_points import RunPoints

MIN_GROUPS = 2
"""Groups of compute that a fit must have left."""
MIN_RUNS = 4
"""Runs that a fit must have left: one more than a line with a tilt has parameters."""
MOST_GROUPS = 8
"""Groups into which runs are sorted that have no budgets in common."""
LN10 = float(np.log(10))


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The runs up to some compute, from which the others are predicted."""

    train: Flags
    """Whether a run is fitted, (run,)."""
    log_compute: float
    """Natural log of the highest compute that is fitted, averaged over its group."""
    group: int
    """Index of the first group that is left out."""


@dataclass(frozen=True, kw_only=True)
class FutureSplits:
    """All ways to leave the highest compute out."""

    group: Index
    """Group of each run by rising compute, (run,): its budget, where budgets have several runs."""
    log_compute: Array
    """Mean natural log of the groups' compute, (group,)."""
    origins: tuple[Origin, ...]
    """By rising compute; empty where too few runs would be left."""

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

    def horizon(self, origin: Origin, log_compute: Array) -> Array:
        """Return the decades between an origin and natural logs of compute."""
        return np.asarray((log_compute - origin.log_compute) / LN10)


def future_splits(points: RunPoints) -> FutureSplits:
    """Return the ways to leave the highest compute out.

    Where the budgets have two sizes or more on average, budgets are left out, else runs.
    """
    group = compute_groups(points)
    number = int(group.max()) + 1
    middle = np.array([points.log_compute[group == index].mean() for index in range(number)])
    origins = []
    for first in range(max(MIN_GROUPS, (number + 1) // 2), number):
        train = group < first
        if int(train.sum()) >= MIN_RUNS:
            origins.append(Origin(train=train, log_compute=float(middle[first - 1]), group=first))
    return FutureSplits(group=group, log_compute=middle, origins=tuple(origins))


def compute_groups(points: RunPoints) -> Index:
    """Return the group of each run, (run,): its budget, or runs of neighbouring compute."""
    _, budget = np.unique(points.budget, return_inverse=True)
    cells = len(np.unique(points.cell))
    if cells >= 2 * (int(budget.max()) + 1):
        return budget.astype(np.int64)
    _, place = np.unique(np.round(points.log_compute, 6), return_inverse=True)
    number = int(place.max()) + 1
    if number <= MOST_GROUPS:
        return place.astype(np.int64)
    return np.asarray(place * MOST_GROUPS // number, dtype=np.int64)
