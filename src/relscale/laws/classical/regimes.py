"""Runs whose loss depends on the size alone, or on the data alone.

L(N) holds for models trained on more data than matter, L(D) for models larger than the data can
use. A run counts as limited by N if it has at least `FACTOR` times the tokens at which the two
terms of its surface E + A / N^alpha + B / D^beta are equal, and as limited by D if it has at least
`FACTOR` times the parameters.
"""

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.classical.fitting import FamilyFits
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE
from relscale.laws.fit_error import FitError

FACTOR = 5.0
MIN_VALUES = 5
"""Different values of the variable."""
MIN_RANGE = 10.0
"""Ratio of the largest and the smallest value."""
SYMBOL = {"params": "N", "tokens": "D"}


def limited_by(fits: FamilyFits, variable: str) -> tuple[Array, list[FitError | None]]:
    """Return weights of the runs that are limited by one variable.

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
        if fit.evidence.reasons:
            failures.append(
                FitError(
                    Status.NOT_IDENTIFIED,
                    "the surface that tells which runs are limited by "
                    f"{SYMBOL[variable]} is not identified",
                )
            )
            continue
        _, size, data, alpha, beta = fit.parameters
        from_params = size - np.exp(alpha) * axes.params
        from_tokens = data - np.exp(beta) * axes.tokens
        if variable == "params":
            beyond = (from_params - from_tokens) / np.exp(beta)
        else:
            beyond = (from_tokens - from_params) / np.exp(alpha)
        weights[row] = known[row] * (beyond >= np.log(FACTOR))
        failures.append(_too_few(getattr(axes, variable)[weights[row] > 0], variable))
    return weights, failures


def _too_few(log_values: Array, variable: str) -> FitError | None:
    """Return why values do not show a power law; None where they do."""
    number = len(np.unique(log_values.round(9)))
    span = float(np.exp(np.ptp(log_values))) if number else 1.0
    if number >= MIN_VALUES and span >= MIN_RANGE * (1 - 1e-9):
        return None
    return FitError(
        Status.NOT_INFINITE_DATA if variable == "params" else Status.NOT_INFINITE_SIZE,
        f"{number} value(s) of {SYMBOL[variable]} over a factor of {span:.3g} "
        f"are limited by it: {MIN_VALUES} over a factor of {MIN_RANGE:g} are needed",
    )
