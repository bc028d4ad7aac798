"""Weighted linear least squares, once per row of weights."""

import numpy as np

from relscale.laws.cells import Array

SMALLEST_PIVOT = 1e-8
"""Columns scaled to unit length count as independent where the smallest eigenvalue of their
products is at least this: a condition number of the design of about 1e4."""


def weighted_least_squares(design: Array, values: Array, weights: Array) -> Array:
    """Fit values linearly in the columns of a design.

    Args:
        design: (run, column).
        values: (run,).
        weights: (draw, run) of at least 0.

    Returns:
        Coefficients (draw, column); NaN where the weighted columns do not identify them.
    """
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    count = design.shape[1]
    gram = (weights @ products).reshape(-1, count, count)
    right = weights @ (design * values[:, None])
    size = np.sqrt(np.maximum(np.einsum("kii->ki", gram), 1e-300))
    scaled = gram / (size[:, :, None] * size[:, None, :])
    solvable = np.isfinite(scaled).all(axis=(1, 2))
    scaled[~solvable] = np.eye(count)
    solvable &= np.linalg.eigvalsh(scaled)[:, 0] >= SMALLEST_PIVOT
    scaled[~solvable] = np.eye(count)
    found = np.linalg.solve(scaled, (right / size)[:, :, None])[:, :, 0] / size
    found[~solvable] = np.nan
    return np.asarray(found)
