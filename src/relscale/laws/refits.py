"""Refits of a law to drawn runs, and the intervals that they give."""

import numpy as np

from relscale.laws.cells import Array

NUM_PARAMETERS = 5
"""Of a surface."""
MOST_LOST = 0.05
"""There is no interval if more than this share of the refits failed."""


def pairs_weights(num_runs: int, draws: int, seed: int) -> Array:
    """Return weights of a pairs bootstrap, (1 + draws, run): ones, then how often a run is drawn.

    They depend on nothing but the numbers, so that refits of all domains use the same draws.
    """
    rng = np.random.default_rng([seed, 5])
    drawn = rng.multinomial(num_runs, np.full(num_runs, 1 / num_runs), size=draws)
    return np.concatenate([np.ones((1, num_runs)), drawn.astype(np.float64)])


def refit_interval(
    draws: Array, level: float, num_runs: int | None = None, num_parameters: int = NUM_PARAMETERS
) -> tuple[float, float]:
    """Return quantiles of refits, with their distances from the fit widened for a small sample.

    A bootstrap of n runs that a law with p parameters was fitted to is too narrow by about
    sqrt((n - p) / n). With this factor 95 % intervals of kappa and of both parts of a slope cover
    the truth in .93 to 1.0 of simulated suites of 20 to 36 runs, without it in .89 to .99.

    Args:
        draws: (draw,); the first is the fit, the others are refits.
        level: level of the interval.
        num_runs: number of runs that are drawn; None does not widen, for refits to residuals that
            leverages have scaled.
        num_parameters: parameters that were fitted to the runs.

    Returns:
        Both ends; NaN without refits, or if too many of them failed.
    """
    refits = draws[1:][np.isfinite(draws[1:])]
    if not len(refits) or len(refits) < (1 - MOST_LOST) * (len(draws) - 1):
        return (float(draws[0]),) * 2 if len(draws) == 1 else (float("nan"),) * 2
    low, high = np.quantile(refits, [0.5 - level / 2, 0.5 + level / 2])
    wider = np.sqrt(num_runs / max(num_runs - num_parameters, 1)) if num_runs else 1.0
    return float(draws[0] - wider * (draws[0] - low)), float(draws[0] + wider * (high - draws[0]))
