"""A gap on other scales than the ratio of its losses.

An estimator fits the difference of two terms, log L_t - log L_b on the scale `ratio`. On another
scale the terms are replaced, so that the difference is the quantity of that scale and
everything else (runs, optima, item noise, estimator) stays the same:

- `difference`: h = L_t - L_b in the unit of the metric;
- `reducible`: r = log (L_t - E_t) - log (L_b - E_b), where both floors E are identified.

The scale `gain` is a quotient of two laws: F' / F with L_t(F') = L_b(F). Read `Scaled` first.
"""

from dataclasses import dataclass, replace

import numpy as np

from relscale.contract.scales import DIFFERENCE, REDUCIBLE
from relscale.laws.cells import ROUNDING_VARIANCE, Array, SuiteRuns, average_seeds
from relscale.laws.estimators.base import FamilyNoise, Quantity, Term
from relscale.laws.estimators.reading import take_reading
from relscale.laws.fit_error import FitError
from relscale.laws.floor_gate import gate_surface
from relscale.laws.gap import GapFit, line_rows
from relscale.laws.noise import Pooled
from relscale.laws.noise_model import JOINT
from relscale.laws.surface_fit.reader import SurfaceReader

FLOOR_DIGITS = 5
"""Significant digits of a floor, fewer than a search for its surface is exact to, so that the
result does not depend on the processor."""


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """A gap on one scale, as two terms for an estimator."""

    scale: str
    """`difference` or `reducible`."""
    terms: tuple[Term, Term]
    """Their log errors differ by the quantity of the scale divided by `unit`."""
    unit: float
    """Unit of the fitted numbers."""

    @classmethod
    def difference(cls, treatment: Term, baseline: Term) -> "Scaled":
        """Return L_t - L_b in units of the geometric mean over the runs of the middle of both.

        Both terms are at the same distance from the log of that middle, (L_t + L_b) / 2, so that a
        swap of the domains swaps the terms.
        """
        values, reference = np.exp(treatment.log_error), np.exp(baseline.log_error)
        middle = np.log((values + reference) / 2)
        unit = float(np.exp(np.mean(middle[np.isfinite(middle)])))
        half = (values - reference) / (2 * unit)
        covariance = None
        if treatment.item_covariance is not None and baseline.item_covariance is not None:
            ours, theirs = np.nan_to_num(values) / unit, np.nan_to_num(reference) / unit
            covariance = np.outer(ours, ours) * treatment.item_covariance
            covariance = covariance + np.outer(theirs, theirs) * baseline.item_covariance
            covariance = covariance - _crossed(treatment, ours, theirs)
            # An estimator adds the covariances of its terms.
            covariance = covariance / 2
        terms = tuple(
            replace(
                term, log_error=middle + sign * half, item_covariance=covariance, item_cross=None
            )
            for term, sign in ((treatment, 1.0), (baseline, -1.0))
        )
        return cls(scale=DIFFERENCE, terms=(terms[0], terms[1]), unit=unit)

    @classmethod
    def reducible(cls, treatment: Term, baseline: Term, floors: Array) -> "Scaled":
        """Return log (L_t - E_t) - log (L_b - E_b); `floors` is (E_t, E_b)."""
        values, reference = np.exp(treatment.log_error), np.exp(baseline.log_error)
        above, below = values - floors[0], reference - floors[1]
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.log(above) - np.log(below)
        rates = values / above, reference / below
        terms = _terms(treatment, baseline, gap, rates)
        return cls(scale=REDUCIBLE, terms=terms, unit=1.0)

    def restored(self, fit: GapFit) -> GapFit:
        """Return a fit of the two terms in the unit of the scale."""
        return fit.in_unit(self.unit)


