"""Whether data identify the parameters of a law.

A law is always fitted, and its parameters are shown only where the data identify them: the Jacobian
with columns of unit length has a condition number below `MAX_CONDITION`; the profile interval of
every parameter ends inside its bounds; and budgets that are left out are not predicted worse than
by the next simpler law. Read `Identification` first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.least_squares import weighted_least_squares
from relscale.laws.leave_future_out import FutureSplits, compare_laws, future_splits
from relscale.laws.loss_laws.power import POWER
from relscale.laws.loss_laws.saturating import EXPONENTS, SATURATING, FittedSaturating
from relscale.laws.loss_laws.surface import SURFACES, FittedSurface, identified_rows
from relscale.laws.run_points import RunPoints
from relscale.laws.surface_fit.projection import (
    BOUNDS,
    STARTS,
    Constraint,
    SurfaceBatch,
    constrained,
)

MAX_CONDITION = 1e4
"""Condition number of a scaled Jacobian from which on parameters are not separated."""
ROUNDING = 1e-12
"""Held-out errors and mean squares below are rounding."""
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Identification:
    """Evidence that data identify the parameters of a law."""

    condition: float
    """Condition number of the Jacobian with columns of unit length; infinite below full rank."""
    unbounded: tuple[str, ...]
    """Parameters whose profile interval reaches a bound."""
    left_out_error: float
    """Root mean square error of the log value at the largest budgets, left out; NaN where there are
    too few budgets."""
    simpler_error: float
    """The same error of the next simpler law."""
    left_out: str = "budgets"
    """Points that are left out, in words."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why the law is not identified; empty where it is."""
        found = []
        if not self.condition < MAX_CONDITION:
            found.append(f"the condition number of the scaled Jacobian is {self.condition:.2g}")
        if self.unbounded:
            found.append(f"no finite interval of {', '.join(self.unbounded)}")
        if self.left_out_error > self.simpler_error * (1 + 1e-9) + ROUNDING:
            found.append(
                f"the error at {self.left_out} left out is {100 * self.left_out_error:.2g} %, that "
                f"of the simpler law {100 * self.simpler_error:.2g} %"
            )
        return tuple(found)

    @property
    def identified(self) -> bool:
        """Whether all parameters may be shown."""
        return not self.reasons

    def require(self) -> None:
        """Check that the law is identified.

        Raises:
            FitError: `not_identified`, with the reasons as remarks.
        """
        if self.reasons:
            raise FitError(Status.NOT_IDENTIFIED, self.reasons[0], self.reasons[1:])


def condition_number(jacobian: Array, weights: Array | None = None) -> float:
    """Return the condition number of a Jacobian, (point, parameter), with columns of unit length.

    It is infinite where a column is 0 or there are fewer points than parameters.
    """
    rows = jacobian if weights is None else jacobian * np.sqrt(weights)[:, None]
    size = np.linalg.norm(rows, axis=0)
    if rows.shape[0] < rows.shape[1] or not np.all(np.isfinite(rows)) or not np.all(size > 0):
        return float("inf")
    values = np.linalg.svd(rows / size, compute_uv=False)
    return float(values[0] / values[-1]) if values[-1] > 0 else float("inf")


def profile_limit(objective: float, dof: float, level: float) -> float:
    """Return the sum of squares at which a profile interval ends.

    objective (1 + F / dof) with the quantile F of the F distribution with 1 and dof degrees of
    freedom (Bates and Watts, 1988, section 6.1).
    """
    if dof < 1:
        return float("inf")
    return (objective + ROUNDING**2) * (1 + float(stats.f.ppf(level, 1, dof)) / dof)


def identify_surface(
    points: RunPoints, fit: SurfaceBatch, weights: Array, level: float
) -> Identification:
    """Return whether runs identify the five parameters of their surface.

    Args:
        points: runs with the values of one domain.
        fit: their least-squares surface, a batch of one.
        weights: relative inverse variances of the runs, (run,).
        level: of the profile intervals.
    """
    return identify_surfaces(points, points.values[:1], [fit], weights, level)[0]


