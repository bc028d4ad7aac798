"""The law of Farseer: a data exponent that depends on the size.

L = exp(a_3 N^gamma + b_3) + exp(a_2 N^beta + b_2) D^-exp(a_1 N^alpha + b_1) (Li et al., 2025,
arXiv:2506.10972). As searched, a N^x + b = p + q (exp(x n) - 1) / x, where n is log N less its
mean: p and q are then level and slope at the mean, also where x is near 0. There a = q / x and
b = p - q / x have no finite value, so that they have no interval where that of x contains 0.
"""

from itertools import product

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported, log_sum
from relscale.laws.classical.starts import floor_and_terms
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE

SMALL = 1e-6
"""Exponents below are read by a series."""
BOUND = 1.0
"""Largest size of an exponent."""


def _power(theta: Parameters, first: int, n: Array) -> Parameters:
    """Return p + q (exp(x n) - 1) / x of three searched parameters, (fit, run)."""
    level, slope, exponent = (theta[:, first + place : first + place + 1] for place in range(3))
    near = np.abs(exponent) < SMALL
    safe = np.where(near, 1.0, exponent)
    curve = np.where(near, n + exponent * n**2 / 2, np.expm1(safe * n) / safe)
    return np.asarray(level + slope * curve)


def _log_loss(theta: Parameters, axes: Axes) -> Parameters:
    n = axes.params
    tokens = axes.tokens + axes.mean_tokens
    data = np.exp(_power(theta, 0, n))
    return log_sum(_power(theta, 6, n), _power(theta, 3, n) - data * tokens)


def _starts(axes: Axes, log_loss: Array) -> Array:
    found = []
    for floor, data, size in product((0.3, 0.6), (0.2, 0.4), (-0.2, 0.2)):
        lowest, rest = floor_and_terms(log_loss, floor)
        found.append(
            [
                *(np.log(data), 0.0, size),
                *(rest + data * axes.mean_tokens, -0.1, size),
                *(lowest, -0.1, size),
            ]
        )
    return np.array(found)


def _bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    del axes, log_loss
    free = [np.inf, np.inf, BOUND]
    return -np.array(free * 3), np.array(free * 3)


def _reported(first: int, number: int, exponent: str) -> tuple[Reported, ...]:
    """Return a, b and the exponent of one of the three powers."""

    def factor(theta: Parameters, axes: Axes) -> Parameters:
        level, power = theta[:, first + 1], theta[:, first + 2]
        return np.asarray(level / power * np.exp(-power * axes.mean_params))

    def constant(theta: Parameters, axes: Axes) -> Parameters:
        del axes
        return np.asarray(theta[:, first] - theta[:, first + 1] / theta[:, first + 2])

    return (
        Reported(name=f"a_{number}", value=factor, divided_by=exponent),
        Reported(name=f"b_{number}", value=constant, divided_by=exponent),
        Reported(name=exponent, value=lambda theta, axes: theta[:, first + 2], searched=first + 2),
    )


FARSEER = Form(
    name="farseer",
    source="Li et al. (2025), arXiv:2506.10972",
    num_parameters=9,
    log_loss=_log_loss,
    reported=(*_reported(0, 1, "alpha"), *_reported(3, 2, "beta"), *_reported(6, 3, "gamma")),
    starts=_starts,
    bounds=_bounds,
    simpler=HOFFMANN_SURFACE,
    min_runs=60,
    min_sizes=6,
)
"""Nine parameters, from 60 runs and six sizes on."""
