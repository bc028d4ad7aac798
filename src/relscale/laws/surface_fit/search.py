"""The search for surfaces: Levenberg-Marquardt over exponents, all surfaces at once.

Given the exponents, E, a and b are a linear problem with bounds at 0, which is solved exactly
(variable projection: Golub and Pereyra, 1973; the Jacobian is Kaufman's, 1975), so that only
exponents are searched. Surfaces of several domains may share exponents: `Problem.maps` says how the
log exponents of each domain depend on the parameters that are searched.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relscale.laws.cells import Array, Index

MAX_ITERATIONS = 60
STEP_TOLERANCE = 1e-10
"""Of log exponents; the tables state eight digits."""
ROUNDING = 1e-12
"""Share by which an objective may rise: that of short steps changes by rounding alone, which is
another one on each processor."""
DAMPING_LIMIT = 1e10
LARGEST_POWER = 250.0
"""Largest size of an exponent times a log of N or D, so that squares of powers over losses are in
the range of doubles. Only sizes or tokens that span more than 70 decades get there."""
RIDGE = 1e-13
"""Separates columns that are nearly equal, relative to a diagonal of 1."""
BLOCK_ENTRIES = 40_000
"""Surfaces x points fitted at a time, so that the working set stays in the processor's cache."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Losses of several domains at the same points, and weights per draw."""

    log_params: Array
    """Natural log of N, centred, (point,)."""
    log_tokens: Array
    """Natural log of D, centred, (point,)."""
    losses: Array
    """(domain, point), or (draw, domain, point) where each draw has its own; one draw is all."""
    root_weights: Array
    """Square roots of the points' weights, (draw, point), or (1, point) if equal in all draws."""
    precision: Array
    """Inverse variance of each domain's relative residuals, up to a factor, (domain,)."""
    maps: Array
    """(domain, 2, parameter): log alpha and log beta of a domain by the searched parameters."""
    low: Array
    """Lower bounds of the parameters, (parameter,) or (draw, parameter)."""
    high: Array
    """Upper bounds of the parameters, of the same shape."""
    terms: Array | None = None
    """Whether E, A / N^alpha and B / D^beta may differ from 0, 1 or 0, (draw, 3); None for all, as
    it must be with several domains."""
    tolerance: float = STEP_TOLERANCE
    """A search has ended when the parameters move by less, or would in the next step."""
    holds: bool = False
    """Whether a parameter on a bound is left out of the steps that would move it beyond."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Minima of a problem, one per draw."""

    theta: Array
    """Searched parameters, (draw, parameter)."""
    coefficients: Array
    """E, a and b, (draw, domain, 3)."""
    objective: Array
    """Weighted sum of squared relative residuals, (draw,)."""
    converged: Flags
    """Whether the search ended by itself, (draw,)."""


