"""Points whose loss depends on the size alone, or on the data alone.

L(N) holds for models trained on more data than matter, L(D) for models larger than the data can
use. A point counts as limited by N if in its surface E + A / N^alpha + B / D^beta the term of D is
at most `LARGEST_SHARE` of that of N, and as limited by D if the converse holds.
"""

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.classical.fitting import FamilyFits
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE
from relscale.laws.fit_error import FitError

LARGEST_SHARE = 0.05
"""Largest share of the other term in the main one."""
MIN_VALUES = 5
"""Different values of the variable."""
MIN_RANGE = 10.0
"""Ratio of the largest and the smallest value."""
SYMBOL = {"params": "N", "tokens": "D"}


def limited_by(fits: FamilyFits, variable: str) -> tuple[Array, list[FitError | None]]:
    """Return weights of the points that are limited by one variable.

    Args:
        fits: of a family.
        variable: `params` or `tokens`.

    Returns:
        1 where a run is, else 0, (domain, run), and per domain why there are too few; None where
        there are enough.
    """
    known = fits.losses.known
    axes = fits.losses.axes
    weights = np.zeros_like(known)
    failures: list[FitError | None] = []
    for row, fit in enumerate(fits.fit(HOFFMANN_SURFACE)):
        if isinstance(fit, FitError):
            failures.append(fit)
            continue
        if fit.status != Status.OK:
            failures.append(
                FitError(
                    Status.NOT_IDENTIFIED,
                    "the surface that shows which points are limited by "
                    f"{SYMBOL[variable]} is not identified",
                )
            )
            continue
        _, size, data, alpha, beta = fit.parameters
        # Natural logs of the terms A / N^alpha and B / D^beta.
        from_params = size - np.exp(alpha) * axes.params
        from_tokens = data - np.exp(beta) * axes.tokens
        share = from_tokens - from_params  # natural log of the share of the term of D
        if variable == "tokens":
            share = -share
        weights[row] = known[row] * (share <= np.log(LARGEST_SHARE))
        failures.append(_too_few(getattr(axes, variable)[weights[row] > 0], variable))
    return weights, failures


def _too_few(log_values: Array, variable: str) -> FitError | None:
    """Return why values do not show a power law; None where they do."""
    number = len(np.unique(log_values.round(9)))
    span = float(np.exp(np.ptp(log_values))) if number else 1.0
    if number >= MIN_VALUES and span >= MIN_RANGE * (1 - 1e-9):
        return None
    symbol, share = SYMBOL[variable], f"{100 * LARGEST_SHARE:g} %"
    found = f"{number} value(s) of {symbol} over a factor of {span:.3g} are"
    return FitError(
        Status.NOT_INFINITE_DATA if variable == "params" else Status.NOT_INFINITE_SIZE,
        f"{found if number else f'no value of {symbol} is'} limited by it (the other term is at "
        f"most {share} of its own): {MIN_VALUES} over a factor of {MIN_RANGE:g} are needed",
    )
