"""The share of variance that a law explains."""

import math

import numpy as np

from relscale.laws.cells import Array

ROUNDING = 1e-12
"""Values that differ by less than this, relative to the largest or to 1, are equal: what is left is
rounding, of which no law explains a share."""


def r_squared(values: Array, residuals: Array) -> float:
    """Return R2, one minus the squared residuals over the squared deviations from the mean.

    It is negative where the mean fits better than the law.

    Args:
        values: values that a law was fitted to, such as log losses.  # (n,)
        residuals: values minus the law.  # (n,)

    Returns:
        The share; NaN for equal values.

    Examples:
        >>> r_squared(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0]))
        0.5
        >>> r_squared(np.array([2.0, 2.0 + 1e-15]), np.array([0.0, 1e-15]))
        nan
    """
    scale = max(1.0, float(np.max(np.abs(values), initial=0.0)))
    if not np.ptp(values) > ROUNDING * scale:
        return math.nan
    return 1 - float(np.sum(residuals**2)) / float(np.sum((values - values.mean()) ** 2))
