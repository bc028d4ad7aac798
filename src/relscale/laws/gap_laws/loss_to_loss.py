"""The gap as a polynomial of the baseline's loss: the working law for any design of runs.

log G = c0 + c1 log L_b + c2 (log L_b)^2. Losses on two domains are close to a shifted power law of
each other, whatever the size and token count of the models (Brandfonbrener et al., 2024,
arXiv:2411.12925; Mayilvahanan et al., 2025, arXiv:2502.12120). In logs that is a curve
with little bend over any range that is trained, so that two or three coefficients follow it. The
law needs no IsoFLOP curve and no optimum. Along any path

    dbeta = d log G / d log F = -(c1 + 2 c2 log L_b) beta_b,  beta_b = -d log L_b / d log F.

Read `LossToLoss` first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Flags, Index
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.kept import Recent, digest
from relscale.laws.leave_future_out import Origin, comparable, future_splits
from relscale.laws.nearness import excess_loss, near_runs
from relscale.laws.run_points import Places, RunPoints

MIN_RUNS = 3
"""Runs from which a line has scatter about it."""
MIN_RUNS_OF_CURVE = 6
"""Different losses from which the curve with three coefficients is tried."""
SHARES = (1.0, 0.6, 0.4)
"""Shares of the runs nearest the frontier that leave-future-out chooses from."""
FLAT = 1e-9
"""Losses that vary by less of themselves are constant."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Polynomials of x, one per draw, on orthogonal polynomials of the draw's runs."""

    centre: Array
    """Weighted mean of x, (draw,)."""
    tilt: Array
    """p2 = (x - centre)^2 - tilt (x - centre) - square, (draw,); 0 for a line."""
    square: Array
    """(draw,)."""
    coefficients: Array
    """Of 1, x - centre and p2, (draw, 3); the last is 0 for a line."""

    def at(self, x: Array) -> Array:
        """Return the values at x, (place,) or (draw, place); the result is (draw, place)."""
        away = np.atleast_2d(x) - self.centre[:, None]
        second = away * (away - self.tilt[:, None]) - self.square[:, None]
        level, slope, bend = (part[:, None] for part in self.coefficients.T)
        return np.asarray(level + slope * away + bend * second)

    @classmethod
    def assembled(cls, draws: int, parts: Sequence[tuple[Index, "Curve"]]) -> "Curve":
        """Return curves whose rows come from several; rows in none of them are NaN."""
        fields = {
            name: np.full((draws, 3) if name == "coefficients" else draws, np.nan)
            for name in ("centre", "tilt", "square", "coefficients")
        }
        for rows, part in parts:
            for name, values in fields.items():
                values[rows] = getattr(part, name)
        return cls(**fields)

    def slope(self, x: Array) -> Array:
        """Return the derivatives at x, (place,) or (draw, place); the result is (draw, place)."""
        away = np.atleast_2d(x) - self.centre[:, None]
        _, slope, bend = (part[:, None] for part in self.coefficients.T)
        return np.asarray(slope + bend * (2 * away - self.tilt[:, None]))

    def powers(self) -> Array:
        """Return the coefficients c0, c1, c2 of powers of x, (draw, 3)."""
        level, slope, bend = self.coefficients.T
        m = self.centre
        return np.stack(
            [
                level - slope * m + bend * (m**2 + self.tilt * m - self.square),
                slope - bend * (2 * m + self.tilt),
                bend,
            ],
            axis=1,
        )


