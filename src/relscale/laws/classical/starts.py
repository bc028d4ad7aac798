"""Starting values that several classical laws share."""

import numpy as np

from relscale.laws.cells import Array

EXPONENT_PAIRS = tuple((size, data) for size in (0.1, 0.3, 0.8) for data in (0.1, 0.3, 0.8))
"""Exponents of N and of D, all pairs."""
SURFACE_FLOORS = (0.2, 0.7)
"""Floors of surfaces, as shares of the smallest loss."""


def floor_and_terms(log_loss: Array, floor: float, terms: int = 1) -> list[float]:
    """Return the log of a floor, and of equal terms that leave about the mean loss.

    Args:
        log_loss: natural logs of the losses, (run,).
        floor: as a share of the smallest loss.
        terms: number of terms at the mean of the axes.
    """
    rest = float(log_loss.mean() + np.log((1 - 0.9 * floor) / terms))
    return [float(log_loss.min() + np.log(floor)), *([rest] * terms)]
