"""Power laws of one variable: L(N), L(D) and L(C) of Kaplan et al., with and without a floor.

L = (x_c / x)^a (Kaplan et al., 2020, arXiv:2001.08361, equations 1.1 to 1.3), and the same with an
irreducible loss E. As searched: log L = log sum exp(e, level - a x), where x is the natural log of
the variable less its mean.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported, log_sum
from relscale.laws.classical.starts import floor_and_terms

EXPONENTS = (1e-3, 3.0)
"""Lowest and highest exponent: below, a power is a constant over any range that is trained."""
LOWEST_TERM = -12.0
"""Natural log of the least that a term may be, as a share of the smallest loss."""
STARTS = (0.05, 0.15, 0.4, 0.9)
"""Starting values of an exponent."""
FLOORS = (0.3, 0.7, 0.95)
"""Starting values of a floor, as shares of the smallest loss."""
LOG_EXPONENTS = (float(np.log(EXPONENTS[0])), float(np.log(EXPONENTS[1])))

Variable = Literal["params", "tokens", "compute"]
SYMBOLS: dict[Variable, str] = {"params": "N", "tokens": "D", "compute": "C"}
EQUATIONS: dict[Variable, str] = {"params": "1.1", "tokens": "1.2", "compute": "1.3"}
KAPLAN = "Kaplan et al. (2020), arXiv:2001.08361, equation {}"


def power_law(variable: Variable) -> Form:
    """Return L = (x_c / x)^a."""

    def log_loss(theta: Parameters, axes: Axes) -> Parameters:
        return np.asarray(theta[:, :1] - np.exp(theta[:, 1:]) * getattr(axes, variable))

    def scale(theta: Parameters, axes: Axes) -> Parameters:
        return np.asarray(theta[:, 0] / np.exp(theta[:, 1]) + getattr(axes, f"mean_{variable}"))

    def starts(axes: Axes, log_loss: Array) -> Array:
        del axes
        return np.array([[log_loss.mean(), np.log(start)] for start in STARTS])

    def bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
        del axes, log_loss
        return np.array([-np.inf, LOG_EXPONENTS[0]]), np.array([np.inf, LOG_EXPONENTS[1]])

    symbol = SYMBOLS[variable]
    return Form(
        name=f"kaplan_{variable}",
        source=KAPLAN.format(EQUATIONS[variable]),
        num_parameters=2,
        log_loss=log_loss,
        reported=(
            Reported(name=f"alpha_{symbol}", value=_searched(1), log=True, searched=1),
            Reported(name=f"{symbol}_c", value=scale, log=True),
        ),
        starts=starts,
        bounds=bounds,
        min_runs=5,
        min_sizes=1,
        min_budgets=1,
    )


def power_law_with_floor(variable: Variable) -> Form:
    """Return L = E + (x_c / x)^a."""

    def log_loss(theta: Parameters, axes: Axes) -> Parameters:
        x = getattr(axes, variable)
        return log_sum(theta[:, :1] + 0 * x, theta[:, 1:2] - np.exp(theta[:, 2:]) * x)

    def scale(theta: Parameters, axes: Axes) -> Parameters:
        return np.asarray(theta[:, 1] / np.exp(theta[:, 2]) + getattr(axes, f"mean_{variable}"))

    def starts(axes: Axes, log_loss: Array) -> Array:
        del axes
        return np.array(
            [[*floor_and_terms(log_loss, floor), log] for floor in FLOORS for log in np.log(STARTS)]
        )

    def bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
        del axes
        lowest = log_loss.min()
        return (
            np.array([lowest + LOWEST_TERM, -np.inf, LOG_EXPONENTS[0]]),
            np.array([lowest, np.inf, LOG_EXPONENTS[1]]),
        )

    symbol = SYMBOLS[variable]
    return Form(
        name=f"kaplan_{variable}_floor",
        source=KAPLAN.format(EQUATIONS[variable]) + ", with an irreducible loss",
        num_parameters=3,
        log_loss=log_loss,
        reported=(
            Reported(name="E", value=_searched(0), log=True, searched=0),
            Reported(name=f"alpha_{symbol}", value=_searched(2), log=True, searched=2),
            Reported(name=f"{symbol}_c", value=scale, log=True),
        ),
        starts=starts,
        bounds=bounds,
        simpler=power_law(variable),
        min_sizes=1,
        min_budgets=1,
    )


def _searched(index: int) -> Callable[[Parameters, Axes], Parameters]:
    """Return a formula that is one of the searched parameters."""

    def value(theta: Parameters, axes: Axes) -> Parameters:
        del axes
        return np.asarray(theta[:, index])

    return value
