"""Irreducible losses of domains, from the surface of each domain, with bootstrap draws.

Loss-to-loss laws need a floor E for either domain. Both floors fitted freely to the losses of one
against the other run to their bounds, so they are taken from L(N, D) = E + A / N^alpha + B / D^beta
of each domain (Brandfonbrener et al., 2024, arXiv:2411.12925). Read `fit_floors` first.
"""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.run_points import RunPoints
from relscale.laws.surface_fit.projection import (
    BOUNDS,
    Plane,
    SurfaceBatch,
    fit_surface,
    fit_surfaces,
)

MARGIN = 0.005
"""A floor that is closer to 0 or to the lowest observed loss than this share of that loss is at its
bound."""
TOGETHER = 1e-3
"""log N and log D vary along one line where their second principal axis is this share of the
first."""
NUM_PARAMETERS = 5
"""Of a surface."""
MOST_LOST = 0.05
"""There is no interval if more than this share of the refits failed."""
MIN_RESIDUAL_RUNS = 8
"""A surface has five parameters; with fewer runs their bootstrap is a game of chance."""


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The irreducible loss of one domain."""

    surfaces: SurfaceBatch
    """Surfaces of the domain, one per row of weights; the first is the fit."""
    low: float
    """Lower quantile of the refits' floors at the level of the interval."""
    high: float
    """Upper quantile."""
    reason: str
    """Why the floor is not identified; empty where it is."""

    @property
    def identified(self) -> bool:
        """Whether the interval is inside the bounds."""
        return not self.reason

    @property
    def draws(self) -> Array:
        """Return E, (draw,), the fit first."""
        return self.surfaces.irreducible


def pairs_weights(num_runs: int, draws: int, seed: int) -> Array:
    """Return weights of a pairs bootstrap, (1 + draws, run): ones, then how often a run is drawn.

    They depend on nothing but the numbers, so that refits of all domains use the same draws.
    """
    rng = np.random.default_rng([seed, 5])
    drawn = rng.multinomial(num_runs, np.full(num_runs, 1 / num_runs), size=draws)
    return np.concatenate([np.ones((1, num_runs)), drawn.astype(np.float64)])


def fit_floor(points: RunPoints, values: Array, weights: Array, level: float) -> Floor:
    """Fit the surface of one domain and judge its floor.

    The floor is identified if its interval over the refits is inside its bounds, 0 and the lowest
    observed loss, and both exponents are inside theirs.

    Args:
        points: the runs.
        values: natural log of the domain's loss, (run,).
        weights: (draw, run); the first row is the fit, the others are refits.
        level: level of the interval.

    Raises:
        FitError: `too_few_runs`, where no surface can be fitted.
    """
    surfaces = fit_weighted_surfaces(points, np.exp(values), weights)
    tail = 0.5 - level / 2
    refits = slice(1, None) if len(weights) > 1 else slice(None)
    lowest = float(np.exp(values.min()))
    low, high, reason = floor_interval(surfaces.irreducible, lowest, level, points.num_runs)
    reasons = [reason]
    for name, exponent in (("alpha", surfaces.alpha), ("beta", surfaces.beta)):
        on_bound = (exponent <= BOUNDS[0] * 1.001) | (exponent >= BOUNDS[1] * 0.999)
        if np.mean(on_bound[refits]) > tail:
            reasons.append(f"{name} is on its bound")
    if not surfaces.converged[0]:
        reasons.append("the search did not converge")
    found = [reason for reason in reasons if reason]
    return Floor(surfaces=surfaces, low=low, high=high, reason=found[0] if found else "")


def floor_interval(
    draws: Array, lowest: float, level: float, num_runs: int | None = None
) -> tuple[float, float, str]:
    """Return the interval of a floor over refits, and why it is not inside its bounds, or "".

    Args:
        draws: the floor, (draw,); the first is the fit, the others are refits.
        lowest: the domain's lowest observed loss.
        level: level of the interval.
        num_runs: number of runs, as in `refit_interval`.
    """
    low, high = refit_interval(draws, level, num_runs)
    if not (low > MARGIN * lowest and draws[0] > 0):
        return low, high, "0 is in its interval"
    if not high < (1 - MARGIN) * lowest:
        return low, high, "the lowest loss is in its interval"
    return low, high, ""


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


def fit_weighted_surfaces(points: RunPoints, losses: Array, weights: Array) -> SurfaceBatch:
    """Fit a surface per row of weights; this is all that is asked of the surfaces' search.

    Args:
        points: the runs.
        losses: (run,).
        weights: (draw, run) of at least 0, all of which are above 0 in the first row.

    Raises:
        FitError: `too_few_runs` with too few runs, sizes or token counts, or where sizes and tokens
            rise together.
    """
    plane = Plane.of(np.exp(points.log_params), np.exp(points.log_tokens))
    if points.num_runs < MIN_RESIDUAL_RUNS:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{points.num_runs} runs, a surface with a bootstrap needs {MIN_RESIDUAL_RUNS}",
        )
    if not vary_apart(points.log_params, points.log_tokens):
        raise FitError(Status.TOO_FEW_RUNS, "sizes and tokens rise together")
    first, _ = fit_surface(plane, losses, weights[0])
    start = np.array([first.alpha[0], first.beta[0]])
    return fit_surfaces(plane, np.broadcast_to(losses, weights.shape), start, weights)


def vary_apart(log_params: Array, log_tokens: Array) -> bool:
    """Return whether log N and log D, (run,) each, vary apart from each other."""
    place = np.stack([log_params, log_tokens])
    spread = np.linalg.svd(place - place.mean(axis=1, keepdims=True), compute_uv=False)
    return bool(spread[1] > TOGETHER * spread[0])
