"""The protocol of a law of a gap for any design of runs.

As in `relscale.laws.loss_laws.base`, a fit, its bootstrap and its back-test are one call with
different weights of the runs.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.run_points import Places, RunPoints


class FittedGap(ABC):
    """A law of a gap with one set of parameters per row of weights."""

    remarks: tuple[str, ...] = ()
    """Notes for a reader."""

    @abstractmethod
    def log_gap(self, places: Places) -> Array:
        """Return log G, (draw, place), NaN where a refit failed.

        Raises:
            ValueError: if the law depends on the baseline's loss and `places` has none.
        """


class GapLaw(ABC):
    """A family of curves or surfaces for log G = log L_treatment - log L_baseline."""

    name: ClassVar[str]
    """Name in tables."""
    num_parameters: ClassVar[int]
    """Free parameters; of two laws that predict equally well the one with fewer is taken."""
    reads_baseline: ClassVar[bool] = False
    """Whether the law depends on the baseline's loss, so that a prediction needs that first."""

    def as_chosen(self, fitted: FittedGap) -> "GapLaw":
        """Return the law with the options that a fit chose, so that it is smooth in the values."""
        del fitted
        return self

    @abstractmethod
    def fit(self, points: RunPoints, weights: Array) -> FittedGap:
        """Fit the law once per row of weights.

        Args:
            points: runs with values of treatment and baseline.
            weights: (draw, run) of at least 0. The first row is the fit, the others are refits.

        Raises:
            FitError: the first row has no fit; its status says why.
        """

    def log_gap_of(
        self, points: RunPoints, fitted: FittedGap, values: Array, places: Places
    ) -> Array:
        """Fit the law to values near those that it was fitted to, and read it.

        Args:
            points: the runs.
            fitted: the law, fitted to them with equal weights.
            values: log values of the treatment that are tried instead, (change, run).
            places: where the fits are read.

        Returns:
            log G, (change, place).

        Raises:
            FitError: there is no fit.
        """
        ones = np.ones((1, points.num_runs))
        fits = [
            self.fit(replace(points, values=np.stack([row, *points.values[1:]])), ones)
            for row in values
        ]
        return np.array([fit.log_gap(places)[0] for fit in fits])
