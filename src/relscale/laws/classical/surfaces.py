"""Surfaces of N and D: the power law of both, Kaplan's, Hoffmann's, and the over-training form.

As searched, every term is exp(log term at the mean of the axes - exponent x axis), so that the
parameters are as little correlated as the runs allow.
"""

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported, log_sum
from relscale.laws.classical.power_laws import LOG_EXPONENTS, LOWEST_TERM
from relscale.laws.classical.starts import EXPONENT_PAIRS, SURFACE_FLOORS, floor_and_terms


def _plane(theta: Parameters, axes: Axes) -> Parameters:
    return np.asarray(theta[:, :1] - theta[:, 1:2] * axes.params - theta[:, 2:] * axes.tokens)


def _plane_starts(axes: Axes, log_loss: Array) -> Array:
    del axes
    return np.array([[log_loss.mean(), 0.1, 0.1]])


def _plane_bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    del axes, log_loss
    return np.full(3, -np.inf), np.full(3, np.inf)


PLANE = Form(
    name="plane",
    source="a power law of N and D; the simpler law of every surface",
    num_parameters=3,
    log_loss=_plane,
    reported=(),
    starts=_plane_starts,
    bounds=_plane_bounds,
)
"""log L = level - a_N log N - a_D log D."""


def _kaplan(theta: Parameters, axes: Axes) -> Parameters:
    size, data = np.exp(theta[:, 2:3]), np.exp(theta[:, 3:4])
    first = (theta[:, 0:1] - size * axes.params) / data
    second = (theta[:, 1:2] - data * axes.tokens) / data
    return np.asarray(data * log_sum(first, second))


def _kaplan_starts(axes: Axes, log_loss: Array) -> Array:
    del axes
    level = log_loss.mean()
    shares = ((-0.3, -1.5), (-0.7, -0.7), (-1.5, -0.3))
    return np.array(
        [
            [level + first, level + second, np.log(size), np.log(data)]
            for first, second in shares
            for size, data in EXPONENT_PAIRS
        ]
    )


def _kaplan_bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    del axes
    lowest = log_loss.min() + LOWEST_TERM
    return (
        np.array([lowest, lowest, LOG_EXPONENTS[0], LOG_EXPONENTS[0]]),
        np.array([np.inf, np.inf, LOG_EXPONENTS[1], LOG_EXPONENTS[1]]),
    )


KAPLAN_SURFACE = Form(
    name="kaplan_surface",
    source="Kaplan et al. (2020), arXiv:2001.08361, equation 1.5 and section 4",
    num_parameters=4,
    log_loss=_kaplan,
    reported=(
        Reported(
            name="N_c",
            value=lambda theta, axes: theta[:, 0] / np.exp(theta[:, 2]) + axes.mean_params,
            log=True,
            searched=0,
        ),
        Reported(
            name="D_c",
            value=lambda theta, axes: theta[:, 1] / np.exp(theta[:, 3]) + axes.mean_tokens,
            log=True,
            searched=1,
        ),
        Reported(name="alpha_N", value=lambda theta, axes: theta[:, 2], log=True, searched=2),
        Reported(name="alpha_D", value=lambda theta, axes: theta[:, 3], log=True, searched=3),
        Reported(
            name="overfitting_exponent",
            value=lambda theta, axes: theta[:, 2] - theta[:, 3],
            log=True,
        ),
    ),
    starts=_kaplan_starts,
    bounds=_kaplan_bounds,
    simpler=PLANE,
    min_sizes=3,
    remarks=("final losses of runs that need not have converged",),
)
"""L = [(N_c / N)^(alpha_N / alpha_D) + D_c / D]^alpha_D. Data that grow as N to the power of
`overfitting_exponent`, alpha_N / alpha_D, keep the overfitting constant (their fit: .74)."""


def _hoffmann(theta: Parameters, axes: Axes) -> Parameters:
    return log_sum(
        theta[:, 0:1] + 0 * axes.params,
        theta[:, 1:2] - np.exp(theta[:, 3:4]) * axes.params,
        theta[:, 2:3] - np.exp(theta[:, 4:5]) * axes.tokens,
    )


