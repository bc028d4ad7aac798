"""The protocol of a law of one domain's loss over sizes, tokens and compute.

A fit, its bootstrap and its back-test are the same call with different weights of the runs: a
bootstrap draws how often each run counts, a back-test gives the runs that are held out no weight.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

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
