"""Surfaces L(N, D) = E + A / N^alpha + B / D^beta by variable projection.

One or thousands are fitted at a time.

Hoffmann et al. (2022), equation 2. Given the exponents the other three are a linear problem with
bounds at 0, which is solved exactly (variable projection: Golub and Pereyra, 1973; the Jacobian is
Kaufman's, 1975), so the search has two dimensions. The residuals are relative, fit / observed - 1,
since noise of losses is. All surfaces of a batch share their (N, D) and are fitted together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.fit_error import FitError
from relscale.laws.kept import Recent, digest
from relscale.laws.surface_fit.search import Flags, Problem, search

BOUNDS = (0.02, 3.0)
"""Of both exponents: below, a power is a constant over any grid that is trained; above, it is gone
within a factor 2."""
MIN_CELLS = 6
STARTS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Starting values of either exponent."""
START_PAIRS = np.array([(alpha, beta) for alpha in STARTS for beta in STARTS])
"""Starting values of both exponents, all pairs, (start, 2)."""
NEUTRAL_START = (0.4, 0.4)
"""Exponents from which refits start again that end on a bound."""
ROUGH_TOLERANCE = 1e-5
"""Of log exponents where only a minimum is asked for: it is then exact to about ten digits."""
SAME_OPTIMUM, SMALL_OBJECTIVE = 1.01, 1e-18
"""A start has found the optimum where its objective is within this factor of the lowest, or
nothing."""


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

    def some(self, rows: Index | Flags | slice) -> "SurfaceBatch":
        """Return some of the surfaces."""
        return SurfaceBatch(
            plane=self.plane, **{name: getattr(self, name)[rows] for name in _PER_SURFACE}
        )

    def one(self, index: int) -> "SurfaceBatch":
        """Return one surface as a batch of one."""
        return self.some(slice(index, index + 1))

    def replaced(self, rows: Index, other: "SurfaceBatch") -> "SurfaceBatch":
        """Return the batch with the surfaces of another at some of its rows."""
        fields = {name: getattr(self, name).copy() for name in _PER_SURFACE}
        for name, values in fields.items():
            values[rows] = getattr(other, name)
        return SurfaceBatch(plane=self.plane, **fields)

    @classmethod
    def joined(cls, first: "SurfaceBatch", second: "SurfaceBatch") -> "SurfaceBatch":
        """Return the surfaces of two batches over one plane."""
        return cls(
            plane=first.plane,
            **{
                name: np.concatenate([getattr(first, name), getattr(second, name)])
                for name in _PER_SURFACE
            },
        )

    @classmethod
    def nothing(cls, plane: Plane, count: int) -> "SurfaceBatch":
        """Return surfaces of NaN."""
        nan, ended = np.full(count, np.nan), np.zeros(count, dtype=bool)
        numbers = dict.fromkeys(_PER_SURFACE[:-1], nan)
        return cls(plane=plane, **numbers, converged=ended)


