"""Irreducible losses of domains, from the surface of each domain, with bootstrap draws.

Loss-to-loss laws need a floor E for either domain. Both floors fitted freely to the losses of one
against the other run to their bounds, so they are taken from L(N, D) = E + A / N^alpha + B / D^beta
of each domain (Brandfonbrener et al., 2024, arXiv:2411.12925). Read `fit_floor` first;
`relscale.laws.floor_gate` has the rule that says whether a floor is identified.
"""

from dataclasses import dataclass, replace

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.floor_gate import GatedFloor, gate_floor
from relscale.laws.identifiability import (
    Identification,
    identify_saturating,
    identify_surface,
    identify_surfaces,
)
from relscale.laws.loss_laws.saturating import SATURATING
from relscale.laws.run_points import RunPoints
from relscale.laws.surface_fit.projection import (
    Plane,
    SurfaceBatch,
    fit_domains,
    fit_surface,
    fit_surfaces,
)

TOGETHER = 1e-3
"""log N and log D vary along one line where their second principal axis is this share of the
first."""
MIN_RESIDUAL_RUNS = 8
"""A surface has five parameters; with fewer runs their bootstrap is a game of chance."""
KAPPA_UNIT = 2.0
"""A saturating law searches exponents up to 2, a law of a loss by another one up to twice that."""


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The irreducible loss of one domain."""

    surfaces: SurfaceBatch
    """Surfaces of the domain, one per row of weights; the first is the fit."""
    gate: GatedFloor
    """Its interval over refits, and whether it is identified."""

    @property
    def draws(self) -> Array:
        """Return E, (draw,), the fit first."""
        return self.surfaces.irreducible


def fit_floor(
    points: RunPoints,
    values: Array,
    weights: Array,
    level: float,
    evidence: Identification | None = None,
) -> Floor:
    """Fit the surface of one domain and judge its floor (`relscale.laws.floor_gate`).

    Args:
        points: the runs.
        values: natural log of the domain's loss, (run,).
        weights: (draw, run); the first row is the fit, the others are refits.
        level: level of the interval.
        evidence: whether the runs identify the surface, by `identify_floors`; None judges it here.

    Raises:
        FitError: `too_few_runs`, where no surface can be fitted.
    """
    surfaces = fit_weighted_surfaces(points, np.exp(values), weights)
    alone = replace(points, values=values[None])
    gate = gate_floor(
        evidence or identify_surface(alone, surfaces.one(0), weights[0], level),
        surfaces.irreducible,
        float(np.exp(values.min())),
        level,
        points.num_runs,
        bool(surfaces.converged[0]),
    )
    return Floor(surfaces=surfaces, gate=gate)


def identify_floors(
    points: RunPoints, values: Array, weights: Array, level: float
) -> list[Identification]:
    """Return whether runs identify the surfaces of several domains, all at once.

    Args:
        points: the runs; their values are not read.
        values: natural logs of the losses, (domain, run).
        weights: of the runs, (run,).
        level: of the profile intervals.

    Raises:
        FitError: as `fit_floor`.
    """
    found = fit_domains(_plane(points), np.exp(values), weights)
    return identify_surfaces(points, values, [fit for fit, _ in found], weights, level)


def gate_treatment_floor(
    points: RunPoints, draws: Array, floor_baseline: float, weights: Array, level: float
) -> GatedFloor:
    """Judge the floor E_t of L_t = E_t + K (L_b - E_b)^kappa by the same gate.

    Given E_b that is a saturating law of 1 / (L_b - E_b) instead of compute, and the next simpler
    law is the one with E_t = 0.

    Args:
        points: runs with treatment and baseline.
        draws: E_t, (draw,); the first is the fit, the others are refits.
        floor_baseline: E_b, below all losses.
        weights: of the first fit, (run,).
        level: level of the intervals.

    Raises:
        FitError: there are fewer than three different losses of the baseline.
    """
    reducible = np.log(np.exp(points.values[-1]) - floor_baseline)
    by_loss = replace(points, log_compute=-KAPPA_UNIT * reducible, values=points.values[:1])
    fitted = SATURATING.fit(by_loss, weights[None])
    return gate_floor(
        identify_saturating(by_loss, fitted, weights, level),
        draws,
        float(np.exp(points.values[0].min())),
        level,
        points.num_runs,
    )


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
    plane = _plane(points)
    first, _ = fit_surface(plane, losses, weights[0])
    start = np.array([first.alpha[0], first.beta[0]])
    return fit_surfaces(plane, np.broadcast_to(losses, weights.shape), start, weights)


def _plane(points: RunPoints) -> Plane:
    """Return the plane of the runs.

    Raises:
        FitError: as `fit_weighted_surfaces`.
    """
    plane = Plane.of(np.exp(points.log_params), np.exp(points.log_tokens))
    if points.num_runs < MIN_RESIDUAL_RUNS:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{points.num_runs} runs, a surface with a bootstrap needs {MIN_RESIDUAL_RUNS}",
        )
    if not vary_apart(points.log_params, points.log_tokens):
        raise FitError(Status.TOO_FEW_RUNS, "sizes and tokens rise together")
    return plane


def vary_apart(log_params: Array, log_tokens: Array) -> bool:
    """Return whether log N and log D, (run,) each, vary apart from each other."""
    place = np.stack([log_params, log_tokens])
    spread = np.linalg.svd(place - place.mean(axis=1, keepdims=True), compute_uv=False)
    return bool(spread[1] > TOGETHER * spread[0])
