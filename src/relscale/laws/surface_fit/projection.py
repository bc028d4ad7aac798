"""Surfaces L(N, D) = E + A / N^alpha + B / D^beta by variable projection.

One or thousands are fitted at a time.

Hoffmann et al. (2022), equation 2. Given the exponents the other three are a linear problem with
bounds at 0, which is solved exactly (variable projection: Golub and Pereyra, 1973; the Jacobian is
Kaufman's, 1975), so the search has two dimensions. The residuals are relative, fit / observed - 1,
since noise of losses is. All surfaces of a batch share their (N, D) and are fitted together.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError

BOUNDS = (0.02, 3.0)
"""Of both exponents: below, a power is a constant over any grid that is trained; above, it is gone
within a factor 2."""
MIN_CELLS = 6
MAX_ITERATIONS = 60
STEP_TOLERANCE = 1e-7
"""A search has ended when the log exponents move by less."""
DAMPING_LIMIT = 1e10
STARTS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Starting values of either exponent, all pairs."""
SAME_OPTIMUM, SMALL_OBJECTIVE = 1.01, 1e-18
"""A start has found the optimum where its objective is within this factor of the lowest, or
nothing."""
BLOCK_ENTRIES = 40_000
"""Surfaces x points fitted at a time, so that the working set stays in the processor's cache."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Where losses are known: the logs of N and D, centred."""

    log_params: Array
    """Natural log of N less its mean, (point,)."""
    log_tokens: Array
    """Natural log of D less its mean, (point,)."""
    mean_log_params: float
    """That mean."""
    mean_log_tokens: float
    """That mean."""

    @classmethod
    def of(cls, params: Array, tokens: Array) -> "Plane":
        """Make a plane from N and D, (point,) each.

        Raises:
            FitError: `too_few_runs` with fewer than six points, or fewer than three different N or
                D.
        """
        sizes, counts = len(np.unique(params)), len(np.unique(tokens))
        if len(params) < MIN_CELLS or min(sizes, counts) < 3:
            raise FitError(
                Status.TOO_FEW_RUNS,
                f"{len(params)} points with {sizes} sizes and {counts} token counts, a "
                f"surface needs {MIN_CELLS} with 3 of either",
            )
        n, d = np.log(params), np.log(tokens)
        return cls(
            log_params=n - n.mean(),
            log_tokens=d - d.mean(),
            mean_log_params=float(n.mean()),
            mean_log_tokens=float(d.mean()),
        )


@dataclass(frozen=True, kw_only=True)
class SurfaceBatch:
    """Fitted surfaces over one plane.

    Coefficients count from the centre of the plane: A / N^alpha = a exp(-alpha (log N - mean)).
    """

    plane: Plane
    """The plane."""
    irreducible: Array
    """E, (surface,)."""
    from_params: Array
    """a, the part of the loss at the centre that goes with N, (surface,)."""
    from_tokens: Array
    """b, the part that goes with D, (surface,)."""
    alpha: Array
    """(surface,)."""
    beta: Array
    """(surface,)."""
    objective: Array
    """Weighted sum of squared relative residuals, (surface,)."""
    converged: Flags
    """Whether the search ended by itself, (surface,)."""

    def predict(self, log_params: Array, log_tokens: Array) -> Array:
        """Return losses at natural logs of N and D.

        They are (..., surface) or (surface, ...) by broadcasting.
        """
        n, d = log_params - self.plane.mean_log_params, log_tokens - self.plane.mean_log_tokens
        return np.asarray(
            self.irreducible
            + self.from_params * np.exp(-self.alpha * n)
            + self.from_tokens * np.exp(-self.beta * d)
        )

    def fitted(self) -> Array:
        """Return the losses at the plane's own points, (surface, point)."""
        n, d = self.plane.log_params, self.plane.log_tokens
        first = self.from_params[:, None] * np.exp(-self.alpha[:, None] * n)
        return np.asarray(
            self.irreducible[:, None]
            + first
            + self.from_tokens[:, None] * np.exp(-self.beta[:, None] * d)
        )

    def jacobian(self) -> Array:
        """Derivatives of the log loss by (E, log a, log b, alpha, beta), (surface, point, 5)."""
        n, d = self.plane.log_params, self.plane.log_tokens
        first = self.from_params[:, None] * np.exp(-self.alpha[:, None] * n)
        second = self.from_tokens[:, None] * np.exp(-self.beta[:, None] * d)
        parts = np.stack([np.ones_like(first), first, second, -n * first, -d * second], axis=-1)
        return np.asarray(parts / self.fitted()[:, :, None])

    def optimum(self, level: Array | float, falls: Array | float) -> Array:
        """Return the natural log of D that minimises the loss along log N = level - falls x log D.

        (surface,).

        Where d/d log D of a exp(-alpha n) + b exp(-beta d) is 0 (Hoffmann et al., 2022, equation 4,
        with a slope of its own). Not finite where either term is 0.
        """
        mean_n, mean_d = self.plane.mean_log_params, self.plane.mean_log_tokens
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(self.beta * self.from_tokens) - np.log(
                self.alpha * falls * self.from_params
            )
            return np.asarray(
                (ratio + self.alpha * (level - mean_n) + self.beta * mean_d)
                / (self.alpha * falls + self.beta)
            )

    def one(self, index: int) -> "SurfaceBatch":
        """Return one surface as a batch of one."""
        keep = slice(index, index + 1)
        return SurfaceBatch(
            plane=self.plane,
            irreducible=self.irreducible[keep],
            from_params=self.from_params[keep],
            from_tokens=self.from_tokens[keep],
            alpha=self.alpha[keep],
            beta=self.beta[keep],
            objective=self.objective[keep],
            converged=self.converged[keep],
        )


