"""Surfaces of a family of domains that share exponents: `shared_surfaces` and `shared_kappa`.

L_d = E_d + A_d / N^(kappa_d alpha) + B_d / D^(kappa_d beta). With `shared_surfaces` every kappa is
1; with `shared_kappa` only that of the baseline is. A law of a loss by another loss,
L_t - E_t = K (L_b - E_b)^kappa (Brandfonbrener et al., 2024), implies such surfaces. Fewer
exponents predict better where each domain's own are badly known, which `relscale.laws.choice`
decides by leaving the highest compute out.
"""

from dataclasses import dataclass, replace

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.loss_laws.surface import SURFACES, identified_rows, plane_of
from relscale.laws.run_points import Places, RunPoints
from relscale.laws.surface_fit.projection import BOUNDS, STARTS, Plane, fit_surface
from relscale.laws.surface_fit.search import Flags, Problem, Solution, search

KAPPA_BOUNDS = (0.1, 10.0)
"""Of the factor on both exponents."""
SMALLEST_VARIANCE = 1e-16
"""Of a domain about its surface; a smaller one is rounding."""
VARIANCE_RATIO = 1e-4
"""The least variance of a domain, as a share of the largest."""


@dataclass(frozen=True, kw_only=True)
class FamilySurfaces:
    """Surfaces of all domains of a family, one set per row of weights."""

    plane: Plane
    """The plane."""
    coefficients: Array
    """E, a and b at the plane's center, (draw, domain, 3)."""
    alpha: Array
    """Of each domain, (draw, domain)."""
    beta: Array
    """Of each domain, (draw, domain)."""
    kappa: Array
    """Factor on the baseline's exponents, (draw, domain)."""
    converged: Flags
    """Whether the search ended by itself, (draw,)."""

    def log_loss(self, domain: int, places: Places) -> Array:
        """Return the natural log of a domain's loss, (draw, place)."""
        n = places.log_params - self.plane.mean_log_params
        d = places.log_tokens - self.plane.mean_log_tokens
        floor, from_params, from_tokens = np.moveaxis(self.coefficients[:, domain, :, None], 1, 0)
        loss = (
            floor
            + from_params * np.exp(-self.alpha[:, domain, None] * n)
            + from_tokens * np.exp(-self.beta[:, domain, None] * d)
        )
        return np.asarray(np.log(loss))

    def gap(self, treatment: int = 0, baseline: int = -1) -> "FittedShared":
        """Return the gap between two domains, by their index."""
        return FittedShared(family=self, treatment=treatment, baseline=baseline)


@dataclass(frozen=True, kw_only=True)
class FittedShared(FittedGap):
    """A gap between two domains of `FamilySurfaces`."""

    family: FamilySurfaces
    """Surfaces of the family."""
    treatment: int
    """Index of the treatment."""
    baseline: int
    """Index of the baseline."""

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return a note where the search did not converge."""
        return () if self.family.converged[0] else ("the shared surfaces did not converge",)

    def log_gap(self, places: Places) -> Array:
        """Return log G, (draw, place)."""
        family = self.family
        return np.asarray(
            family.log_loss(self.treatment, places) - family.log_loss(self.baseline, places)
        )


class SharedSurfaces(GapLaw):
    """Surfaces whose exponents all domains of the points share, but for a factor kappa.

    `RunPoints.values` may have more domains than two: the first is the treatment, the last the
    baseline, and those between help to find the exponents. `fit_family` fits all of them once.
    """

    name: str  # type: ignore[misc]
    num_parameters: int  # type: ignore[misc]

    def __init__(self, name: str, with_kappa: bool) -> None:
        """Take the name in tables and whether each domain has its own kappa."""
        self.name, self.with_kappa = name, with_kappa
        self.num_parameters = 9 if with_kappa else 8

    def fit(self, points: RunPoints, weights: Array) -> FittedShared:
        """Fit the surfaces once per row of weights; see `GapLaw.fit`."""
        return self.fit_family(points, weights).gap()

    def fit_family(self, points: RunPoints, weights: Array) -> FamilySurfaces:
        """Fit the surfaces of all domains, the baseline last, once per row of weights.

        Raises:
            FitError: the first row has no fit; its status says why.
        """
        plane = plane_of(points, weights[0])
        losses = np.exp(points.values)  # (domain, run)
        own = [fit_surface(plane, loss, weights[0])[0] for loss in losses]
        variance = np.array([fit.objective[0] for fit in own]) / max(
            float(np.sum(weights[0] > 0)) - SURFACES.num_parameters, 1.0
        )
        variance = np.maximum(variance, max(VARIANCE_RATIO * variance.max(), SMALLEST_VARIANCE))
        middle = [
            float(np.median(np.log([getattr(fit, name)[0] for fit in own])))
            for name in ("alpha", "beta")
        ]
        starts = np.array([middle, *([np.log(start)] * 2 for start in STARTS)])
        problem = Problem(
            log_params=plane.log_params,
            log_tokens=plane.log_tokens,
            losses=losses[None],
            root_weights=np.sqrt(weights[:1]),
            precision=variance.min() / variance,
            maps=np.repeat(np.eye(2)[None], len(losses), axis=0),
            low=np.full(2, np.log(BOUNDS[0])),
            high=np.full(2, np.log(BOUNDS[1])),
        )
        tried = search(problem, starts)
        theta = tried.theta[np.argmin(tried.objective)]
        if self.with_kappa:
            problem, theta = _with_kappa(problem, theta)
        theta = search(problem, theta[None]).theta[0]
        problem = replace(problem, root_weights=np.sqrt(weights))
        found = search(problem, np.repeat(theta[None], len(weights), axis=0))
        return _family(plane, problem, found, identified_rows(points, weights))


SHARED_SURFACES = SharedSurfaces("shared_surfaces", with_kappa=False)
"""Exponents shared over a family."""
SHARED_KAPPA = SharedSurfaces("shared_kappa", with_kappa=True)
"""Exponents shared over a family, times a factor per domain."""


def _with_kappa(problem: Problem, theta: Array) -> tuple[Problem, Array]:
    """Add log kappa of every domain but the last to the parameters that are searched."""
    domains = len(problem.maps)
    kappas = np.eye(domains)[:, None, : domains - 1].repeat(2, axis=1)  # (domain, 2, domain - 1)
    count = domains - 1
    return replace(
        problem,
        maps=np.concatenate([problem.maps, kappas], axis=2),
        low=np.concatenate([problem.low, np.full(count, np.log(KAPPA_BOUNDS[0]))]),
        high=np.concatenate([problem.high, np.full(count, np.log(KAPPA_BOUNDS[1]))]),
    ), np.concatenate([theta, np.zeros(count)])


def _family(plane: Plane, problem: Problem, found: Solution, known: Flags) -> FamilySurfaces:
    """Return surfaces from searched parameters; rows that identify no surface are NaN."""
    exponents = np.exp(np.einsum("dqp,kp->kdq", problem.maps, found.theta))
    kappa = exponents[:, :, 0] / exponents[:, -1:, 0]
    coefficients = np.where(known[:, None, None], found.coefficients, np.nan)
    return FamilySurfaces(
        plane=plane,
        coefficients=coefficients,
        alpha=exponents[:, :, 0],
        beta=exponents[:, :, 1],
        kappa=kappa,
        converged=found.converged,
    )
