"""The surface L = E + A / N^alpha + B / D^beta by the Huber loss of log L.

This is the procedure of Hoffmann et al. (2022), appendix D.3.

log L = log sum exp(e, a - alpha log N, b - beta log D) with E = exp(e), A = exp(a), B = exp(b), so
that all three stay above 0; the sum over points of Huber's loss of (fitted - observed log L) is
minimised from many starts. Delta is theirs. Huber's loss tolerates outlying runs; far above
delta it is least absolute deviations.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from relscale.laws.cells import Array
from relscale.laws.surface_fit.projection import BOUNDS, Plane, SurfaceBatch
from relscale.laws.surface_fit.search import DAMPING_LIMIT, Flags

DELTA = 1e-3
"""Residual of log L up to which the loss is quadratic (Hoffmann et al., 2022)."""
STARTS = (0.15, 0.4, 1.0)
"""Starting values of either exponent, all pairs, besides the least-squares surface."""
LOWEST_TERM = 1e-6
"""The least that a term may be, as a share of the smallest loss; a term that ends there is 0."""
MAX_ITERATIONS = 300
DECREASE = 1e-6
"""A search has ended when a step lowers the objective by less than this share of it."""
SAME_OPTIMUM = 1.01
"""A start has found the optimum where its objective is within this factor of the lowest."""


@dataclass(frozen=True, kw_only=True)
class HuberFit:
    """A surface by Huber's loss."""

    surface: SurfaceBatch
    """A batch of one; `objective` is the sum of Huber's losses, `converged` what the optimiser
    says."""
    num_starts: int
    """Starts tried."""
    starts_at_optimum: int
    """Starts that found the lowest objective."""


def huber_loss(residual: Array, delta: float = DELTA) -> Array:
    """Return r^2 / 2 up to delta and delta (|r| - delta / 2) beyond (Huber, 1964)."""
    size = np.abs(residual)
    return np.where(size <= delta, residual**2 / 2, delta * (size - delta / 2))


