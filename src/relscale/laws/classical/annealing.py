"""The law of a training curve: L(s) = L_0 + A S_1^-alpha - C S_2 (Tissue et al., 2024).

S_1(s) is the sum of the learning rates up to step s, and S_2(s) the area that annealing has won
(arXiv:2408.11029, equation 1):

    S_2(s) = sum over i <= s of sum over k <= i of (rate_(k-1) - rate_k) lambda^(i - k).

Rates are divided by their peak. Warm-up does not count as annealing: in S_2, rates before the peak
are the peak. The source has lambda = .999 for runs of tens of thousands of steps; here its memory
is a share of the run (`MEMORY_SHARE`), since short runs anneal within fewer steps.
"""

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported
from relscale.laws.classical.starts import floor_and_terms

SUM, ANNEALED = "log_rate_sum", "annealed"
"""Conditions: natural log of S_1 less its mean, and S_2 over the number of steps of the run."""
MEMORY_SHARE = 0.03
"""Steps of the memory of S_2, 1 / (1 - lambda), over the steps of the run."""
LOG_EXPONENTS = (float(np.log(0.01)), float(np.log(5.0)))
LOG_GAINS = (float(np.log(1e-6)), float(np.log(1e3)))
"""Bounds of the natural log of C, per unit of S_2 over the steps."""


def areas(steps: Array, rates: Array) -> tuple[Array, Array]:
    """Return S_1 in peak steps, and S_2 over the number of steps, at the rows of a curve.

    Args:
        steps: steps of the rows, rising, (row,); the last is the end of the run.
        rates: learning rates of the rows, (row,); between them they are linear.
    """
    number = int(steps[-1])
    every = np.interp(np.arange(1, number + 1), steps, rates) / rates.max()
    first = int(np.argmax(every >= every.max() * (1 - 1e-9)))
    annealing = every.copy()
    annealing[:first] = every[first]
    falls = -np.diff(annealing, prepend=annealing[0])
    memory = 1 - 1 / max(2.0, MEMORY_SHARE * number)
    kept = np.empty(number)
    level = 0.0
    for place, fall in enumerate(falls):
        level = memory * level + fall
        kept[place] = level
    places = np.round(steps).astype(np.int64) - 1
    return np.cumsum(every)[places], np.cumsum(kept)[places] / number


def _power(theta: Parameters, axes: Axes) -> Parameters:
    rest = theta[:, 1:2] - np.exp(theta[:, 2:3]) * axes.conditions[SUM]
    return np.asarray(np.exp(theta[:, 0:1]) + np.exp(rest))


def _annealed(theta: Parameters, axes: Axes) -> Parameters:
    loss = _power(theta, axes) - np.exp(theta[:, 3:4]) * axes.conditions[ANNEALED]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.log(loss))


def _starts_of_power(axes: Axes, log_loss: Array) -> Array:
    del axes
    return np.array(
        [
            [*floor_and_terms(log_loss, floor), np.log(exponent)]
            for floor in (0.3, 0.7, 0.9)
            for exponent in (0.15, 0.5, 1.2)
        ]
    )


def _bounds_of_power(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    del axes
    lowest = float(log_loss.min())
    return (
        np.array([lowest - 7.0, lowest - 9.0, LOG_EXPONENTS[0]]),
        np.array([lowest, np.inf, LOG_EXPONENTS[1]]),
    )


def _starts(axes: Axes, log_loss: Array) -> Array:
    plain = _starts_of_power(axes, log_loss)
    return np.array([[*row, np.log(gain)] for row in plain for gain in (0.1, 1.0, 5.0)])


def _bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
    low, high = _bounds_of_power(axes, log_loss)
    return np.array([*low, LOG_GAINS[0]]), np.array([*high, LOG_GAINS[1]])


_OF_POWER = (
    Reported(name="L_0", value=lambda theta, axes: theta[:, 0], log=True, searched=0),
    Reported(name="alpha", value=lambda theta, axes: theta[:, 2], log=True, searched=2),
)
NO_ANNEALING = Form(
    name="rate_sum",
    source="Tissue et al. (2024), arXiv:2408.11029, equation 1 with C = 0",
    num_parameters=3,
    log_loss=lambda theta, axes: np.log(_power(theta, axes)),
    reported=_OF_POWER,
    starts=_starts_of_power,
    bounds=_bounds_of_power,
    min_sizes=1,
)
"""L = L_0 + A S_1^-alpha."""
LR_ANNEALING = Form(
    name="lr_annealing",
    source="Tissue et al. (2024), arXiv:2408.11029, equation 1",
    num_parameters=4,
    log_loss=_annealed,
    reported=(
        *_OF_POWER,
        Reported(name="C", value=lambda theta, axes: theta[:, 3], log=True, searched=3),
    ),
    starts=_starts,
    bounds=_bounds,
    simpler=NO_ANNEALING,
    min_sizes=1,
)
"""L = L_0 + A S_1^-alpha - C S_2."""