def identify_surfaces(
    points: RunPoints,
    values: Array,
    fits: Sequence[SurfaceBatch],
    weights: Array,
    level: float,
) -> list[Identification]:
    """Return the same for several domains over the same runs, all at once.

    Args:
        points: the runs; their values are not read.
        values: natural logs of the losses, (domain, run).
        fits: the least-squares surface of each domain, batches of one.
        weights: relative inverse variances of the runs, (run,), the same for all domains.
        level: of the profile intervals.
    """
    dof = float(np.sum(weights > 0)) - SURFACES.num_parameters
    middling = [[start, start] for start in STARTS[1:4]]
    starts = np.array([[[fit.alpha[0], fit.beta[0]], *middling] for fit in fits])
    cases = (
        ("E", Constraint(terms=(False, True, True))),
        ("A", Constraint(terms=(True, False, True))),
        ("B", Constraint(terms=(True, True, False))),
        *(("alpha", Constraint(alpha=(end, end))) for end in BOUNDS),
        *(("beta", Constraint(beta=(end, end))) for end in BOUNDS),
    )
    constraints = [case for _, case in cases]
    squares = constrained(fits[0].plane, np.exp(values), weights, starts, constraints)

    def plane(rows: Array, domain: Array) -> Array:
        return _plane(replace(points, values=domain[None]), rows * weights)

    left_out = _left_out_surfaces(points, values, weights, plane)
    apart = identified_rows(points, weights[None])[0]
    found = []
    for fit, of_domain, errors in zip(fits, squares, left_out, strict=True):
        limit = profile_limit(float(fit.objective[0]), dof, level)
        names = [name for (name, _), value in zip(cases, of_domain, strict=True) if value <= limit]
        found.append(
            Identification(
                condition=condition_number(fit.jacobian()[0], weights) if apart else float("inf"),
                unbounded=tuple(dict.fromkeys(names)),
                left_out_error=errors[0],
                simpler_error=errors[1],
            )
        )
    return found


def _left_out_surfaces(
    points: RunPoints,
    values: Array,
    weights: Array,
    simpler: Callable[[Array, Array], Array],
) -> list[tuple[float, float]]:
    """Return `_left_out` for the surface of each domain, (domain, run).

    Args:
        points: the runs.
        values: natural logs of the losses, (domain, run).
        weights: of the runs, (run,).
        simpler: fits the next simpler law to a domain, (run,), by rows of weights.
    """
    splits = future_splits(points)
    fitted: Sequence[FittedSurface | FitError]
    try:
        rows = splits.weights[:0:-1] * weights
        fitted = (
            SURFACES.fit_domains(points, values, rows) if len(rows) else [_NO_SPLIT] * len(values)
        )
    except FitError as error:
        fitted = [error] * len(values)
    found = []
    for domain, surface in zip(values, fitted, strict=True):

        def law(_: Array, surface: FittedSurface | FitError = surface) -> Array:
            if isinstance(surface, FitError):
                raise surface
            return surface.log_loss(points.places)

        def plain(rows: Array, domain: Array = domain) -> Array:
            return simpler(rows, domain)

        found.append(_left_out(splits, domain, law, plain))
    return found


_NO_SPLIT = FitError(Status.TOO_FEW_BUDGETS, "no budget can be left out")


