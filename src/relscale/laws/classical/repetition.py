"""The data-constrained laws: what repeated tokens, and too many parameters for them, are worth.

In the surface of Hoffmann et al. the tokens D are replaced by D' = U + U R* (1 - exp(-R / R*)),
where U are the unique tokens and R = D / U - 1 the repetitions (Muennighoff et al., 2023,
arXiv:2305.16264, equation 5). `N` is replaced alike where a model has more parameters than are
compute-optimal for U (equation 6). Without a limit of the data both are the surface exactly, and
for R* towards infinity repeated tokens are worth as much as new ones.
"""

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.classical.form import Axes, Form, Parameters, Reported, log_sum
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE

UNIQUE = "log_unique"
"""Condition: natural log of the unique tokens less the mean log of D; infinite without a limit."""
LOG_DECAYS = (float(np.log(1e-2)), float(np.log(1e4)))
"""Bounds of the natural log of R*."""
START_DECAYS = (1.0, 15.0)
"""R* from which fits start; the source found 15 for tokens and 5 for parameters."""
SOURCE = "Muennighoff et al. (2023), arXiv:2305.16264, equations 5 and 6"


def worth(log_unique: Parameters, log_all: Parameters, log_decay: Parameters) -> Parameters:
    """Return log (U + U R* (1 - exp(-R / R*))) with R = all / U - 1, (fit, run).

    Args:
        log_unique: natural log of U, at most that of all, (fit, run) or (run,).
        log_all: natural log of all tokens or parameters, (run,).
        log_decay: natural log of R*, (fit, 1).
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a search refuses steps that overflow
        decay = np.exp(log_decay)
        repeated = np.expm1(log_all - log_unique)
        return np.asarray(log_unique + np.log1p(-decay * np.expm1(-repeated / decay)))


def _unique(axes: Axes) -> Array:
    """Return the natural log of the unique tokens of each run, at most that of D."""
    return np.minimum(axes.conditions[UNIQUE], axes.tokens)


def _terms(theta: Parameters, axes: Axes, params: Parameters) -> Parameters:
    """Return the log loss of the surface at effective parameters and tokens."""
    tokens = worth(_unique(axes), axes.tokens, theta[:, 5:6])
    with np.errstate(invalid="ignore"):
        return log_sum(
            theta[:, 0:1] + 0 * axes.params,
            theta[:, 1:2] - np.exp(theta[:, 3:4]) * params,
            theta[:, 2:3] - np.exp(theta[:, 4:5]) * tokens,
        )


def _of_tokens(theta: Parameters, axes: Axes) -> Parameters:
    return _terms(theta, axes, axes.params + 0 * theta[:, :1])


def optimal_params(theta: Parameters, log_tokens: Array) -> Parameters:
    """Return the log of the N for which tokens are compute-optimal at C = 6 N D, (fit, run).

    There alpha A / N^alpha = beta B / D^beta (Hoffmann et al., 2022, equation 4).
    """
    alpha, beta = np.exp(theta[:, 3:4]), np.exp(theta[:, 4:5])
    level = theta[:, 3:4] - theta[:, 4:5] + theta[:, 1:2] - theta[:, 2:3]
    return np.asarray((level + beta * log_tokens) / alpha)


def _of_both(theta: Parameters, axes: Axes) -> Parameters:
    limit = axes.conditions[UNIQUE]
    limited = np.isfinite(limit)
    best = optimal_params(theta, np.where(limited, limit, 0.0))
    excess = limited & (np.real(best) < axes.params)
    unique = np.where(excess, best, axes.params)
    return _terms(theta, axes, worth(unique, axes.params + 0 * best, theta[:, 6:7]))


def _form(more: int) -> Form:
    """Return the form with `more` decays after the parameters of the surface."""
    names = ("R_tokens", "R_params")[:more]

    def starts(axes: Axes, log_loss: Array) -> Array:
        surface = HOFFMANN_SURFACE.starts(axes, log_loss)
        return np.array(
            [[*row, *([np.log(decay)] * more)] for row in surface for decay in START_DECAYS]
        )

    def bounds(axes: Axes, log_loss: Array) -> tuple[Array, Array]:
        low, high = HOFFMANN_SURFACE.bounds(axes, log_loss)
        return (
            np.array([*low, *([LOG_DECAYS[0]] * more)]),
            np.array([*high, *([LOG_DECAYS[1]] * more)]),
        )

    def decay(place: int) -> Reported:
        return Reported(
            name=names[place],
            value=lambda theta, axes: theta[:, 5 + place],
            log=True,
            searched=5 + place,
        )

    return Form(
        name="data_constrained" if more == 1 else "data_constrained_params",
        source=SOURCE,
        num_parameters=5 + more,
        log_loss=_of_tokens if more == 1 else _of_both,
        reported=(*HOFFMANN_SURFACE.reported, *map(decay, range(more))),
        starts=starts,
        bounds=bounds,
        simpler=HOFFMANN_SURFACE if more == 1 else DATA_CONSTRAINED,
        min_sizes=3,
    )


DATA_CONSTRAINED = _form(1)
"""L = E + A / N^alpha + B / D'^beta; the simpler law takes repeated tokens for new ones."""
DATA_CONSTRAINED_PARAMS = _form(2)
"""L = E + A / N'^alpha + B / D'^beta."""