def fit_huber(
    plane: Plane, log_loss: Array, guess: SurfaceBatch, weights: Array | None = None
) -> HuberFit:
    """Fit one surface: damped Gauss-Newton from all starts, then L-BFGS-B from the best of them.

    Args:
        plane: where.
        log_loss: (point,) natural log of the loss.
        guess: the least-squares surface, one of the starts.
        weights: (point,) of the points' Huber losses; None for 1.
    """
    weight = np.ones_like(log_loss) if weights is None else weights
    floor = float(np.min(log_loss)) + float(np.log(LOWEST_TERM))
    terms = [np.min(log_loss) + np.log(0.5), *[np.mean(log_loss) + np.log(0.25)] * 2]
    starts = np.array(
        [_theta(guess, floor), *([*terms, alpha, beta] for alpha in STARTS for beta in STARTS)]
    )
    theta, value, ended = _descend(
        plane, np.broadcast_to(log_loss, (len(starts), len(log_loss))), starts, weight
    )
    # The optimiser's tolerances are absolute, so that the objective is scaled to be about 1.
    scale = 1 / max(float(np.min(value)), 1e-4 * DELTA**2 * len(log_loss))

    def objective(parameters: Array) -> tuple[float, Array]:
        fitted, slopes = _logs(plane, parameters)
        residual = fitted - log_loss
        return scale * float(np.sum(weight * huber_loss(residual))), scale * slopes.T @ (
            weight * np.clip(residual, -DELTA, DELTA)
        )

    options = {"maxiter": 200, "maxfun": 400, "ftol": 1e-13, "gtol": 1e-7, "maxcor": 20}
    bounds = [(floor, None)] * 3 + [BOUNDS] * 2
    best = int(np.argmin(value))
    found = optimize.minimize(
        objective, theta[best], jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    lowest = float(found.fun) / scale
    # Near the kinks of Huber's loss the line search gives up where nothing is left to find; then
    # the steps before it decide.
    converged = bool(found.success) or (
        bool(ended[best]) and lowest >= (1 - 1e-3) * float(value[best])
    )
    near = int(np.sum(value <= SAME_OPTIMUM * lowest + 1e-4 * DELTA**2))
    surface = _surface(
        plane, found.x[None, :], np.array([lowest]), np.array([converged]), np.array([floor])
    )
    return HuberFit(surface=surface, num_starts=len(starts), starts_at_optimum=near)


def refit_huber(
    plane: Plane, log_losses: Array, start: SurfaceBatch, weights: Array | None = None
) -> SurfaceBatch:
    """Fit many surfaces from one start.

    Args:
        plane: where.
        log_losses: (surface, point).
        start: a batch of one.
        weights: (point,); None for 1.
    """
    weight = np.ones(log_losses.shape[1]) if weights is None else weights
    floor = log_losses.min(axis=1) + np.log(LOWEST_TERM)
    starts = np.repeat(_theta(start, float(np.max(floor)))[None, :], len(log_losses), axis=0)
    theta, value, ended = _descend(plane, log_losses, starts, weight)
    return _surface(plane, theta, value, ended, floor)


def _logs(plane: Plane, theta: Array) -> tuple[Array, Array]:
    """Return the fitted log L and its derivatives by theta = (e, a, b, alpha, beta).

    At the centred plane: (..., point) and (..., point, 5).
    """
    n, d = plane.log_params, plane.log_tokens
    constant = np.broadcast_to(theta[..., :1], (*theta.shape[:-1], len(n)))
    terms = np.stack(
        [constant, theta[..., 1:2] - theta[..., 3:4] * n, theta[..., 2:3] - theta[..., 4:5] * d],
        axis=-1,
    )
    top = terms.max(axis=-1, keepdims=True)
    part = np.exp(terms - top)
    total = part.sum(axis=-1, keepdims=True)
    part = part / total
    slopes = np.concatenate(
        [part, -part[..., 1:2] * n[:, None], -part[..., 2:] * d[:, None]], axis=-1
    )
    return (top + np.log(total))[..., 0], slopes


def _descend(
    plane: Plane, log_losses: Array, theta: Array, weight: Array
) -> tuple[Array, Array, Flags]:
    """Reweighted, damped Gauss-Newton steps for all surfaces at once.

    Returns:
        Parameters (surface, 5), objectives (surface,) and which searches ended by themselves.
    """
    count = len(log_losses)
    floor = log_losses.min(axis=1) + np.log(LOWEST_TERM)
    lower = np.concatenate(
        [np.repeat(floor[:, None], 3, axis=1), np.full((count, 2), BOUNDS[0])], axis=1
    )
    upper = np.concatenate([np.full((count, 3), np.inf), np.full((count, 2), BOUNDS[1])], axis=1)
    theta = np.clip(theta, lower, upper)
    fitted, slopes = _logs(plane, theta)
    objective = np.sum(weight * huber_loss(fitted - log_losses), axis=1)
    damping, ended = np.full(count, 1e-3), np.zeros(count, dtype=bool)
    active = np.arange(count)
    for _ in range(MAX_ITERATIONS):
        residual = fitted[active] - log_losses[active]
        pulled = slopes[active] * (weight / np.maximum(np.abs(residual) / DELTA, 1.0))[:, :, None]
        normal = pulled.transpose(0, 2, 1) @ slopes[active]
        diagonal = np.einsum("kii->ki", normal)
        ridge = (
            damping[active, None] * diagonal + 1e-10 * diagonal.max(axis=1, keepdims=True) + 1e-300
        )
        downhill = -np.einsum("kpj,kp->kj", pulled, residual)
        step = np.linalg.solve(normal + ridge[:, :, None] * np.eye(5), downhill[:, :, None])[
            :, :, 0
        ]
        moved = np.clip(theta[active] + np.clip(step, -2.0, 2.0), lower[active], upper[active])
        tried, tried_slopes = _logs(plane, moved)
        value = np.sum(weight * huber_loss(tried - log_losses[active]), axis=1)
        better = value <= objective[active]
        small = better & (objective[active] - value <= DECREASE * objective[active])
        took = active[better]
        theta[took], fitted[took], slopes[took], objective[took] = (
            moved[better],
            tried[better],
            tried_slopes[better],
            value[better],
        )
        damping[active] *= np.where(better, 1 / 5, 8.0)
        done = small | (damping[active] > DAMPING_LIMIT)
        ended[active[done]] = True
        active = active[~done]
        if not len(active):
            break
    return theta, objective, ended


def _theta(surface: SurfaceBatch, floor: float) -> Array:
    """Return (e, a, b, alpha, beta) of a batch of one.

    A term of 0 becomes the smallest that is allowed.
    """
    with np.errstate(divide="ignore"):
        terms = np.log([surface.irreducible[0], surface.from_params[0], surface.from_tokens[0]])
    return np.concatenate([np.maximum(terms, floor), [surface.alpha[0], surface.beta[0]]])


def _surface(
    plane: Plane, theta: Array, objective: Array, converged: Flags, floor: Array
) -> SurfaceBatch:
    """Surfaces from parameters; a term at its floor is 0."""
    terms = np.where(theta[:, :3] <= floor[:, None] + 1e-9, 0.0, np.exp(theta[:, :3]))
    return SurfaceBatch(
        plane=plane,
        irreducible=terms[:, 0],
        from_params=terms[:, 1],
        from_tokens=terms[:, 2],
        alpha=theta[:, 3],
        beta=theta[:, 4],
        objective=objective,
        converged=converged,
    )