def _terms(
    treatment: Term, baseline: Term, gap: Array, rates: tuple[Array, Array]
) -> tuple[Term, Term]:
    """Return terms that differ by a gap.

    Args:
        treatment: the treatment's log errors.
        baseline: the baseline's, which stay.
        gap: the quantity, (run,).
        rates: derivative of the gap by the treatment's log error, and minus that by the baseline's,
            (run,) each.
    """
    covariance = None
    if treatment.item_covariance is not None and baseline.item_covariance is not None:
        ours, theirs = (np.nan_to_num(rate) for rate in rates)
        # An estimator adds the covariances of its terms, and that of the gap is their sum.
        covariance = (
            np.outer(ours, ours) * treatment.item_covariance
            + (np.outer(theirs, theirs) - 1) * baseline.item_covariance
            - _crossed(treatment, ours, theirs)
        )
    changed = replace(
        treatment,
        log_error=baseline.log_error + gap,
        item_covariance=covariance,
        item_cross=None,
    )
    return changed, baseline


def _crossed(treatment: Term, ours: Array, theirs: Array) -> Array:
    """Return the covariance that pairs of items take off that of a gap, (run, run).

    Args:
        treatment: the first term of the gap.
        ours: derivative of the gap by the treatment's log error, (run,).
        theirs: minus that by the baseline's, (run,).
    """
    if treatment.item_cross is None:
        return np.zeros((len(ours), len(ours)))
    one_way = np.outer(ours, theirs) * treatment.item_cross
    return np.asarray(one_way + one_way.T)


@dataclass(frozen=True, kw_only=True)
class ScaledNoise:
    """Budget effects of the other gaps of a family, for a gap on another scale."""

    ratio: FamilyNoise
    """Those of log G."""
    factor: float
    """Run variance on the scale divided by that of log G."""

    @classmethod
    def of(cls, ratio: FamilyNoise, gap: Quantity, scaled: Quantity) -> "ScaledNoise":
        """Compare the run variances of a gap and of the same gap on the scale."""
        variances = [run_variance(quantity) for quantity in (gap, scaled)]
        known = min(variances) > ROUNDING_VARIANCE
        return cls(ratio=ratio, factor=variances[1] / variances[0] if known else 1.0)

    def pooled(self, below: int | None) -> Pooled | None:
        """Return the budget variance of the gap by the others; see `FamilyNoise`."""
        found = self.ratio.pooled(below)
        if found is None:
            return None
        return replace(
            found,
            budget_variance=found.budget_variance * self.factor,
            unit=found.unit * self.factor,
        )

    def order_share(self, below: int | None) -> float:
        """Return the share of a run's variance that runs of one seed have in common."""
        return self.ratio.order_share(below)


def run_variance(quantity: Quantity) -> float:
    """Return the variance of a size about its budget's curve by the estimator `joint`, or NaN."""
    runs, fits = quantity.runs, quantity.fits
    try:
        reading = take_reading(runs, fits.optima(JOINT), quantity.values, JOINT, fits.weights)
        order = quantity.order_share(reading)
        model = JOINT.model(runs, quantity.values, reading, order)
        return model.moments(reading.values).run_variance
    except (FitError, np.linalg.LinAlgError):
        return float("nan")


@dataclass(frozen=True, kw_only=True)
class Floors:
    """Identified irreducible losses of treatment and baseline."""

    fitted: Array
    """(E_t, E_b)."""
    drawn: Array
    """Over refits of the surfaces to the same draws, (draw, 2); only draws below all losses."""

    def widened(self, fit: GapFit, treatment: GapFit, baseline: GapFit) -> GapFit:
        """Return the fit of a reducible gap with the uncertainty of the floors.

        The points of the gap move with the floors, given the losses on the path, and the line
        through them.

        Args:
            fit: fit of the reducible gap.
            treatment: fit of the treatment's log loss.
            baseline: fit of the baseline's.
        """
        budgets = np.intersect1d(treatment.budgets, baseline.budgets)
        places = [np.isin(each.budgets, budgets) for each in (treatment, baseline)]
        log_compute = treatment.log_compute[places[0]]
        losses = np.exp(np.stack([treatment.points[places[0]], baseline.points[places[1]]]))
        left = losses[None] - self.drawn[:, :, None]  # (draw, 2, budget)
        known = np.all(left > 0, axis=(1, 2))
        gaps = np.log(left[known, 0]) - np.log(left[known, 1])
        law = line_rows(log_compute, fit.log_reference)
        ends = np.stack([np.ones(3), fit.levels_at - fit.log_reference], axis=1) @ law
        added = np.cov(gaps @ np.concatenate([law, ends]).T, rowvar=False)  # (5, 5)
        return replace(
            fit,
            covariance=fit.covariance + added[:2, :2],
            levels_covariance=fit.levels_covariance + added[2:, 2:],
        )


