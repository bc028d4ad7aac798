"""The surface L = E + A / N^alpha + B / D^beta by the Huber loss of log L.

This is the procedure of Hoffmann et al. (2022), appendix D.3.

log L = log sum exp(e, a - alpha log N, b - beta log D) with E = exp(e), A = exp(a), B = exp(b), so
that all three stay above 0; the sum over points of Huber's loss of (fitted - observed log L) is
minimised from many starts. Huber's loss tolerates outlying runs; far above delta it is least
absolute deviations. Delta is `EFFICIENT` robust standard deviations of the residuals (Huber, 1964),
so that it is between least squares and least absolute deviations whatever the noise. The published
deltas are options: 1e-3 (Hoffmann et al., 2022) and 1e-4 (Besiroglu et al., 2024); with noise of a
percent both are close to least absolute deviations.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize

from relscale.laws.cells import Array, Index
from relscale.laws.surface_fit.projection import BOUNDS, Plane, SurfaceBatch
from relscale.laws.surface_fit.search import DAMPING_LIMIT, Flags

RobustName = Literal["huber", "lad", "least_squares"]

DELTA = 1e-3
"""Residual of log L up to which the loss is quadratic (Hoffmann et al., 2022)."""
EFFICIENT = 1.345
"""Delta in standard deviations at which Huber's estimate has 95 % of the efficiency of the mean for
normal residuals (Huber, 1964)."""
TO_STANDARD_DEVIATION = 1.4826
"""Standard deviation of normal residuals over their median absolute deviation."""
ABSOLUTE = 0.01
"""Delta in robust standard deviations below which the loss counts as that of least absolute
deviations."""
SMALLEST_DELTA = 1e-6
"""Of residuals that are rounding."""
STARTS = (0.15, 0.4, 1.0)
"""Starting values of either exponent, all pairs, besides the least-squares surface."""
LOWEST_TERM = 1e-6
"""The least that a term may be, as a share of the smallest loss; a term that ends there is 0."""
MAX_ITERATIONS = 300
DECREASE = 1e-6
"""A search has ended when a step lowers the objective by less than this share of it."""
SAME_OPTIMUM, SMALL_OBJECTIVE = 1.01, 1e-10
"""A start has found the optimum where its objective is within this factor of the lowest, or
nothing."""
BLOCK_ENTRIES = 40_000
"""Surfaces x points fitted at a time, so that the working set stays in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class RobustLoss:
    """A loss of residuals of log L."""

    name: RobustName
    """Its name."""
    delta: float
    """Residual up to which it is quadratic; infinite for least squares."""

    def of(self, residual: Array) -> Array:
        """Return the loss of each residual."""
        return huber_loss(residual, self.delta)

    def pull(self, residual: Array) -> Array:
        """Return the derivative of the loss over the residual: the weight of a squared residual."""
        return np.asarray(1 / np.maximum(np.abs(residual) / self.delta, 1.0))

    def objective(self, value: Array) -> Array:
        """Return the objective in the terms of its name: sum of |r| of absolute deviations."""
        return value / self.delta if self.name == "lad" else value


@dataclass(frozen=True, kw_only=True)
class HuberFit:
    """A surface by a robust loss."""

    surface: SurfaceBatch
    """A batch of one; `objective` is the sum of losses, `converged` what the optimiser says."""
    loss: RobustLoss
    """The loss."""
    num_starts: int
    """Starts tried."""
    starts_at_optimum: int
    """Starts that found the lowest objective."""


def huber_loss(residual: Array, delta: float = DELTA) -> Array:
    """Return r^2 / 2 up to delta and delta (|r| - delta / 2) beyond (Huber, 1964)."""
    size = np.abs(residual)
    if not np.isfinite(delta):
        return np.asarray(size**2 / 2)
    inner = np.minimum(size, delta)
    return np.asarray(inner * (size - inner / 2))


