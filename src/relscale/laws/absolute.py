"""Absolute laws L(F) through points, with the irreducible loss that held-out budgets prefer.

Two laws are compared by leaving the largest budgets out: the power law L = coefficient F^-exponent
and the saturating law L = offset + coefficient F^-exponent. The offset is the irreducible term of
the surface over all runs, where they identify it, or comes from the points alone, where those do.
Read `choose_absolute` first; `relscale.laws.surface_floors` connects it with the runs of a corpus.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.fit_error import FitError
from relscale.laws.identifiability import identify_saturating, offset_interval
from relscale.laws.least_squares import weighted_least_squares
from relscale.laws.leave_future_out import LeftOutErrors, Predict, compare_laws, future_splits
from relscale.laws.loss_laws.saturating import fit_saturating
from relscale.laws.power import fit_power_law
from relscale.laws.r_squared import r_squared
from relscale.laws.run_points import RunPoints

NAN = float("nan")
HIGHEST_SHARE = 0.999
"""An offset above this share of the lowest loss is not fitted: nothing would be left to fall."""
LEAST_POINTS = 2
"""Points that a law above a known offset is fitted to."""

LawName = Literal["power", "saturating"]


@dataclass(frozen=True, kw_only=True)
class SurfaceFloor:
    """An irreducible loss that the data identify."""

    value: float
    """In the unit of the metric."""
    standard_error: float
    """Its standard error."""
    ci_low: float
    """Lower end of its interval."""
    ci_high: float
    """Upper end."""


class FloorSource(Protocol):
    """Irreducible losses of one domain from runs below a budget."""

    def value(self, below: int) -> float:
        """Return the irreducible loss by runs of budgets with a lower index; NaN without a fit."""

    def floor(self, below: int) -> SurfaceFloor | None:
        """Return the same with its interval; None where the runs do not identify it."""


@dataclass(frozen=True, kw_only=True)
class AbsolutePoints:
    """Losses at the optima of budgets."""

    log_compute: Array
    """Natural log of F, (budget,)."""
    values: Array
    """Natural log of the loss, (budget,)."""
    budgets: Index
    """Indices of the budgets in the suite, rising, (budget,)."""
    lower: Callable[[int], "AbsolutePoints"] | None = None
    """Reads the points of budgets with a lower index again; None where a point depends on the runs
    of its budget alone."""
    independent: bool = True
    """Whether the points scatter independently, so that they may identify an offset."""

    @property
    def places(self) -> RunPoints:
        """Return the points as runs; sizes and tokens are not known."""
        nothing = np.full(len(self.values), np.nan)
        return RunPoints(
            log_params=nothing,
            log_tokens=nothing,
            log_compute=self.log_compute,
            budget=np.arange(len(self.values)),
            cell=np.arange(len(self.values)),
            values=self.values[None],
        )


@dataclass(frozen=True, kw_only=True)
class AbsoluteLaw:
    """L(F) = offset + exp(log_level - exponent (log F - log_reference))."""

    law: LawName
    """`power` where the offset is 0, else `saturating`."""
    log_reference: float
    """Natural log of the reference compute, the geometric mean of the points."""
    log_level: float
    """Natural log of the loss above the offset at the reference."""
    exponent: float
    """Positive where the loss falls with compute."""
    offset: float
    """Irreducible loss."""
    offset_interval: tuple[float, float]
    """Its interval; NaN for a power law."""
    offset_from: str
    """`surface`, `points`, or empty for a power law."""
    covariance: Array
    """Of offset, log_level and exponent, (3, 3); NaN without residual degrees of freedom."""
    residual_variance: float
    """Variance of log L about the law; NaN without residual degrees of freedom."""
    dof: int
    """Points less parameters fitted to them."""
    r2: float
    """Share of the variance of log L that the law explains."""
    num_points: int
    """Points fitted."""

    @property
    def log_coefficient(self) -> float:
        """Natural log of the loss above the offset at F = 1."""
        return self.log_level + self.exponent * self.log_reference

    @property
    def standard_error(self) -> float:
        """Of the exponent; NaN without residual degrees of freedom."""
        return float(np.sqrt(self.covariance[2, 2]))

    def exponent_interval(self, level: float) -> tuple[float, float]:
        """Return the Student-t interval of the exponent; NaN without degrees of freedom."""
        if self.dof < 1:
            return NAN, NAN
        half = float(stats.t.ppf(0.5 + level / 2, self.dof)) * self.standard_error
        return self.exponent - half, self.exponent + half

    def predict(self, log_compute: Array | float) -> Array:
        """Return log L at natural logs of compute."""
        x = np.asarray(log_compute, dtype=np.float64) - self.log_reference
        return np.asarray(np.log(self.offset + np.exp(self.log_level - self.exponent * x)))

    def prediction_error(self, log_compute: Array | float, new_point: bool = False) -> Array:
        """Return the standard error of the predicted log L.

        It is that of the law, or of a new point about it. NaN without degrees of freedom.
        """
        x = np.asarray(log_compute, dtype=np.float64) - self.log_reference
        fall = np.exp(self.log_level - self.exponent * x)
        slopes = np.stack([np.ones_like(fall), fall, -x * fall], axis=-1)
        slopes = slopes / (self.offset + fall)[..., None]
        variance = np.einsum("...i,ij,...j->...", slopes, self.covariance, slopes)
        return np.asarray(np.sqrt(variance + (self.residual_variance if new_point else 0.0)))


@dataclass(frozen=True, kw_only=True)
class AbsoluteChoice:
    """The law that held-out budgets prefer, and the evidence."""

    law: AbsoluteLaw
    """The law."""
    power_error: float
    """Root mean square error of the power law's log L at the largest budgets, left out; NaN where
    there are too few."""
    saturating_error: float
    """The same of the saturating law."""
    reason: str
    """Why the power law is used although the saturating law predicts better; else empty."""


def choose_absolute(
    points: AbsolutePoints, floors: FloorSource | None, level: float
) -> AbsoluteChoice:
    """Fit the law with the irreducible loss that held-out budgets prefer.

    The saturating law is used where it predicts the largest budgets, left out, better than the
    power law does, and its offset is identified. The surface's offset comes first: it is fitted to
    many more runs than there are points.

    Args:
        points: losses at the budgets' optima.
        floors: irreducible losses by the runs; None where only the points are known.
        level: of intervals.

    Raises:
        FitError: `too_few_budgets` with fewer than two different compute values.
    """
    power = _power(points, level)
    candidates: list[tuple[LeftOutErrors, str]] = []
    for source in ("surface", "points"):
        if (floors is None) if source == "surface" else not points.independent:
            continue
        try:
            candidates.append((_compare(points, floors if source == "surface" else None), source))
        except FitError:
            continue
    reason = ""
    for comparison, source in candidates:
        errors = comparison.errors
        if not errors["saturating"] < errors["power"]:
            continue
        try:
            law = (
                _from_surface(points, floors, level)
                if source == "surface" and floors is not None
                else _from_points(points, level)
            )
        except FitError as error:
            reason = reason or f"offset not used: {error.remarks[0]}"
            continue
        return AbsoluteChoice(
            law=law,
            power_error=errors["power"],
            saturating_error=errors["saturating"],
            reason="",
        )
    best = candidates[0][0].errors if candidates else {"power": NAN, "saturating": NAN}
    return AbsoluteChoice(
        law=power,
        power_error=best["power"],
        saturating_error=best["saturating"],
        reason=reason,
    )


def _power(points: AbsolutePoints, level: float) -> AbsoluteLaw:
    """Return the power law as an absolute law."""
    law = fit_power_law(points.log_compute, points.values, level)
    variances = [0.0, law.level_standard_error**2, law.standard_error**2]
    return AbsoluteLaw(
        law="power",
        log_reference=law.log_reference,
        log_level=law.log_level,
        exponent=law.exponent,
        offset=0.0,
        offset_interval=(NAN, NAN),
        offset_from="",
        covariance=np.diag(variances),
        residual_variance=law.residual_variance,
        dof=law.dof,
        r2=law.r2,
        num_points=law.num_points,
    )


def _compare(points: AbsolutePoints, floors: FloorSource | None) -> LeftOutErrors:
    """Compare both laws at the largest budgets, left out; without floors the points' own offset."""
    center = points.log_compute.mean()
    x = points.log_compute - center

    def below(row: Array) -> int:
        return int(points.budgets[row == 0][0])

    def training(row: Array) -> tuple[Array, Array]:
        if points.lower is None:
            return x[row > 0], points.values[row > 0]
        lower = points.lower(below(row))
        return lower.log_compute - center, lower.values

    def power(row: Array) -> Array:
        found, y = training(row)
        level, slope = _above(found, y, 0.0)
        return np.asarray(level + slope * x)

    def saturating(row: Array) -> Array:
        found, y = training(row)
        if floors is not None:
            offset = floors.value(below(row))
            level, slope = _above(found, y, offset)
            return np.asarray(np.log(offset + np.exp(level + slope * x)))
        if len(np.unique(found)) < 3:
            return np.full_like(x, np.nan)
        law = fit_saturating(found, y, np.ones((1, len(y))), 0.0)
        fall = law.scale[0] * np.exp(-law.exponent[0] * x)
        return np.asarray(np.log(law.offset[0] + fall))

    def rows(predict: Callable[[Array], Array]) -> Predict:
        def all_rows(weights: Array) -> Array:
            found = np.full_like(weights, np.nan)
            for place, row in enumerate(weights):
                with suppress(FitError):
                    found[place] = predict(row)
            return found

        return all_rows

    laws = {"power": rows(power), "saturating": rows(saturating)}
    return compare_laws(future_splits(points.places, LEAST_POINTS), points.values, laws)