def floors_of(
    reader: SurfaceReader, runs: SuiteRuns, treatment: Array, baseline: Array
) -> Floors | None:
    """Return the floors of two domains by their surfaces; None unless both are identified.

    Args:
        reader: surfaces of the corpus.
        runs: its runs.
        treatment: log losses, (run,).
        baseline: log losses, (run,).
    """
    means = [
        average_seeds(values, runs.run_cell, runs.num_cells)[0] for values in (treatment, baseline)
    ]
    cells = np.flatnonzero((reader.fits.weights > 0) & np.isfinite(means).all(axis=0))
    try:
        found = [gate_surface(reader, mean[cells], cells) for mean in means]
    except FitError:
        return None
    if not all(gate.identified for gate, _ in found):
        return None
    lowest = [float(np.exp(np.nanmin(values))) for values in (treatment, baseline)]
    drawn = significant(
        np.stack([surface.drawn.irreducible for _, surface in found], axis=1), FLOOR_DIGITS
    )
    return Floors(
        fitted=significant(
            np.array([surface.fit.irreducible[0] for _, surface in found]), FLOOR_DIGITS
        ),
        drawn=drawn[np.all((drawn >= 0) & (drawn < lowest), axis=1)],
    )


def significant(values: Array, digits: int) -> Array:
    """Return numbers rounded to significant digits."""
    with np.errstate(divide="ignore"):
        exponent = np.where(values == 0, 0.0, np.floor(np.log10(np.abs(values))))
    unit = 10.0 ** (exponent - digits + 1)
    return np.asarray(np.round(values / unit) * unit)


@dataclass(frozen=True, kw_only=True)
class Gain:
    """The compute-equivalent gain F' / F with L_t(F') = L_b(F) along a path."""

    log_gain: Array
    """At the reference compute and at `levels_at` of the gap's fit, (4,)."""
    standard_error: Array
    """(4,)."""
    slope: float
    """d log gain / d log F."""
    slope_standard_error: float
    change_standard_error: float
    dof: float
    extrapolated: bool
    """Whether F' at the reference compute is outside the observed range."""

    @classmethod
    def of(cls, gap: GapFit, treatment: GapFit) -> "Gain":
        """Divide a gap by the treatment's rate, -d log L_t / d log F.

        Errors are of first order, with gap and rate independent: the noise that runs share is in
        the rate and cancels in the gap.

        Args:
            gap: fit of log G.
            treatment: fit of the treatment's log value.
        """
        rate, rate_variance = -treatment.slope, float(treatment.covariance[1, 1])
        levels = np.concatenate([[gap.log_gamma], gap.levels])
        variance = np.concatenate([[gap.covariance[0, 0]], np.diag(gap.levels_covariance)])
        log_gain = levels / rate

        def error(value: float, its_variance: float) -> float:
            return float(np.sqrt(its_variance + (value / rate) ** 2 * rate_variance) / abs(rate))

        reached = gap.log_reference + log_gain[0]
        return cls(
            log_gain=log_gain,
            standard_error=np.array([error(*each) for each in zip(levels, variance, strict=True)]),
            slope=gap.slope / rate,
            slope_standard_error=error(gap.slope, float(gap.covariance[1, 1])),
            change_standard_error=error(gap.change, gap.change_standard_error**2),
            dof=min(gap.dof, treatment.dof),
            extrapolated=not gap.levels_at[0] <= reached <= gap.levels_at[2],
        )
