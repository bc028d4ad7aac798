"""Whether a rise of accuracy is explained by a smooth loss.

A task that seems to emerge with scale is *explained* if its accuracy is a sigmoid of its loss:
then a smooth fall of the loss is enough for the rise (Schaeffer et al., 2023, arXiv:2304.15004).
"""

from enum import StrEnum

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.sigmoid import MIN_RUNS_FREE, Sigmoid

SHAPE_LEVEL = 0.01
"""Below this p value of the isotonic check the sigmoid misses the shape."""


class Emergence(StrEnum):
    """Words of the column `emergence`."""

    EXPLAINED = "explained"
    """The accuracy is a sigmoid of the loss: isotonic check passed, no run outside the band."""
    NOT_EXPLAINED = "not_explained"
    """The sigmoid misses the shape, or runs are outside its band."""
    AT_CHANCE = "at_chance"
    """No run is distinguishable from guessing."""
    NOT_ENOUGH = "not_enough"
    """Too few runs, or an accuracy that does not depend on the loss."""


def runs_outside(fit: Sigmoid, level: float) -> int:
    """Return how many runs are outside the predictive band of the sigmoid.

    The band is simultaneous: with a probability of `level` all runs are inside it (Bonferroni).
    """
    number = len(fit.losses)
    away = np.abs(fit.data.accuracy - fit.predict(fit.losses))
    half = stats.t.ppf(1 - (1 - level) / (2 * number), fit.dof) * fit.noise_sd * fit.data.sigma
    return int(np.sum(away > half + 1e-12))


def emergence(
    fit: Sigmoid | None, isotonic_p: float, outside: int, all_at_chance: bool
) -> Emergence:
    """Return the word for one task.

    Args:
        fit: the sigmoid; None where there is none.
        isotonic_p: p value of the isotonic check.
        outside: runs outside the predictive band.
        all_at_chance: whether no run is distinguishable from guessing.
    """
    if all_at_chance:
        return Emergence.AT_CHANCE
    if fit is None or len(fit.losses) < MIN_RUNS_FREE or fit.status == Status.NO_RELATION:
        return Emergence.NOT_ENOUGH
    if isotonic_p >= SHAPE_LEVEL and not outside:
        return Emergence.EXPLAINED
    return Emergence.NOT_EXPLAINED