def robust_loss(name: RobustName, delta: float | None, residual: Array) -> RobustLoss:
    """Return the loss of a name.

    Args:
        name: of the loss.
        delta: of Huber's loss; None takes `EFFICIENT` robust standard deviations.
        residual: of a first fit, (point,), for the robust standard deviation.
    """
    if name == "least_squares":
        return RobustLoss(name=name, delta=float("inf"))
    scale = TO_STANDARD_DEVIATION * float(np.median(np.abs(residual - np.median(residual))))
    if name == "lad":
        return RobustLoss(name=name, delta=max(ABSOLUTE * scale, SMALLEST_DELTA))
    own = max(EFFICIENT * scale, SMALLEST_DELTA)
    return RobustLoss(name=name, delta=own if delta is None else delta)


def fit_huber(
    plane: Plane,
    log_loss: Array,
    guess: SurfaceBatch,
    weights: Array | None = None,
    loss: RobustLoss | None = None,
) -> HuberFit:
    """Fit one surface: damped Gauss-Newton from all starts, then L-BFGS-B from the best of them.

    Args:
        plane: where.
        log_loss: (point,) natural log of the loss.
        guess: the least-squares surface, one of the starts.
        weights: (point,) of the points' losses; None for 1.
        loss: of the residuals; None takes Huber's with the published `DELTA`.
    """
    robust = loss or RobustLoss(name="huber", delta=DELTA)
    weight = np.ones_like(log_loss) if weights is None else weights
    floor = float(np.min(log_loss)) + float(np.log(LOWEST_TERM))
    terms = [np.min(log_loss) + np.log(0.5), *[np.mean(log_loss) + np.log(0.25)] * 2]
    starts = np.array(
        [_theta(guess, floor), *([*terms, alpha, beta] for alpha in STARTS for beta in STARTS)]
    )
    rows = np.broadcast_to(log_loss, (len(starts), len(log_loss)))
    theta, value, ended = _Descent(plane, rows, weight[None], robust).descend(starts)
    # The optimiser's tolerances are absolute, so that the objective is scaled to be about 1.
    scale = 1 / max(float(np.min(value)), SMALL_OBJECTIVE * len(log_loss))

    def objective(parameters: Array) -> tuple[float, Array]:
        fitted, slopes = _logs(plane, parameters)
        residual = fitted - log_loss
        return scale * float(np.sum(weight * robust.of(residual))), scale * slopes.T @ (
            weight * np.clip(residual, -robust.delta, robust.delta)
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
    near = int(np.sum(value <= SAME_OPTIMUM * lowest + SMALL_OBJECTIVE))
    surface = _surface(
        plane, found.x[None, :], np.array([lowest]), np.array([converged]), np.array([floor])
    )
    return HuberFit(surface=surface, loss=robust, num_starts=len(starts), starts_at_optimum=near)


def refit_huber(
    plane: Plane,
    log_losses: Array,
    start: SurfaceBatch,
    weights: Array | None = None,
    loss: RobustLoss | None = None,
) -> SurfaceBatch:
    """Fit many surfaces from one start.

    Args:
        plane: where.
        log_losses: (surface, point), or (point,) where only the weights differ.
        start: a batch of one.
        weights: (point,) or (surface, point); None for 1.
        loss: of the residuals; None takes Huber's with the published `DELTA`.
    """
    robust = loss or RobustLoss(name="huber", delta=DELTA)
    values = np.atleast_2d(log_losses)
    weight = np.atleast_2d(np.ones(values.shape[1]) if weights is None else weights)
    count = max(len(values), len(weight))
    values = np.broadcast_to(values, (count, values.shape[1]))
    floor = values.min(axis=1) + np.log(LOWEST_TERM)
    starts = np.repeat(_theta(start, float(np.max(floor)))[None, :], count, axis=0)
    block = max(1, BLOCK_ENTRIES // values.shape[1])
    parts = []
    for first in range(0, count, block):
        rows = slice(first, first + block)
        own = weight[rows] if len(weight) > 1 else weight
        parts.append(_Descent(plane, values[rows], own, robust).descend(starts[rows]))
    theta, value, ended = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _surface(plane, theta, value, ended, floor)


def _logs(plane: Plane, theta: Array) -> tuple[Array, Array]:
    """Return the fitted log L, (point,), and its derivatives by theta, (point, 5).

    theta is (e, a, b, alpha, beta), at the centred plane.
    """
    n, d = plane.log_params, plane.log_tokens
    terms = np.stack([np.full_like(n, theta[0]), theta[1] - theta[3] * n, theta[2] - theta[4] * d])
    top = terms.max(axis=0)
    part = np.exp(terms - top)
    total = part.sum(axis=0)
    part = part / total
    slopes = np.stack([*part, -part[1] * n, -part[2] * d], axis=1)
    return top + np.log(total), slopes


class _Descent:
    """Reweighted, damped Gauss-Newton steps for all surfaces at once."""

    def __init__(self, plane: Plane, log_losses: Array, weight: Array, loss: RobustLoss) -> None:
        self.n, self.d, self.loss = plane.log_params, plane.log_tokens, loss
        self.params = np.unique(self.n, return_inverse=True)
        self.tokens = np.unique(self.d, return_inverse=True)
        self.log_losses, self.weight = log_losses, weight

    def descend(self, theta: Array) -> tuple[Array, Array, Flags]:
        """Search from the starts, (surface, 5).

        Returns:
            Parameters (surface, 5), objectives (surface,) and which searches ended by themselves.
        """
        count = len(self.log_losses)
        floor = self.log_losses.min(axis=1) + np.log(LOWEST_TERM)
        lower = np.concatenate(
            [np.repeat(floor[:, None], 3, axis=1), np.full((count, 2), BOUNDS[0])], axis=1
        )
        upper = np.array([np.inf] * 3 + [BOUNDS[1]] * 2)
        theta = np.clip(theta, lower, upper)
        active = np.arange(count)
        value, downhill, normal = self._terms(theta, active)
        damping, ended = np.full(count, 1e-3), np.zeros(count, dtype=bool)
        for _ in range(MAX_ITERATIONS):
            diagonal = np.einsum("kii->ki", normal[active])
            ridge = (
                damping[active, None] * diagonal
                + 1e-10 * diagonal.max(axis=1, keepdims=True)
                + 1e-300
            )
            step = np.linalg.solve(
                normal[active] + ridge[:, :, None] * np.eye(5), downhill[active][:, :, None]
            )[:, :, 0]
            moved = np.clip(theta[active] + np.clip(step, -2.0, 2.0), lower[active], upper)
            tried = self._terms(moved, active)
            better = tried[0] <= value[active]
            small = better & (value[active] - tried[0] <= DECREASE * value[active])
            took = active[better]
            theta[took] = moved[better]
            for kept, new in zip((value, downhill, normal), tried, strict=True):
                kept[took] = new[better]
            damping[active] *= np.where(better, 1 / 5, 8.0)
            done = small | (damping[active] > DAMPING_LIMIT)
            ended[active[done]] = True
            active = active[~done]
            if not len(active):
                break
        return theta, value, ended

    def _terms(self, theta: Array, rows: Index) -> tuple[Array, Array, Array]:
        """Return objective (surface,), downhill gradient (surface, 5) and curvature."""
        slopes = np.empty((len(rows), 5, len(self.n)))  # (surface, parameter, point)
        slopes[:, 0] = np.exp(theta[:, :1])
        for place, (values, index) in enumerate((self.params, self.tokens)):
            power = -theta[:, 3 + place : 4 + place] * values
            term = np.exp(theta[:, 1 + place : 2 + place] + power)
            slopes[:, 1 + place] = term[:, index]
            slopes[:, 3 + place] = (-values * term)[:, index]
        fitted = slopes[:, :3].sum(axis=1)
        residual = np.log(fitted) - self.log_losses[rows]
        weight = self.weight[rows] if len(self.weight) > 1 else self.weight
        value = np.sum(weight * self.loss.of(residual), axis=1)
        pull = weight * self.loss.pull(residual)
        slopes /= fitted[:, None, :]
        downhill = -(slopes @ (pull * residual)[:, :, None])[:, :, 0]
        slopes *= np.sqrt(pull)[:, None, :]
        return value, downhill, slopes @ slopes.transpose(0, 2, 1)


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