def fit_curve(x: Array, y: Array, weights: Array, degree: int) -> Curve:
    """Fit polynomials by weighted least squares, all draws at once.

    The polynomials are orthogonal under the weights of their draw, so that no system is solved.

    Args:
        x: (run,).
        y: (run,).
        weights: (draw, run) of at least 0.
        degree: 1 or 2.

    Returns:
        The curves; coefficients are NaN for a draw whose x do not determine them.
    """
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = weights @ x / total
        away = x - centre[:, None]
        first = np.sum(weights * away**2, axis=1)
        scale = np.sqrt(first / total)
        first = np.where(scale > FLAT * np.maximum(1.0, np.abs(centre)), first, np.nan)
        level = weights @ y / total
        rest = y - level[:, None]
        slope = np.sum(weights * away * rest, axis=1) / first
        zero = np.zeros_like(total)
        if degree == 1:
            parts = np.stack([level, slope, np.where(np.isnan(slope), np.nan, 0.0)], axis=1)
            return Curve(centre=centre, tilt=zero, square=zero, coefficients=parts)
        tilt = np.sum(weights * away**3, axis=1) / first
        square = first / total
        second = away * (away - tilt[:, None]) - square[:, None]
        size = np.sum(weights * second**2, axis=1)
        size = np.where(size > total * (1e-6 * square) ** 2, size, np.nan)
        rest = rest - slope[:, None] * away
        bend = np.sum(weights * second * rest, axis=1) / size
    parts = np.stack([level, slope, bend], axis=1)
    parts[np.isnan(parts).any(axis=1)] = np.nan
    return Curve(centre=centre, tilt=tilt, square=square, coefficients=parts)


@dataclass(frozen=True, kw_only=True)
class FittedLossToLoss(FittedGap):
    """Fitted curves of log G over log L_b."""

    curve: Curve
    """The curves, one per draw."""
    degree: int
    """1 or 2."""
    share: float
    """Share of the runs nearest the frontier that was fitted."""
    near: Flags
    """Runs that were fitted, (run,)."""
    remarks: tuple[str, ...] = ()
    """Notes for a reader."""

    def log_gap(self, places: Places) -> Array:
        """Return log G at the places' baseline losses, (draw, place)."""
        return self.curve.at(_baseline(places))

    def slope(self, places: Places) -> Array:
        """Return d log G / d log L_b at the places' baseline losses, (draw, place)."""
        return self.curve.slope(_baseline(places))


_OPTIONS: Recent[tuple[int, float, Flags]] = Recent(2000)
"""Choices of `LossToLoss` for the last gaps: table, trials and back-tests of a gap choose alike."""


