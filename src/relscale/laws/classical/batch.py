"""The critical batch: (S / S_min - 1) (E / E_min - 1) = 1 (McCandlish et al., 2018).

S steps of B tokens reach a target loss with E = S B tokens (arXiv:1812.06162, equation 5.1), so
that S = S_min (1 + B_crit / B) and B_crit = E_min / S_min. Small batches cost steps, large ones
tokens. As a form, the fitted value is S, and the axis of sizes is log B.
"""

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported

LOG_RANGE = float(np.log(1e4))
"""B_crit is searched within this natural log of the batch sizes."""


def _log_steps(theta: Parameters, axes: Axes) -> Parameters:
    return np.asarray(theta[:, 0:1] + np.log1p(np.exp(theta[:, 1:2] - axes.params)))


def _starts(axes: Axes, log_steps: Array) -> Array:
    return np.array([[log_steps.min() - 0.7, place] for place in (-2.0, 0.0, 2.0)])


def _bounds(axes: Axes, log_steps: Array) -> tuple[Array, Array]:
    low, high = float(axes.params.min()), float(axes.params.max())
    return np.array([-np.inf, low - LOG_RANGE]), np.array([np.inf, high + LOG_RANGE])


def _perfect(theta: Parameters, axes: Axes) -> Parameters:
    return np.asarray(theta[:, 0:1] - axes.params)


PERFECT_SCALING = Form(
    name="perfect_scaling",
    source="the same tokens at every batch size; the simpler law of the critical batch",
    num_parameters=1,
    log_loss=_perfect,
    reported=(),
    starts=lambda axes, log_steps: np.array([[float(np.mean(log_steps + axes.params))]]),
    bounds=lambda axes, log_steps: (np.array([-np.inf]), np.array([np.inf])),
)
"""S = E / B."""

CRITICAL_BATCH = Form(
    name="critical_batch",
    source="McCandlish et al. (2018), arXiv:1812.06162, equation 5.1",
    num_parameters=2,
    log_loss=_log_steps,
    reported=(
        Reported(name="S_min", value=lambda theta, axes: theta[:, 0], log=True),
        Reported(
            name="E_min",
            value=lambda theta, axes: theta[:, 0] + theta[:, 1] + axes.mean_params,
            log=True,
        ),
        Reported(
            name="B_crit",
            value=lambda theta, axes: theta[:, 1] + axes.mean_params,
            log=True,
            searched=1,
        ),
    ),
    starts=_starts,
    bounds=_bounds,
    simpler=PERFECT_SCALING,
    min_runs=4,
    min_sizes=4,
    min_budgets=4,
)
"""S = S_min (1 + B_crit / B), in steps and tokens."""