def identify_saturating(
    points: RunPoints, fit: FittedSaturating, weights: Array, level: float
) -> Identification:
    """Return whether runs identify the offset, scale and exponent of their saturating law.

    Args:
        points: runs with the values of one domain.
        fit: their law; its first row is judged.
        weights: relative inverse variances of the runs, (run,).
        level: of the profile intervals.
    """
    x = points.log_compute - fit.center
    used = weights > 0
    limit = profile_limit(float(fit.objective[0]), float(used.sum()) - 3, level)
    loss = np.exp(points.values[0])
    exponent, scale = float(fit.exponent[0]), float(fit.scale[0])
    fall = np.exp(-exponent * x)
    jacobian = np.stack([np.ones_like(x), fall, -scale * x * fall], axis=1) / loss[:, None]
    low, high = offset_interval(points, fit, weights, level)
    ends = _profile(x, loss, weights, np.array(EXPONENTS))[1]
    unbounded = [
        *(["offset"] if not 0 < low < high < loss[weights > 0].min() else []),
        *(["exponent"] if ends.min() <= limit else []),
    ]
    left_out, simpler = _left_out(
        future_splits(points),
        points.values[0],
        lambda rows: SATURATING.fit(points, rows * weights).log_loss(points.places),
        lambda rows: POWER.fit(points, rows * weights).log_loss(points.places),
    )
    return Identification(
        condition=condition_number(jacobian, weights),
        unbounded=tuple(unbounded),
        left_out_error=left_out,
        simpler_error=simpler,
    )


def offset_interval(
    points: RunPoints, fit: FittedSaturating, weights: Array, level: float
) -> tuple[float, float]:
    """Return the profile interval of the offset of a saturating law; it may end below 0.

    Given the exponent, the sum of squares is a parabola in the offset, so that the interval is the
    union of the parabolas' intervals over exponents.

    Args:
        points: runs with the values of one domain.
        fit: their law; its first row is used.
        weights: relative inverse variances of the runs, (run,).
        level: of the interval.
    """
    x = points.log_compute - fit.center
    limit = profile_limit(float(fit.objective[0]), float(np.sum(weights > 0)) - 3, level)
    near = float(fit.exponent[0]) * np.geomspace(0.8, 1.25, 201)
    exponents = np.concatenate([np.geomspace(EXPONENTS[0], EXPONENTS[1], 800), near])
    offset, squares, curvature = _profile(x, np.exp(points.values[0]), weights, exponents)
    inside = squares <= limit
    if not inside.any() or not np.isfinite(limit):
        return -float("inf"), float("inf")
    half = np.sqrt((limit - squares[inside]) / curvature[inside])
    return float(np.min(offset[inside] - half)), float(np.max(offset[inside] + half))


def _profile(x: Array, loss: Array, weights: Array, exponents: Array) -> tuple[Array, Array, Array]:
    """Fit offset and scale without bounds at given exponents, (exponent,) each.

    Returns:
        Offset, sum of squared relative residuals, and half the second derivative of that sum by the
        offset, with the scale fitted.
    """
    power = np.exp(-exponents[:, None] * x) / loss  # (exponent, run)
    total = float(np.sum(weights / loss**2))
    cross, square = power @ (weights / loss), power**2 @ weights
    right = float(np.sum(weights / loss)), power @ weights
    curvature = np.maximum(total - cross**2 / square, 1e-300)
    offset = (right[0] - cross * right[1] / square) / curvature
    scale = (right[1] - cross * offset) / square
    residual = offset[:, None] / loss + scale[:, None] * power - 1
    return offset, residual**2 @ weights, curvature


def _left_out(
    splits: FutureSplits,
    values: Array,
    law: Callable[[Array], Array],
    simpler: Callable[[Array], Array],
) -> tuple[float, float]:
    """Return held-out errors of a law and of the simpler one, NaN where they cannot be compared."""
    try:
        errors = compare_laws(splits, values, {"law": law, "simpler": simpler}).errors
    except FitError:
        return NAN, NAN
    return errors["law"], errors["simpler"]


def _plane(points: RunPoints, weights: Array) -> Array:
    """Fit log L linearly in log N and log D, and return it at all runs, (draw, run)."""
    n, d = points.log_params, points.log_tokens
    design = np.stack([np.ones_like(n), n - n.mean(), d - d.mean()], axis=1)
    return np.asarray(weighted_least_squares(design, points.values[0], weights) @ design.T)