_PER_SURFACE = (
    "irreducible",
    "from_params",
    "from_tokens",
    "alpha",
    "beta",
    "objective",
    "converged",
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
    return fit_domains(plane, loss[None], weights)[0]


def fit_domains(
    plane: Plane, losses: Array, weights: Array | None = None
) -> list[tuple[SurfaceBatch, int]]:
    """Fit one surface per domain from all starts, as `fit_surface`; each is kept.

    The searches of all domains run at once, which takes an eighth of the time of one domain after
    the other where there are few points. The last 2,000 fits of a process are remembered,
    since several laws read the same surface.

    Args:
        plane: where.
        losses: (domain, point).
        weights: (point,) relative inverse variances, the same for all domains; None for 1.
    """
    means = np.array([plane.mean_log_params, plane.mean_log_tokens])
    weight = np.ones_like(plane.log_params) if weights is None else weights
    where = plane.log_params, plane.log_tokens, means, weight
    keys = [digest(*where, loss) for loss in losses]
    results = {key: _FITS.get(key) for key in keys}
    missing = [place for place, key in enumerate(keys) if results[key] is None]
    if missing:
        found, near = fit_each(plane, losses[missing], weights)
        for row, place in enumerate(missing):
            results[keys[place]] = _FITS.keep(keys[place], (found.one(row), near[row]))
    return [fit for key in keys if (fit := results[key]) is not None]


_FITS: Recent[tuple[SurfaceBatch, int]] = Recent(2000)
"""Fits that `fit_domains` remembers."""


def fit_each(
    plane: Plane, losses: Array, weights: Array | None = None
) -> tuple[SurfaceBatch, list[int]]:
    """Fit one surface from all starts to each row of losses, (surface, point), all at once.

    Args:
        plane: where.
        losses: (surface, point).
        weights: (point,) relative inverse variances, the same for all; None for 1.

    Returns:
        The surfaces with the lowest objectives, and how many starts found it to 1 %, by surface.
    """
    rows = np.repeat(losses, len(START_PAIRS), axis=0)
    found = fit_surfaces(plane, rows, np.tile(START_PAIRS, (len(losses), 1)), weights)
    objective = found.objective.reshape(len(losses), -1)
    lowest = np.argmin(objective, axis=1)
    near = objective <= SAME_OPTIMUM * objective.min(axis=1, keepdims=True) + SMALL_OBJECTIVE
    return found.some(np.arange(len(losses)) * len(START_PAIRS) + lowest), near.sum(axis=1).tolist()


def fit_surfaces(
    plane: Plane, losses: Array, starts: Array, weights: Array | None = None
) -> SurfaceBatch:
    """Fit many surfaces, each from one start.

    Args:
        plane: where.
        losses: above 0, (surface, point), or (point,) where only starts or weights differ.
        starts: alpha and beta to start from, (surface, 2), or (2,) for all.
        weights: relative inverse variances, (point,) or (surface, point); None for 1.
    """
    count = max(
        1 if weights is None else len(np.atleast_2d(weights)),
        len(losses) if losses.ndim == 2 else 1,
        len(np.atleast_2d(starts)),
    )
    ends = np.array([BOUNDS[0]] * 2), np.array([BOUNDS[1]] * 2)
    found = search(
        _problem(plane, losses, weights, ends),
        np.log(np.broadcast_to(starts, (count, 2))),
    )
    return SurfaceBatch(
        plane=plane,
        irreducible=found.coefficients[:, 0, 0],
        from_params=found.coefficients[:, 0, 1],
        from_tokens=found.coefficients[:, 0, 2],
        alpha=np.exp(found.theta[:, 0]),
        beta=np.exp(found.theta[:, 1]),
        objective=found.objective,
        converged=found.converged,
    )


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A surface that lacks a term, or whose exponents are in a range."""

    terms: tuple[bool, bool, bool] = (True, True, True)
    """Whether E, A / N^alpha and B / D^beta may differ from 0."""
    alpha: tuple[float, float] = BOUNDS
    """Least and largest alpha."""
    beta: tuple[float, float] = BOUNDS
    """Least and largest beta."""


def constrained(
    plane: Plane, losses: Array, weights: Array, starts: Array, constraints: Sequence[Constraint]
) -> Array:
    """Return the lowest weighted sum of squared relative residuals, (domain, constraint).

    Args:
        plane: where.
        losses: (domain, point).
        weights: (point,) relative inverse variances.
        starts: alpha and beta to start from, (domain, start, 2).
        constraints: all are fitted at once.
    """
    domains, count = starts.shape[:2]
    low, high = (
        np.repeat([(each.alpha[end], each.beta[end]) for each in constraints], count, axis=0)
        for end in (0, 1)
    )
    terms = np.repeat([each.terms for each in constraints], count, axis=0).astype(np.float64)
    size = len(terms)  # searches per domain
    low, high, terms = (np.tile(part, (domains, 1)) for part in (low, high, terms))
    rows = np.repeat(losses, size, axis=0)
    problem = _problem(plane, rows, weights, (low, high), terms)
    problem = replace(problem, tolerance=ROUGH_TOLERANCE, holds=True)
    tiled = np.tile(starts, (1, len(constraints), 1)).reshape(-1, 2)
    found = search(problem, np.log(tiled))
    return np.asarray(found.objective.reshape(domains, -1, count).min(axis=2))


def _problem(
    plane: Plane,
    losses: Array,
    weights: Array | None,
    bounds: tuple[Array, Array],
    terms: Array | None = None,
) -> Problem:
    """Return the problem of surfaces with exponents of their own."""
    root = np.ones(losses.shape[-1]) if weights is None else np.sqrt(weights)
    return Problem(
        log_params=plane.log_params,
        log_tokens=plane.log_tokens,
        losses=losses[:, None, :] if losses.ndim == 2 else losses[None],
        root_weights=root[None] if root.ndim == 1 else root,
        precision=np.ones(1),
        maps=np.eye(2)[None],
        low=np.log(bounds[0]),
        high=np.log(bounds[1]),
        terms=terms,
    )
