"""The power law with one smooth break (Caballero et al., 2022, arXiv:2210.14891, equation 1).

L = a + b C^-c0 (1 + (C / d)^(1 / f))^(-c1 f). As searched, with x the natural log of C less its
mean: log L = log sum exp(log a, level - c0 x - c1 f log(1 + exp((x - log d) / f))).
"""

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported, log_sum
from relscale.laws.classical.power_laws import LOWEST_TERM, power_law_with_floor
from relscale.laws.classical.starts import floor_and_terms

WIDTHS = (0.01, 5.0)
"""Lowest and highest f, in natural logs of compute."""
SLOPE = 3.0
"""Largest size of an exponent."""


def _log_loss(theta: Parameters, axes: Axes) -> Parameters:
    floor, level, before, change, place, width = (theta[:, k : k + 1] for k in range(6))
    width = np.exp(width)
    bend = log_sum(0 * axes.compute + 0 * place, (axes.compute - place) / width)
    return log_sum(floor + 0 * axes.compute, level - before * axes.compute - change * width * bend)


def _starts(axes: Axes, log_loss: Array) -> Array:
    low, high = axes.compute.min(), axes.compute.max()
    return np.array(
        [
            [
                *floor_and_terms(log_loss, floor),
                before,
                change,
                low + share * (high - low),
                np.log(0.5),
            ]
            for floor in (0.1, 0.7)
            for before, change in ((0.05, 0.1), (0.2, -0.1))
            for share in (0.25, 0.5, 0.75)
        ]
    )


def _bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    low, high, lowest = axes.compute.min(), axes.compute.max(), log_loss.min()
    return (
        np.array([lowest + LOWEST_TERM, -np.inf, -SLOPE, -SLOPE, low, np.log(WIDTHS[0])]),
        np.array([lowest, np.inf, SLOPE, SLOPE, high, np.log(WIDTHS[1])]),
    )


BROKEN = Form(
    name="broken_compute",
    source="Caballero et al. (2022), arXiv:2210.14891, equation 1 with one break",
    num_parameters=6,
    log_loss=_log_loss,
    reported=(
        Reported(name="a", value=lambda theta, axes: theta[:, 0], log=True, searched=0),
        Reported(
            name="b",
            value=lambda theta, axes: theta[:, 1] + theta[:, 2] * axes.mean_compute,
            log=True,
        ),
        Reported(name="c_0", value=lambda theta, axes: theta[:, 2], searched=2),
        Reported(name="c_1", value=lambda theta, axes: theta[:, 3], searched=3),
        Reported(
            name="d",
            value=lambda theta, axes: theta[:, 4] + axes.mean_compute,
            log=True,
            searched=4,
        ),
        Reported(name="f", value=lambda theta, axes: theta[:, 5], log=True, searched=5),
    ),
    starts=_starts,
    bounds=_bounds,
    simpler=power_law_with_floor("compute"),
    min_runs=8,
    min_sizes=1,
    min_budgets=8,
)
"""Compared with a power law with a floor at budgets that are left out; from eight budgets on."""