def _hoffmann_starts(axes: Axes, log_loss: Array) -> Array:
    del axes
    return np.array(
        [
            [*floor_and_terms(log_loss, floor, 2), np.log(size), np.log(data)]
            for floor in SURFACE_FLOORS
            for size, data in EXPONENT_PAIRS
        ]
    )


def _hoffmann_bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    del axes
    term, top = log_loss.min() + LOWEST_TERM, log_loss.min()
    return (
        np.array([term, term, term, LOG_EXPONENTS[0], LOG_EXPONENTS[0]]),
        np.array([top, np.inf, np.inf, LOG_EXPONENTS[1], LOG_EXPONENTS[1]]),
    )


HOFFMANN_SURFACE = Form(
    name="hoffmann_surface",
    source="Hoffmann et al. (2022), arXiv:2203.15556, section 3.3, by least squares of log L",
    num_parameters=5,
    log_loss=_hoffmann,
    reported=(
        Reported(name="E", value=lambda theta, axes: theta[:, 0], log=True, searched=0),
        Reported(
            name="A",
            value=lambda theta, axes: theta[:, 1] + np.exp(theta[:, 3]) * axes.mean_params,
            log=True,
            searched=1,
        ),
        Reported(
            name="B",
            value=lambda theta, axes: theta[:, 2] + np.exp(theta[:, 4]) * axes.mean_tokens,
            log=True,
            searched=2,
        ),
        Reported(name="alpha", value=lambda theta, axes: theta[:, 3], log=True, searched=3),
        Reported(name="beta", value=lambda theta, axes: theta[:, 4], log=True, searched=4),
        Reported(
            name="optimal_params_exponent",
            value=lambda theta, axes: 1 / (1 + np.exp(theta[:, 3] - theta[:, 4])),
        ),
    ),
    starts=_hoffmann_starts,
    bounds=_hoffmann_bounds,
    simpler=PLANE,
    min_sizes=3,
)
"""L = E + A / N^alpha + B / D^beta; `optimal_params_exponent` is beta / (alpha + beta)."""


def _overtraining(theta: Parameters, axes: Axes) -> Parameters:
    eta = np.exp(theta[:, 3:4])
    ratio = axes.tokens - axes.params
    return log_sum(
        theta[:, 0:1] + 0 * ratio,
        theta[:, 1:2] + eta * (ratio - axes.compute),
        theta[:, 2:3] - eta * (ratio + axes.compute),
    )


def _overtraining_starts(axes: Axes, log_loss: Array) -> Array:
    del axes
    return np.array(
        [
            [*floor_and_terms(log_loss, floor, 2), np.log(eta)]
            for floor in SURFACE_FLOORS
            for eta in (0.05, 0.15, 0.4)
        ]
    )


def _overtraining_bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    del axes
    term, top = log_loss.min() + LOWEST_TERM, log_loss.min()
    return (
        np.array([term, term, term, LOG_EXPONENTS[0]]),
        np.array([top, np.inf, np.inf, LOG_EXPONENTS[1]]),
    )


def _overtraining_scale(sign: float, index: int) -> Reported:
    """Return the coefficient of M^(sign eta)."""

    def value(theta: Parameters, axes: Axes) -> Parameters:
        ratio = axes.mean_tokens - axes.mean_params
        return np.asarray(
            theta[:, index] + np.exp(theta[:, 3]) * (axes.mean_compute - sign * ratio)
        )

    return Reported(name="a" if sign > 0 else "b", value=value, log=True, searched=index)


OVERTRAINING = Form(
    name="overtraining",
    source="Gadre et al. (2024), arXiv:2403.08540, section 3",
    num_parameters=4,
    log_loss=_overtraining,
    reported=(
        Reported(name="E", value=lambda theta, axes: theta[:, 0], log=True, searched=0),
        _overtraining_scale(1, 1),
        _overtraining_scale(-1, 2),
        Reported(name="eta", value=lambda theta, axes: theta[:, 3], log=True, searched=3),
    ),
    starts=_overtraining_starts,
    bounds=_overtraining_bounds,
    simpler=PLANE,
    min_runs=5,
    min_sizes=2,
)
"""L = E + (a M^eta + b M^-eta) C^-eta with M = D / N."""
