"""Units of a file's numbers, and the units of the losses table."""

import math

import numpy as np
import numpy.typing as npt

FACTORS = {
    "ones": 1.0,
    "thousands": 1e3,
    "millions": 1e6,
    "billions": 1e9,
    "trillions": 1e12,
    "petaflops": 1e15,
    "exaflops": 1e18,
    "petaflop_days": 8.64e19,
    "percent": 1e-2,
}
"""Factors of the units that have one. A petaFLOP/s-day is 1e15 x 86,400 FLOPs."""
COUNTS = frozenset(
    (
        "num_bytes",
        "num_items",
        "num_params_embedding",
        "num_params_head",
        "num_params_total",
        "num_params_transformer",
        "num_truncated",
        "tokens",
    )
)
"""Columns of whole numbers: after a conversion they are rounded to one."""


def converted(
    values: npt.NDArray[np.float64], unit: str | float, column: str
) -> npt.NDArray[np.float64]:
    """Return numbers of the file in the unit of the losses table.

    Args:
        values: numbers of the file.
        unit: the name of their unit, or a factor.
        column: the column of the losses table.

    Examples:
        >>> converted(np.array([190.0]), "millions", "num_params_total")
        array([1.9e+08])
    """
    if unit == "ones":
        return values
    found: npt.NDArray[np.float64]
    if unit == "log10":
        found = np.power(10.0, values)
    elif unit == "perplexity":
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(values)
    elif unit == "percent":
        # Dividing gives the float that is nearest to the share; multiplying by 0.01 does not.
        found = values / 100.0
    else:
        found = values * (FACTORS[unit] if isinstance(unit, str) else unit)
    return np.round(found) if column in COUNTS else found


def converted_error(
    errors: npt.NDArray[np.float64], values: npt.NDArray[np.float64], unit: str | float
) -> npt.NDArray[np.float64]:
    """Return standard errors of values in the unit of the losses table, to first order.

    Args:
        errors: standard errors in the unit of the file.
        values: the values in the unit of the file.
        unit: the unit, or a factor.
    """
    if unit == "log10":
        slopes: npt.NDArray[np.float64] = np.power(10.0, values) * math.log(10.0)
        return errors * slopes
    if unit == "perplexity":
        with np.errstate(divide="ignore", invalid="ignore"):
            return errors / values
    return converted(errors, unit, "standard_error")
