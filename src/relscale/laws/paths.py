"""Named paths through sizes and tokens: which model a compute budget is spent on.

`Path.read` reads a name, `Paths.places` returns the models of a path. A law of (N, D) is a law of
compute only along a path.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy import spatial

from relscale.contract.status import Status
from relscale.laws.cells import Array, Flags, SuiteRuns
from relscale.laws.estimators.vertex import Vertex
from relscale.laws.fit_error import FitError
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.run_points import Places
from relscale.laws.surface_fit.projection import Plane, SurfaceBatch, fit_surface

OPTIMAL, OBSERVED = "optimal", "observed"
FIXED = ("fixed_ratio", "fixed_tokens", "fixed_params")
TOLERANCE = float(np.log(1.05))
"""Natural log: a model within 5 % of the hull of the runs counts as inside."""
CONSTANT_RATIO = float(np.log(1.1))
"""Standard deviation of log(D / N) below which the runs have a constant ratio."""
SEARCHES = 60
"""Fixed-point steps for the size on a path; each halves the error at least, since compute per token
and parameter hardly depends on the size."""
LN10 = float(np.log(10))
CHOICES = f"{OPTIMAL}, {OBSERVED}, fixed_ratio:20, fixed_tokens:1e10, fixed_params:1e9"


@dataclass(frozen=True, kw_only=True)
class Path:
    """The name of a path, taken apart."""

    kind: str
    """`optimal`, `observed`, `fixed_ratio` (tokens per parameter), `fixed_tokens` or
    `fixed_params`."""
    number: float = float("nan")
    """The fixed ratio, tokens or parameters; NaN for the other two."""

    @classmethod
    def read(cls, name: str) -> "Path":
        """Return the path of a name.

        Raises:
            ValueError: for a name that is not a path.

        Examples:
            >>> Path.read("fixed_ratio:20")
            Path(kind='fixed_ratio', number=20.0)
        """
        kind, colon, text = name.partition(":")
        if kind in (OPTIMAL, OBSERVED) and not colon:
            return cls(kind=kind)
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if kind not in FIXED or not (np.isfinite(number) and number > 0):
            raise ValueError(f"path is {name!r}; the choices are {CHOICES} (with any number)")
        return cls(kind=kind, number=number)

    @property
    def name(self) -> str:
        """The name, such as `fixed_ratio:20`."""
        return self.kind if np.isnan(self.number) else f"{self.kind}:{self.number:g}"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """FLOPs per token and parameter of a table's own runs, as a power of the size."""

    level: float
    """Natural log of F / (N D) at the mean log N."""
    slope: float
    """Change of that log per unit of log N: attention and embeddings cost small models more."""
    middle: float
    """The mean log N."""
    low: float
    """Smallest log N of the runs; the cost is constant beyond."""
    high: float
    """Largest log N of the runs."""

    @classmethod
    def of(cls, runs: SuiteRuns) -> "Cost":
        """Fit the cost to the runs of a corpus."""
        log_params = np.log(runs.params_model)
        rate = runs.log_compute - log_params - runs.log10_tokens * LN10
        away = log_params - log_params.mean()
        spread = float(away @ away)
        return cls(
            level=float(rate.mean()),
            slope=float(np.clip(away @ rate / spread, -0.9, 0.9)) if spread > 0 else 0.0,
            middle=float(log_params.mean()),
            low=float(log_params.min()),
            high=float(log_params.max()),
        )

    def log_rate(self, log_params: Array) -> Array:
        """Return the natural log of F / (N D) at natural logs of N."""
        within = np.clip(log_params, self.low, self.high)
        return np.asarray(self.level + self.slope * (within - self.middle))

    def solve(self, log_compute: Array, params_of: Callable[[Array], Array]) -> Array:
        """Return log N where `params_of` gives log N from log(N D), for each log F."""
        log_params = np.full_like(log_compute, self.middle)
        for _ in range(SEARCHES):
            log_params = params_of(log_compute - self.log_rate(log_params))
        return log_params


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The paths through the runs of one corpus."""

    runs: SuiteRuns
    """The runs."""
    fits: IsoflopFits
    """Their IsoFLOP curves."""
    _kept: dict[tuple[str, bytes], Places] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def cost(self) -> Cost:
        """FLOPs per token and parameter."""
        return Cost.of(self.runs)

    @cached_property
    def optima(self) -> tuple[Array, Array]:
        """Log compute and log tokens of the budgets' optima by rising compute, (budget,) each.

        They are empty where fewer than two budgets have one.
        """
        found = [
            (float(np.mean(self.runs.log_compute[cells])), optimum.log10_tokens * LN10)
            for optimum, cells in zip(self.fits.optima(Vertex()), self.fits.groups, strict=True)
            if optimum.usable
        ]
        if len(found) < 2:
            return np.array([]), np.array([])
        pairs = np.array(sorted(found))
        return pairs[:, 0], pairs[:, 1]

    @cached_property
    def has_constant_ratio(self) -> bool:
        """Whether all runs have nearly the same number of tokens per parameter."""
        return float(np.std(self._log_ratio)) < CONSTANT_RATIO

    @cached_property
    def vary_apart(self) -> bool:
        """Whether log N and log D of the runs span a plane and not a line."""
        points = np.stack([np.log(self.runs.params_model), self.runs.log10_tokens * LN10], axis=1)
        sizes = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        return bool(len(sizes) == 2 and sizes[1] > CONSTANT_RATIO / 2 * np.sqrt(len(points)))

    @property
    def _log_ratio(self) -> Array:
        return np.asarray(self.runs.log10_tokens * LN10 - np.log(self.runs.params_model))

    @property
    def compute_range(self) -> tuple[float, float]:
        """Lowest and highest natural log of the runs' compute."""
        return float(self.runs.log_compute.min()), float(self.runs.log_compute.max())

    @cached_property
    def default(self) -> Path:
        """The path of a law that states none.

        It is `optimal` where two budgets have an optimum, or the surface of the validation loss has
        one between the runs at most of their compute; the fixed ratio of runs that have one; else
        `observed`.
        """
        if len(self.optima[0]):
            return Path(kind=OPTIMAL)
        if self.has_constant_ratio:
            ratio = float(np.exp(np.mean(self._log_ratio)))
            return Path(kind="fixed_ratio", number=float(f"{ratio:.3g}"))
        try:
            optimal = self.places(Path(kind=OPTIMAL), np.unique(self.runs.log_compute))
        except FitError:
            return Path(kind=OBSERVED)
        inside = self.inside(optimal)
        return Path(kind=OPTIMAL if inside.mean() > 0.5 else OBSERVED)

    def places(self, path: Path, log_compute: Array) -> Places:
        """Return the models of a path at natural logs of compute, (place,); once.

        Raises:
            FitError: `no_usable_optimum` for `optimal`, where neither budgets nor a surface have
                one.
        """
        log_compute = np.asarray(log_compute, dtype=np.float64)
        key = f"{path.kind} {path.number!r}", log_compute.tobytes()
        if key not in self._kept:
            self._kept[key] = self._places(path, log_compute)
        return self._kept[key]

    def _places(self, path: Path, log_compute: Array) -> Places:
        log_number = float(np.log(path.number))
        if path.kind == OPTIMAL:
            log_params = self._optimal(log_compute)
        elif path.kind == OBSERVED:
            log_params = self._observed(log_compute)
        elif path.kind == "fixed_ratio":
            log_params = self.cost.solve(log_compute, lambda both: (both - log_number) / 2)
        elif path.kind == "fixed_tokens":
            log_params = self.cost.solve(log_compute, lambda both: both - log_number)
        else:
            log_params = np.full_like(log_compute, log_number)
        log_tokens = log_compute - self.cost.log_rate(log_params) - log_params
        if path.kind == OPTIMAL and len(self.optima[0]):
            log_tokens = self._optimal_tokens(log_compute)
        return Places(log_params=log_params, log_tokens=log_tokens, log_compute=log_compute)

    def model(self, log_params: float, log_tokens: float) -> Places:
        """Return the place of one model, with its compute by the runs' cost."""
        size = np.array([log_params])
        tokens = np.array([log_tokens])
        compute = size + tokens + self.cost.log_rate(size)
        return Places(log_params=size, log_tokens=tokens, log_compute=compute)

    def inside(self, places: Places) -> Flags:
        """Return whether places are within the hull of the runs' (log N, log D), (place,)."""
        points = np.stack([np.log(self.runs.params_model), self.runs.log10_tokens * LN10], axis=1)
        away = np.stack([places.log_params, places.log_tokens], axis=1) - points.mean(axis=0)
        points = points - points.mean(axis=0)
        _, sizes, axes = np.linalg.svd(points, full_matrices=True)
        spread = np.zeros(2)
        spread[: len(sizes)] = sizes / np.sqrt(len(points))
        if spread[1] > TOLERANCE / 2 and len(points) > 2:
            hull = spatial.ConvexHull(points).equations
            outside = away @ hull[:, :2].T + hull[:, 2]
            return np.asarray((outside <= TOLERANCE).all(axis=1))
        along, across = (away @ axes.T).T
        span = points @ axes[0]
        return np.asarray(
            (np.abs(across) <= 2 * TOLERANCE)
            & (along >= span.min() - TOLERANCE)
            & (along <= span.max() + TOLERANCE)
        )

    def check_inside(self, path: str, places: Places, beyond: bool) -> None:
        """Check that places are within the hull of the runs, unless `beyond` allows others.

        Raises:
            ValueError: naming the first model outside, the runs' ranges and the option.
        """
        inside = self.inside(places)
        if beyond or inside.all():
            return
        at = int(np.flatnonzero(~inside)[0])
        size, tokens = np.exp(places.log_params[at]), np.exp(places.log_tokens[at])
        runs = self.runs
        raise ValueError(
            f"{path} at {np.exp(places.log_compute[at]):.3g} FLOPs has {size:.3g} parameters and "
            f"{tokens:.3g} tokens, outside the runs of corpus {runs.corpus!r} "
            f"({runs.params_model.min():.3g} to {runs.params_model.max():.3g} parameters, "
            f"{10 ** runs.log10_tokens.min():.3g} to {10 ** runs.log10_tokens.max():.3g} tokens): "
            "add --beyond to extrapolate"
        )

    def _optimal_tokens(self, log_compute: Array) -> Array:
        """Return log D between the budgets' optima, and on their line in log F beyond them."""
        at, tokens = self.optima
        slope = np.polyfit(at, tokens, 1)[0]
        beyond = np.minimum(log_compute - at[0], 0) + np.maximum(log_compute - at[-1], 0)
        return np.asarray(np.interp(log_compute, at, tokens) + slope * beyond)

    def _optimal(self, log_compute: Array) -> Array:
        if len(self.optima[0]):
            tokens = self._optimal_tokens(log_compute)
            return self.cost.solve(log_compute, lambda both: both - tokens)
        surface = self._validation
        return self.cost.solve(log_compute, lambda both: both - surface.optimum(both, 1.0))

    @cached_property
    def _validation(self) -> SurfaceBatch:
        """The surface of the loss that places the optima."""
        fits = self.fits
        known = np.flatnonzero(fits.weights > 0)
        runs = self.runs
        plane = Plane.of(runs.params_model[known], 10 ** runs.log10_tokens[known])
        surface, _ = fit_surface(plane, np.exp(fits.score[known]), fits.weights[known])
        if min(surface.from_params[0], surface.from_tokens[0]) <= 0:
            raise FitError(
                Status.NO_USABLE_OPTIMUM, "the surface of the validation loss has no optimum"
            )
        return surface

    def _observed(self, log_compute: Array) -> Array:
        """Return log N on the least-squares line through the runs."""
        runs = self.runs
        away = runs.log_compute - runs.log_compute.mean()
        spread = float(away @ away)
        log_params = np.log(runs.params_model)
        slope = float(away @ log_params / spread) if spread > 0 else 0.0
        return np.asarray(log_params.mean() + slope * (log_compute - runs.log_compute.mean()))


def with_baseline(places: Places, log_baseline: Array) -> Places:
    """Return places with the natural log of the baseline's loss, (draw, place)."""
    return replace(places, log_baseline=log_baseline)
