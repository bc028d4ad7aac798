"""The quality law: L = E + A / N^alpha + B / (D^beta Q^gamma).

Q is the quality of the tokens, here one minus the share of windows whose tokens are permuted
(arXiv:2510.03313). With gamma = 0 it is the surface of Hoffmann et al. exactly.
"""

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported, log_sum
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE

QUALITY = "log_quality"
"""Condition: natural log of Q, at most 0."""
LARGEST_EXPONENT = 20.0
"""Bound of the size of gamma."""


def _log_loss(theta: Parameters, axes: Axes) -> Parameters:
    return log_sum(
        theta[:, 0:1] + 0 * axes.params,
        theta[:, 1:2] - np.exp(theta[:, 3:4]) * axes.params,
        theta[:, 2:3]
        - np.exp(theta[:, 4:5]) * axes.tokens
        - theta[:, 5:6] * axes.conditions[QUALITY],
    )


def _starts(axes: Axes, log_loss: Array) -> Array:
    surface = HOFFMANN_SURFACE.starts(axes, log_loss)
    return np.array([[*row, exponent] for row in surface for exponent in (0.0, 0.5)])


def _bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    low, high = HOFFMANN_SURFACE.bounds(axes, log_loss)
    return np.array([*low, -LARGEST_EXPONENT]), np.array([*high, LARGEST_EXPONENT])


QUALITY_LAW = Form(
    name="quality",
    source="arXiv:2510.03313 (2025), with Q one minus the share of permuted windows",
    num_parameters=6,
    log_loss=_log_loss,
    reported=(
        *HOFFMANN_SURFACE.reported,
        Reported(name="gamma", value=lambda theta, axes: theta[:, 5], searched=5),
    ),
    starts=_starts,
    bounds=_bounds,
    simpler=HOFFMANN_SURFACE,
    min_sizes=3,
)
"""The law with the exponent gamma of the quality; the simpler law takes all tokens alike."""
