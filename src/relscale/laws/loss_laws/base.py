"""The protocol of a law of one domain's loss over sizes, tokens and compute.

A fit, its bootstrap and its back-test are the same call with different weights of the runs: a
bootstrap draws how often each run counts, a back-test gives the runs that are held out no weight.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.run_points import Places, RunPoints


class FittedLoss(ABC):
    """A law with one set of parameters per row of weights."""

    remarks: tuple[str, ...] = ()
    """Notes for a reader."""

    @abstractmethod
    def log_loss(self, places: Places) -> Array:
        """Return the natural log of the loss, (draw, place), NaN where a refit failed."""


class LossLaw(ABC):
    """A family of curves or surfaces for the loss of one domain."""

    name: ClassVar[str]
    """Name in tables."""
    num_parameters: ClassVar[int]
    """Free parameters; of two laws that predict equally well the one with fewer is taken."""

    @abstractmethod
    def fit(self, points: RunPoints, weights: Array) -> FittedLoss:
        """Fit the law once per row of weights.

        Args:
            points: runs with the values of one domain.
            weights: (draw, run) of at least 0. The first row is the fit, the others are refits.

        Raises:
            FitError: the first row has no fit; its status says why.
        """

    def log_loss_of(
        self, points: RunPoints, fitted: FittedLoss, values: Array, places: Places
    ) -> Array:
        """Fit the law to values near those that it was fitted to, and read it.

        Args:
            points: runs with the values of one domain.
            fitted: the law, fitted to them with equal weights.
            values: log values that are tried instead, (change, run).
            places: where the fits are read.

        Returns:
            Natural log of the loss, (change, place).

        Raises:
            FitError: there is no fit.
        """
        ones = np.ones((1, points.num_runs))
        fits = [self.fit(replace(points, values=row[None]), ones) for row in values]
        return np.array([fit.log_loss(places)[0] for fit in fits])
