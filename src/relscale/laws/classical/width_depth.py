"""Width or depth: L = E + A / N^alpha + B / D^beta + c (log(width / layers) - m)^2.

At equal N, a model that is wider or deeper than exp(m) times loses c per squared log ratio. Kaplan
et al. (2020, arXiv:2001.08361, section 3.2 and figure 5) found the loss to depend only weakly on
the shape. With c = 0 it is the surface of Hoffmann et al.
"""

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported, log_sum
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE

ASPECT = "log_aspect"
"""Condition: natural log of width over layers."""
LOG_CURVATURES = (float(np.log(1e-7)), float(np.log(10.0)))
"""Bounds of the natural log of c."""
MOST_ASPECT = 12.0
"""Bounds of m: the natural log of a width over layers of 6e-6 and of 2e5."""


def _log_loss(theta: Parameters, axes: Axes) -> Parameters:
    surface = log_sum(
        theta[:, 0:1] + 0 * axes.params,
        theta[:, 1:2] - np.exp(theta[:, 3:4]) * axes.params,
        theta[:, 2:3] - np.exp(theta[:, 4:5]) * axes.tokens,
    )
    bend = np.exp(theta[:, 5:6]) * (axes.conditions[ASPECT] - theta[:, 6:7]) ** 2
    return np.asarray(surface + np.log1p(bend * np.exp(-surface)))


def _starts(axes: Axes, log_loss: Array) -> Array:
    surface = HOFFMANN_SURFACE.starts(axes, log_loss)
    middle = float(np.median(axes.conditions[ASPECT]))
    return np.array(
        [
            [*row, np.log(curvature), middle + shift]
            for row in surface
            for curvature in (1e-3, 3e-2)
            for shift in (-1.0, 1.0)
        ]
    )


def _bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    low, high = HOFFMANN_SURFACE.bounds(axes, log_loss)
    return (
        np.array([*low, LOG_CURVATURES[0], -MOST_ASPECT]),
        np.array([*high, LOG_CURVATURES[1], MOST_ASPECT]),
    )


WIDTH_OR_DEPTH = Form(
    name="width_or_depth",
    source="Kaplan et al. (2020), arXiv:2001.08361, section 3.2, as a parabola of the log ratio",
    num_parameters=7,
    log_loss=_log_loss,
    reported=(
        *HOFFMANN_SURFACE.reported,
        Reported(name="c", value=lambda theta, axes: theta[:, 5], log=True, searched=5),
        Reported(name="m", value=lambda theta, axes: theta[:, 6], searched=6),
    ),
    starts=_starts,
    bounds=_bounds,
    simpler=HOFFMANN_SURFACE,
    min_sizes=3,
)
"""The surface with a parabola of log(width / layers)."""