def search(problem: Problem, starts: Array) -> Solution:
    """Minimise from one start per draw, (draw, parameter)."""
    per_draw = problem.losses.shape[-2] * problem.losses.shape[-1]
    block = max(1, BLOCK_ENTRIES // per_draw)
    parts = [
        _Block(problem, slice(k, k + block), len(starts[k : k + block])).search(
            starts[k : k + block]
        )
        for k in range(0, len(starts), block)
    ]
    return Solution(
        theta=np.concatenate([part.theta for part in parts]),
        coefficients=np.concatenate([part.coefficients for part in parts]),
        objective=np.concatenate([part.objective for part in parts]),
        converged=np.concatenate([part.converged for part in parts]),
    )


class _Block:
    """Draws that are searched together."""

    def __init__(self, problem: Problem, rows: slice, count: int) -> None:
        losses, root = problem.losses, problem.root_weights
        self.problem, self.count, self.domains = problem, count, losses.shape[-2]
        self.rows = rows
        losses = losses if losses.ndim == 3 else losses[None]
        losses = losses[rows] if len(losses) > 1 else losses
        root = root[rows] if len(root) > 1 else root
        target = root[:, None, :] * np.sqrt(problem.precision)[:, None]  # (draw or 1, domain, p)
        target = np.broadcast_to(target, (count, *target.shape[1:]))
        # Surfaces are in the last axis, so that sums over points run over many surfaces at once.
        self.target, self.scale = (
            np.ascontiguousarray(part.reshape(-1, part.shape[-1]).T)  # (point, surface)
            for part in (target, target / losses)
        )
        self.terms = None if problem.terms is None else problem.terms[rows]
        self.params = np.unique(problem.log_params, return_inverse=True)
        self.tokens = np.unique(problem.log_tokens, return_inverse=True)

    def search(self, starts: Array) -> Solution:
        """Minimise from the starts; searches that have ended are left alone."""
        problem = self.problem
        low, high = (
            np.broadcast_to(end[self.rows] if end.ndim == 2 else end, starts.shape)
            for end in (problem.low, np.minimum(problem.high, self.highest()))
        )
        theta = np.clip(starts, low, high)
        active = np.arange(self.count)
        coefficients, objective, gradient, curvature = self.project(theta, active)
        damping, converged = np.full(self.count, 1e-3), np.zeros(self.count, dtype=bool)
        last = np.full(self.count, np.inf)
        for _ in range(MAX_ITERATIONS):
            here, downhill, damped = theta[active], gradient[active], curvature[active]
            if problem.holds:
                free = (downhill > 0) | (here > low[active])
                free &= (downhill < 0) | (here < high[active])
                downhill, damped = downhill * free, damped * (free[:, :, None] & free[:, None, :])
            damped = damped + damping[active, None, None] * _diagonal(damped)
            step = np.linalg.solve(damped, downhill[:, :, None])[:, :, 0]
            moved = np.maximum(here + np.maximum(np.minimum(step, 1.0), -1.0), low[active])
            moved = np.minimum(moved, high[active])
            tried = self.project(moved, active)
            better = tried[1] <= objective[active] * (1 + ROUNDING)
            size = np.abs(moved - here).max(axis=1)
            took = active[better]
            theta[took] = moved[better]
            for kept, new in zip(
                (coefficients, objective, gradient, curvature), tried, strict=True
            ):
                kept[took] = new[better]
            damping[active] = np.where(better, damping[active] / 8, damping[active] * 6)
            # A short step ends the search unless only damping or a bound shortened it and it still
            # found something better. Steps shrink linearly: size^2 / last predicts the next one,
            # but not from the first one alone.
            known = better & np.isfinite(last[active])
            following = np.where(known, size * np.minimum(size / last[active], 1.0), np.inf)
            ended = (
                (size < problem.tolerance)
                | ((size < 1e-3) & (following < problem.tolerance))
                | (damping[active] > DAMPING_LIMIT)
            )
            last[active] = np.where(better, size, np.inf)
            converged[active[ended]] = True
            active = active[~ended]
            if not len(active):
                break
        return Solution(
            theta=theta, coefficients=coefficients, objective=objective, converged=converged
        )

    def highest(self) -> Array:
        """Return the log exponents beyond which powers leave the range of doubles, (parameter,)."""
        spread = np.array([np.abs(values).max() for values, _ in (self.params, self.tokens)])
        limit = np.log(LARGEST_POWER / np.maximum(spread, 1e-300))
        # A parameter is the log of alpha, of beta, or of both, of some domains.
        of = (self.problem.maps != 0).any(axis=0)  # (2, parameter)
        return np.asarray(np.where(of, limit[:, None], np.inf).min(axis=0))

    def project(self, theta: Array, rows: Index) -> tuple[Array, Array, Array, Array]:
        """Solve for (E, a, b) of all domains given the searched parameters of some draws.

        Returns:
            Coefficients (draw, domain, 3), objective (draw,), downhill gradient (draw, parameter)
            and Gauss-Newton curvature (draw, parameter, parameter).
        """
        maps, domains = self.problem.maps, self.domains
        own = domains == 1 and maps.shape[2] == 2  # the map is the identity
        logs = theta if own else np.einsum("dqp,kp->kdq", maps, theta).reshape(-1, 2)
        scale, target = self.scale, self.target
        if len(rows) < self.count:
            surfaces = rows if own else (rows[:, None] * domains + np.arange(domains)).ravel()
            scale, target = scale[:, surfaces], target[:, surfaces]
        terms = None if self.terms is None else self.terms[rows]
        found, objective, gradient, curvature = _project(
            self.params, self.tokens, scale, target, np.exp(logs.T), terms
        )
        found, gradient, curvature = found.T, gradient.T, curvature.transpose(2, 0, 1)
        if own:
            return found[:, None, :], objective, gradient, curvature
        local = gradient.reshape(-1, domains, 2)
        shape = curvature.reshape(-1, domains, 2, 2)
        return (
            found.reshape(-1, domains, 3),
            objective.reshape(-1, domains).sum(axis=1),
            np.einsum("dqp,kdq->kp", maps, local),
            np.einsum("dqp,kdqr,drs->kps", maps, shape, maps, optimize=True),
        )


Distinct = tuple[Array, Index]
"""Distinct values, and the index of each point's."""


def _project(
    params: Distinct,
    tokens: Distinct,
    scale: Array,
    target: Array,
    exponent: Array,
    terms: Array | None,
) -> tuple[Array, Array, Array, Array]:
    """Solve for (E, a, b) of surfaces given their exponents.

    Args:
        params: natural logs of N.
        tokens: natural logs of D.
        scale: root weight / loss, (point, surface).
        target: root weight, (point, surface).
        exponent: alpha and beta, (2, surface).
        terms: whether E, a and b may differ from 0, 1 or 0, (surface, 3); None for all.

    Returns:
        Coefficients (3, surface), objective (surface,), downhill gradient (2, surface) and
        curvature (2, 2, surface) by the log exponents.
    """
    columns = np.empty((5, *scale.shape))  # (column, point, surface)
    columns[0] = scale
    for place, (values, index) in enumerate((params, tokens)):
        power = -exponent[place] * values[:, None]  # (distinct, surface)
        term = np.exp(power)
        np.multiply(scale, term[index], out=columns[1 + place])
        np.multiply(scale, (power * term)[index], out=columns[3 + place])
    if terms is not None:
        columns *= terms.T[[0, 1, 2, 1, 2], None]
    gram = np.empty((5, 5, scale.shape[1]))
    for row in range(5):
        gram[row, row:] = gram[row:, row] = _dots(columns[row], columns[row:])
    coefficients, explained = _non_negative(gram, _dots(target, columns[:3])[:, None])
    residual = target - np.einsum("cs,cps->ps", coefficients, columns[:3])
    # d(column) / d(log exponent) is the column's own coefficient times columns 3 and 4.
    turn = coefficients[1:]
    gradient = turn * _dots(residual, columns[3:])
    curvature = (gram[3:, 3:] - explained) * (turn[:, None] * turn)
    return coefficients, np.einsum("ps,ps->s", residual, residual), gradient, curvature


def _dots(values: Array, columns: Array) -> Array:
    """Return sums over points of values, (point, surface), times columns, (column, surface)."""
    return np.asarray(np.einsum("ps,cps->cs", values, columns))


def _diagonal(matrices: Array) -> Array:
    """Diagonals as matrices, with a floor so that a flat direction is not a singular one."""
    found = np.zeros_like(matrices)
    diagonal = np.einsum("kii->ki", matrices)
    floor = 1e-12 + 1e-9 * diagonal.max(axis=1, keepdims=True)
    np.einsum("kii->ki", found)[:] = diagonal + floor
    return found


def _non_negative(gram: Array, right: Array) -> tuple[Array, Array]:
    """Solve bounded least squares in three unknowns by trying which of them are 0.

    All surfaces are solved at once.

    Args:
        gram: products of the five columns of `_project`, (5, 5, surface).
        right: products of the first three with the target, (3, 1, surface).

    Returns:
        Coefficients (3, surface), and the part of the products of columns 3 and 4 that the columns
        with a coefficient explain, (2, 2, surface).
    """
    square, cross = gram[:3, :3], gram[:3, 3:]
    solved = _solve(square, np.concatenate([right, cross], axis=1))
    best, slopes = solved[:, 0], solved[:, 1:]
    wrong = np.flatnonzero(~((best >= 0) & (best < np.inf)).all(axis=0))
    if len(wrong):
        part = np.ascontiguousarray(square[:, :, wrong].transpose(2, 0, 1))
        subset, used = _subsets(part, right[:, 0, wrong].T)
        best[:, wrong] = subset.T
        kept = used.T
        inner = np.where(kept[:, None] & kept, square[:, :, wrong], 0.0)
        inner += _IDENTITY[:, :, None] * ~kept
        slopes[:, :, wrong] = _solve(inner, cross[:, :, wrong] * kept[:, None])
    explained = np.stack([np.sum(cross[:, [k]] * slopes, axis=0) for k in range(2)])
    return best, explained


def _subsets(gram: Array, right: Array) -> tuple[Array, Flags]:
    """Return the best solution with one or two of three unknowns, and which are not held at 0."""
    scaled, size = _scaled(gram)
    right = right / size
    found = np.zeros((len(gram), len(_HELD), 3))  # (surface, subset, unknown)
    first, second = _PAIRS
    diagonal = scaled[:, [0, 1, 2], [0, 1, 2]]
    cross = scaled[:, first, second]
    lower = cross / diagonal[:, first]
    rest = diagonal[:, second] - lower * cross
    ours = (right[:, second] - lower * right[:, first]) / rest
    theirs = (right[:, first] - cross * ours) / diagonal[:, first]
    found[:, [0, 1, 2], second], found[:, [0, 1, 2], first] = ours, theirs
    found[:, [3, 4, 5], [0, 1, 2]] = right / diagonal
    gain = np.where((found >= 0).all(axis=2), -np.einsum("kqu,ku->kq", found, right), np.inf)
    lowest = np.argmin(gain, axis=1)
    every = np.arange(len(gram))
    possible = np.isfinite(gain[every, lowest])[:, None]
    return np.where(possible, found[every, lowest] / size, 0.0), ~_HELD[lowest] & possible


_PAIRS = np.array([1, 0, 0]), np.array([2, 2, 1])
"""Unknowns that are not 0 where one of three is."""
_HELD = np.array([*np.eye(3, dtype=bool), *~np.eye(3, dtype=bool)])
"""Which of three unknowns are held at 0, by subset: first one of them, then two."""


def _scaled(gram: Array) -> tuple[Array, Array]:
    """Return normal equations scaled to unit diagonal, (surface, 3, 3), and the scales."""
    size = np.sqrt(np.maximum(np.einsum("kii->ki", gram), 1e-300))
    return gram / (size[:, :, None] * size[:, None, :]) + RIDGE * _IDENTITY, size


_IDENTITY = np.eye(3)


def _solve(gram: Array, right: Array) -> Array:
    """Solve normal equations, (3, 3, surface) and (3, column, surface), by L D L^T.

    Written out, since a call of a solver costs more than three unknowns do.
    """
    size = np.sqrt(np.maximum(gram[[0, 1, 2], [0, 1, 2]], 1e-300))  # (3, surface)
    s0, s1, s2 = size
    d0, d1, d2 = (gram[k, k] / (size[k] * size[k]) + RIDGE for k in range(3))
    a01, a02, a12 = gram[0, 1] / (s0 * s1), gram[0, 2] / (s0 * s2), gram[1, 2] / (s1 * s2)
    y0, y1, y2 = right / size[:, None]
    l10, l20 = a01 / d0, a02 / d0
    d1, a12 = d1 - l10 * a01, a12 - l20 * a01
    l21 = a12 / d1
    y1 = y1 - l10 * y0
    x2 = (y2 - l20 * y0 - l21 * y1) / (d2 - l20 * a02 - l21 * a12)
    x1 = y1 / d1 - l21 * x2
    return np.stack([y0 / d0 - l10 * x1 - l20 * x2, x1, x2]) / size[:, None]