def fit_surface(
    plane: Plane, loss: Array, weights: Array | None = None
) -> tuple[SurfaceBatch, int]:
    """Fit one surface from all starts; the lowest objective wins.

    Args:
        plane: where.
        loss: (point,).
        weights: (point,) relative inverse variances; None for 1.

    Returns:
        A batch of one, and how many starts found the lowest objective to 1 %.
    """
    starts = np.array([(alpha, beta) for alpha in STARTS for beta in STARTS])
    found = fit_surfaces(plane, np.broadcast_to(loss, (len(starts), len(loss))), starts, weights)
    lowest = int(np.argmin(found.objective))
    return found.one(lowest), int(
        np.sum(found.objective <= SAME_OPTIMUM * found.objective[lowest] + SMALL_OBJECTIVE)
    )


def fit_surfaces(
    plane: Plane, losses: Array, starts: Array, weights: Array | None = None
) -> SurfaceBatch:
    """Fit many surfaces, each from one start.

    Args:
        plane: where.
        losses: (surface, point), above 0.
        starts: (surface, 2) or (2,): alpha and beta to start from.
        weights: (point,) or (surface, point) relative inverse variances; None for 1.
    """
    starts = np.broadcast_to(starts, (len(losses), 2))
    root = np.broadcast_to(np.sqrt(weights) if weights is not None else 1.0, losses.shape)
    block = max(1, BLOCK_ENTRIES // losses.shape[1])
    blocks = [
        _search(
            plane,
            root[k : k + block] / losses[k : k + block],
            root[k : k + block],
            np.log(starts[k : k + block]),
        )
        for k in range(0, len(losses), block)
    ]
    theta, coefficients, objective, converged = (
        np.concatenate(parts) for parts in zip(*blocks, strict=True)
    )
    return SurfaceBatch(
        plane=plane,
        irreducible=coefficients[:, 0],
        from_params=coefficients[:, 1],
        from_tokens=coefficients[:, 2],
        alpha=np.exp(theta[:, 0]),
        beta=np.exp(theta[:, 1]),
        objective=objective,
        converged=converged,
    )


def _search(
    plane: Plane, scale: Array, target: Array, theta: Array
) -> tuple[Array, Array, Array, Flags]:
    """Minimise by Levenberg-Marquardt over the log exponents, all surfaces at once.

    Searches that have ended are left alone.
    """
    low, high = np.log(BOUNDS)
    count = len(theta)
    theta = np.clip(theta, low, high)
    coefficients, objective, gradient, curvature = _project(plane, scale, target, theta)
    damping, converged = np.full(count, 1e-3), np.zeros(count, dtype=bool)
    active = np.arange(count)
    for _ in range(MAX_ITERATIONS):
        damped = curvature[active] + damping[active, None, None] * _diagonal(curvature[active])
        step = np.linalg.solve(damped, gradient[active][:, :, None])[:, :, 0]
        moved = np.clip(theta[active] + np.clip(step, -1.0, 1.0), low, high)
        tried = _project(plane, scale[active], target[active], moved)
        better = tried[1] <= objective[active]
        size = np.max(np.abs(moved - theta[active]), axis=1)
        took = active[better]
        theta[took] = moved[better]
        for kept, new in zip((coefficients, objective, gradient, curvature), tried, strict=True):
            kept[took] = new[better]
        damping[active] = np.where(better, damping[active] / 8, damping[active] * 6)
        # A short step ends the search unless only damping or a bound shortened it and it still
        # found something better.
        ended = (size < STEP_TOLERANCE) | (damping[active] > DAMPING_LIMIT)
        converged[active[ended]] = True
        active = active[~ended]
        if not len(active):
            break
    return theta, coefficients, objective, converged


def _diagonal(matrices: Array) -> Array:
    """Diagonals as matrices, with a floor so that a flat direction is not a singular one."""
    diagonal = np.einsum("kii->ki", matrices)
    floor = 1e-12 + 1e-9 * diagonal.max(axis=1, keepdims=True)
    return np.asarray((diagonal + floor)[:, :, None] * np.eye(matrices.shape[1]))


def _project(
    plane: Plane, scale: Array, target: Array, theta: Array
) -> tuple[Array, Array, Array, Array]:
    """Solve for (E, a, b) given the log exponents.

    Returns:
        Coefficients (surface, 3), objective (surface,), downhill gradient (surface, 2) and
        Gauss-Newton curvature (surface, 2, 2) by the log exponents.
    """
    n, d = plane.log_params, plane.log_tokens
    exponent = np.exp(theta)
    columns = np.empty((*scale.shape, 5))  # (surface, point, column)
    columns[:, :, 0] = scale
    columns[:, :, 1] = scale * np.exp(-exponent[:, :1] * n)
    columns[:, :, 2] = scale * np.exp(-exponent[:, 1:] * d)
    columns[:, :, 3] = -exponent[:, :1] * n * columns[:, :, 1]
    columns[:, :, 4] = -exponent[:, 1:] * d * columns[:, :, 2]
    gram = columns.transpose(0, 2, 1) @ columns
    right = np.einsum("kp,kpj->kj", target, columns)  # (surface, 5)
    coefficients, used = _non_negative(gram[:, :3, :3], right[:, :3])
    residual = target - np.einsum("kpj,kj->kp", columns[:, :, :3], coefficients)
    objective = np.einsum("kp,kp->k", residual, residual)
    turn = coefficients[
        :, 1:
    ]  # d(column) / d(theta) is the column's own coefficient times columns 3 and 4
    gradient = turn * np.einsum("kp,kpj->kj", residual, columns[:, :, 3:])
    cross = gram[:, :3, 3:] * turn[:, None, :] * used[:, :, None]
    inner = (
        np.where(used[:, :, None] & used[:, None, :], gram[:, :3, :3], 0.0)
        + np.eye(3) * (~used)[:, None, :]
    )
    curvature = gram[:, 3:, 3:] * turn[:, :, None] * turn[:, None, :] - cross.transpose(
        0, 2, 1
    ) @ np.linalg.solve(inner, cross)
    return coefficients, objective, gradient, curvature


def _non_negative(gram: Array, right: Array) -> tuple[Array, Flags]:
    """Solve bounded least squares in three unknowns by trying which of them are 0.

    All surfaces are solved at once.

    Returns:
        Coefficients (surface, 3) and which are not held at 0.
    """
    best = _solve(gram, right)
    used = np.ones(best.shape, dtype=bool)
    wrong = np.flatnonzero((best < 0).any(axis=1) | ~np.isfinite(best).all(axis=1))
    if not len(wrong):
        return best, used
    lowest = np.full(len(wrong), np.inf)
    chosen, kept = np.zeros((len(wrong), 3)), np.zeros((len(wrong), 3), dtype=bool)
    for subset in ((1, 2), (0, 2), (0, 1), (0,), (1,), (2,)):
        index = np.array(subset)
        part = _solve(gram[np.ix_(wrong, index, index)], right[np.ix_(wrong, index)])
        gain = -np.einsum("kj,kj->k", part, right[np.ix_(wrong, index)])
        better = (part >= 0).all(axis=1) & (gain < lowest)
        lowest = np.where(better, gain, lowest)
        whole = np.zeros((len(wrong), 3))
        whole[:, index] = part
        chosen[better], kept[better] = whole[better], np.isin(np.arange(3), index)
    best[wrong], used[wrong] = chosen, kept
    return best, used


def _solve(gram: Array, right: Array) -> Array:
    """Solve normal equations scaled to unit diagonal.

    A vanishing ridge separates columns that are nearly equal.
    """
    size = np.sqrt(np.einsum("kii->ki", gram))
    scaled = gram / (size[:, :, None] * size[:, None, :]) + 1e-13 * np.eye(gram.shape[1])
    return np.asarray(np.linalg.solve(scaled, (right / size)[:, :, None])[:, :, 0] / size)