def _above(x: Array, y: Array, offset: float) -> Array:
    """Fit log(L - offset) = level + slope x by least squares of the relative error of L, (2,).

    NaN where the offset is not below all losses.
    """
    loss = np.exp(y)
    if not 0 <= offset < HIGHEST_SHARE * loss.min():
        return np.full(2, np.nan)
    design = np.stack([np.ones_like(x), x], axis=1)
    weights = (1 - offset / loss) ** 2
    return np.asarray(weighted_least_squares(design, np.log(loss - offset), weights[None])[0])


def _from_surface(points: AbsolutePoints, floors: FloorSource, level: float) -> AbsoluteLaw:
    """Fit the law above the surface's floor; its error moves the level and the exponent.

    Raises:
        FitError: the floor is not identified, or not below all losses.
    """
    floor = floors.floor(int(points.budgets[-1]) + 1)
    if floor is None:
        raise FitError(Status.NOT_IDENTIFIED, "the runs do not identify the surface's floor")
    center = float(points.log_compute.mean())
    x, y = points.log_compute - center, points.values
    ones = np.ones_like(x)
    found = _above(x, y, floor.value)
    if not np.isfinite(found).all():
        raise FitError(Status.NOT_IDENTIFIED, "the surface's floor is not below all losses")
    loss = np.exp(y)
    fall = np.exp(found[0] + found[1] * x)
    share = (fall / (floor.value + fall))[:, None]
    residual = y - np.log(floor.value + fall)
    dof = len(x) - 2
    variance = float(residual @ residual) / dof if dof > 0 else NAN
    design = np.stack([ones, x], axis=1) * share
    # d(level, slope) / d(offset) by central differences.
    step = 0.1 * min(floor.standard_error, loss.min() - floor.value, floor.value) + 1e-9
    sides = [_above(x, y, floor.value + sign * step) for sign in (1, -1)]
    turn = np.array([1.0, *(sides[0] - sides[1]) / (2 * step)])
    covariance = floor.standard_error**2 * np.outer(turn, turn)
    covariance[1:, 1:] += variance * np.linalg.inv(design.T @ design)
    flip = np.array([1.0, 1.0, -1.0])  # the exponent is minus the slope
    return AbsoluteLaw(
        law="saturating",
        log_reference=center,
        log_level=float(found[0]),
        exponent=-float(found[1]),
        offset=floor.value,
        offset_interval=(floor.ci_low, floor.ci_high),
        offset_from="surface",
        covariance=covariance * np.outer(flip, flip),
        residual_variance=variance,
        dof=max(dof, 0),
        r2=r_squared(y, residual),
        num_points=len(x),
    )


def _from_points(points: AbsolutePoints, level: float) -> AbsoluteLaw:
    """Fit offset, level and exponent to the points.

    Raises:
        FitError: the points do not identify all three.
    """
    center = float(points.log_compute.mean())
    x, y = points.log_compute - center, points.values
    ones = np.ones_like(x)
    fit = fit_saturating(x, y, ones[None], center)
    identify_saturating(points.places, fit, ones, level).require()
    offset, scale, exponent = (float(part[0]) for part in (fit.offset, fit.scale, fit.exponent))
    fall = scale * np.exp(-exponent * x)
    residual = y - np.log(offset + fall)
    dof = len(x) - 3
    slopes = np.stack([ones, fall, -x * fall], axis=1) / (offset + fall)[:, None]
    variance = float(residual @ residual) / dof
    return AbsoluteLaw(
        law="saturating",
        log_reference=center,
        log_level=float(np.log(scale)),
        exponent=exponent,
        offset=offset,
        offset_interval=offset_interval(points.places, fit, ones, level),
        offset_from="points",
        covariance=np.asarray(variance * np.linalg.inv(slopes.T @ slopes)),
        residual_variance=variance,
        dof=dof,
        r2=r_squared(y, residual),
        num_points=len(x),
    )