@dataclass(frozen=True, kw_only=True)
class LossToLoss(GapLaw):
    """log G as a line or a parabola of log L_b, over all runs or those nearest the frontier."""

    name = "loss_to_loss"
    num_parameters = 3
    reads_baseline = True

    degree: int | None = None
    """1 for a line, 2 for a parabola; None lets held-out runs with more compute choose."""
    share: float | None = None
    """Share of the runs nearest the frontier to fit, above 0 and at most 1; None lets held-out runs
    with more compute choose among `SHARES`."""

    def __post_init__(self) -> None:
        """Check the options."""
        if self.degree not in (None, 1, 2):
            raise ValueError(f"degree is {self.degree}; the choices are 1, 2 and None")
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}; must be above 0 and at most 1")

    def as_chosen(self, fitted: FittedGap) -> "LossToLoss":
        """Return the law with a fit's degree and share."""
        assert isinstance(fitted, FittedLossToLoss)
        return LossToLoss(degree=fitted.degree, share=fitted.share)

    def fit(self, points: RunPoints, weights: Array) -> FittedLossToLoss:
        """Fit the curve once per row of weights.

        Degree and share of a row are chosen by runs with no more compute than the row itself has:
        rows that hold out the highest compute know nothing of it.

        Raises:
            FitError: `too_few_runs` with fewer than three runs in the first row; `no_variation`
                where their baseline's losses are equal.
        """
        weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        used = np.asarray(weights[0] > 0)
        x = points.values[-1]
        _check(x[used])
        top = np.where(weights > 0, points.log_compute, -np.inf).max(axis=1)
        options = {top[0]: self._options(points, used)}
        for level in np.unique(top[1:]):
            if level not in options and np.isfinite(level):
                known = (weights[top == level] > 0).any(axis=0)
                options[level] = self._options(points, np.asarray(known))
        parts = []
        for level, (degree, _, near) in options.items():
            rows = np.flatnonzero(top == level)
            # Runs without a weight in the first row are not known to be far from the frontier.
            kept = near | ~used if level == top[0] else near
            parts.append((rows, fit_curve(x, points.log_gap, weights[rows] * kept, degree)))
        curve = Curve.assembled(len(weights), parts)
        if np.isnan(curve.coefficients[0]).any():
            raise FitError(Status.NO_VARIATION, "the baseline's losses do not determine a curve")
        degree, share, near = options[top[0]]
        return FittedLossToLoss(
            curve=curve, degree=degree, share=share, near=near, remarks=_remarks(degree, share)
        )

    def _options(self, points: RunPoints, used: Flags) -> tuple[int, float, Flags]:
        """Return degree, share and the runs near the frontier, chosen by the used runs; once."""
        where = points.log_params, points.log_tokens, points.log_compute, points.budget, points.cell
        options = self.degree or 0, self.share or 0.0
        key = digest(*where, points.values, used, *options)
        return _OPTIONS.get(key) or _OPTIONS.keep(key, self._chosen(points, used))

    def _chosen(self, points: RunPoints, used: Flags) -> tuple[int, float, Flags]:
        x = points.values[-1]
        excess = excess_loss(points, used)
        degree, share = self._choose(points, used, excess)
        near = near_runs(excess, used, share)
        return (degree, share, near) if _different(x[near]) > 1 else (degree, 1.0, used)

    def _choose(self, points: RunPoints, used: Flags, excess: Array) -> tuple[int, float]:
        """Return degree and share: the given ones, or those with the lowest held-out error.

        Of two with the same error the one with the lower degree or with more runs is taken.
        """
        enough = _different(points.values[-1][used]) >= MIN_RUNS_OF_CURVE
        degrees = (1, 2) if self.degree is None and enough else (self.degree or 1,)
        shares = SHARES if self.share is None else (self.share,)
        if excess[used].max() == 0 and self.share is None:
            shares = (1.0,)
        best = degrees[0], shares[0]
        if len(degrees) == len(shares) == 1:
            return best
        held = points.where(used)
        splits = future_splits(held)
        frontiers = [excess_loss(held, origin.train) for origin in splits.origins]
        options = {f"{share} {degree}": (degree, share) for share in shares for degree in degrees}
        errors = {}
        for name, option in options.items():
            pairs = zip(splits.origins, frontiers, strict=True)
            predicted = [_predicted(held, origin, frontier, *option) for origin, frontier in pairs]
            if predicted:
                errors[name] = splits.errors(np.stack(predicted), held.log_gap)
        names, squared = comparable(errors)
        return options[names[int(np.argmin(squared.mean(axis=1)))]] if names else best


def _predicted(
    points: RunPoints, origin: Origin, excess: Array, degree: int, share: float
) -> Array:
    """Return log G of all runs given their log L_b by a fit from an origin, (run,).

    It is NaN where the curve cannot be fitted.

    Args:
        points: the runs.
        origin: the runs that are fitted.
        excess: of the runs above the frontier of those, (run,).
        degree: of the curve.
        share: of the runs nearest the frontier that are fitted.
    """
    x = points.values[-1]
    near = near_runs(excess, origin.train, share)
    if _different(x[near]) <= degree + 1:
        return np.full_like(x, np.nan)
    curve = fit_curve(x, points.log_gap, near[None, :].astype(np.float64), degree)
    return np.asarray(curve.at(x)[0])


def _baseline(places: Places) -> Array:
    if places.log_baseline is None:
        raise ValueError("loss_to_loss depends on the baseline's loss, which these places lack")
    return places.log_baseline


def _different(x: Array) -> int:
    """Return how many different values there are."""
    return len(np.unique(x))


def _check(x: Array) -> None:
    """Check that there are enough different losses.

    Raises:
        FitError: as `LossToLoss.fit`.
    """
    if len(x) < MIN_RUNS:
        raise FitError(
            Status.TOO_FEW_RUNS, f"{len(x)} run(s), a line with scatter needs {MIN_RUNS}"
        )
    if np.ptp(x) <= FLAT * max(1.0, float(np.abs(x).max())):
        raise FitError(Status.NO_VARIATION, "the baseline has the same loss in every run")


def _remarks(degree: int, share: float) -> tuple[str, ...]:
    """Return notes on the chosen degree and share."""
    notes = [] if degree == 2 else ["a line in log loss"]
    return (*notes, *([f"the {100 * share:g} % of the runs nearest the frontier"] * (share < 1)))
