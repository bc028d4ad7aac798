"""Akima interpolation of an IsoFLOP curve: its minimum, and any quantity read there.

A cubic Hermite curve through the points whose slopes are averages of the neighbouring secants,
weighted by how much the secants further out bend (H. Akima, J. ACM 17, 589, 1970). It assumes no
shape, so it has none of a parabola's bias on asymmetric curves, and it smooths no noise. The
weights are those of the curve that is minimised: all domains of a budget are then read by one
linear rule, and ratios of domains stay exact. For that curve itself it is Akima's interpolation
(`scipy.interpolate.Akima1DInterpolator`).
"""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.fit_error import FitError

MIN_SIZES = 3
BEND = 1e-9
"""Where both bends are below this share of the largest, the two secants count alike (as in
scipy)."""


@dataclass(frozen=True, kw_only=True)
class AkimaMinimum:
    """Where curves have their minimum: any number of curves over the same x."""

    x: Array
    """Where the curves are known, (point,), rising."""
    share: Array
    """Weight of the left secant in each point's slope, (..., point)."""
    interval: Index
    """Interval that holds the minimum, (...)."""
    place: Array
    """Where in the interval, 0 to 1, (...)."""

    @property
    def at(self) -> Array:
        """Where the minimum is, (...)."""
        return np.asarray(self.x[self.interval] + self.place * np.diff(self.x)[self.interval])

    def read(self, values: Array) -> Array:
        """Return quantities at the minimum: (..., point) to (...)."""
        slope = _slopes(self.x, values, self.share)
        left, right = self.interval[..., None], self.interval[..., None] + 1
        ends = [
            np.take_along_axis(part, side, axis=-1)[..., 0]
            for part in (values, slope)
            for side in (left, right)
        ]
        return _hermite(self.place, np.diff(self.x)[self.interval], *ends)


def merge_equal(x: Array) -> tuple[Array, Array]:
    """Return the different x, rising, and the rows that average values over equal ones, (different,
    point).
    """
    unique, member = np.unique(np.round(x, 9), return_inverse=True)
    rows = (member[None, :] == np.arange(len(unique))[:, None]).astype(np.float64)
    return unique, rows / rows.sum(axis=1, keepdims=True)


def akima_minimum(x: Array, curves: Array) -> AkimaMinimum:
    """Find the lowest point of Akima curves.

    Args:
        x: (point,), rising without repeats.
        curves: (..., point).

    Raises:
        FitError: `too_few_runs` with fewer than three points.
    """
    if len(x) < MIN_SIZES:
        raise FitError(
            Status.TOO_FEW_RUNS, f"{len(x)} different sizes, the interpolation needs {MIN_SIZES}"
        )
    share = _shares(x, curves)
    step, slope = np.diff(x), _slopes(x, curves, share)
    rise = np.diff(curves, axis=-1)
    first = step * slope[..., :-1]
    second = 3 * rise - step * (2 * slope[..., :-1] + slope[..., 1:])
    third = step * (slope[..., :-1] + slope[..., 1:]) - 2 * rise
    root = second**2 - 3 * third * first
    with np.errstate(divide="ignore", invalid="ignore"):
        place = -first / (
            second + np.sqrt(root)
        )  # where the cubic's slope is 0 and it bends upwards
    inside = np.isfinite(place) & (place > 0) & (place < 1)
    place = np.where(inside, place, np.where(rise < 0, 1.0, 0.0))
    lowest = curves[..., :-1] + place * (first + place * (second + place * third))
    # The interior minimum of a cubic need not be below both ends.
    for end in (0.0, 1.0):
        height = curves[..., 1:] if end else curves[..., :-1]
        place, lowest = np.where(height < lowest, end, place), np.minimum(height, lowest)
    interval = np.argmin(lowest, axis=-1)
    found = np.take_along_axis(place, interval[..., None], axis=-1)[..., 0]
    return AkimaMinimum(x=x, share=share, interval=interval, place=found)


def akima_at(x: Array, curve: Array, at: float) -> AkimaMinimum:
    """Return a given place on one curve, with the curve's weights; arguments as in `akima_minimum`.

    Raises:
        FitError: `too_few_runs` with fewer than three points, or where they do not reach to the
            place.
    """
    if len(x) < MIN_SIZES or not x[0] <= at <= x[-1]:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{len(x)} different sizes, the interpolation needs {MIN_SIZES} on both sides of the optimum",
        )
    interval = np.array(np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2))
    place = np.asarray((at - x[interval]) / np.diff(x)[interval])
    return AkimaMinimum(x=x, share=_shares(x, curve), interval=interval, place=place)


def akima_row(minimum: AkimaMinimum) -> Array:
    """Return the coefficients that read a quantity at one curve's minimum, (point,)."""
    unit = np.eye(len(minimum.x))
    whole = AkimaMinimum(
        x=minimum.x,
        share=np.broadcast_to(minimum.share, unit.shape),
        interval=np.broadcast_to(minimum.interval, len(unit)),
        place=np.broadcast_to(minimum.place, len(unit)),
    )
    return whole.read(unit)


def _secants(x: Array, values: Array) -> Array:
    """Secants with two more beyond either end by quadratic continuation, (..., point + 3)."""
    m = np.diff(values, axis=-1) / np.diff(x)
    before = 2 * m[..., :1] - m[..., 1:2]
    after = 2 * m[..., -1:] - m[..., -2:-1]
    return np.concatenate(
        [2 * before - m[..., :1], before, m, after, 2 * after - m[..., -1:]], axis=-1
    )


def _shares(x: Array, curves: Array) -> Array:
    """Weight of the left secant in each point's slope, (..., point)."""
    bend = np.abs(np.diff(_secants(x, curves), axis=-1))  # (..., point + 2)
    before, after = bend[..., :-2], bend[..., 2:]
    total = before + after
    plain = total <= BEND * np.max(total, axis=-1, keepdims=True)
    return np.where(plain, 0.5, after / np.where(plain, 1.0, total))


def _slopes(x: Array, values: Array, share: Array) -> Array:
    m = _secants(x, values)
    return np.asarray(share * m[..., 1:-2] + (1 - share) * m[..., 2:-1])


def _hermite(
    s: Array, step: Array, left: Array, right: Array, slope_left: Array, slope_right: Array
) -> Array:
    """Value of the cubic Hermite piece at s in 0..1."""
    values = (1 + 2 * s) * (1 - s) ** 2 * left + s**2 * (3 - 2 * s) * right
    return np.asarray(
        values + step * (s * (1 - s) ** 2 * slope_left - s**2 * (1 - s) * slope_right)
    )
