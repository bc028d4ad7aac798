"""Relative laws: table `relative`.

log G = log gamma + dbeta (log F - log F_ref) with G = E_treatment / E_baseline, through the values
at the compute-optimal points; all domains are read at the same point of each budget. The same laws
on other scales (`relscale.laws.scales`) are further rows. `fit` returns the rows without tests.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.scales import DIFFERENCE, GAIN, OPTIMAL, RATIO, REDUCIBLE
from relscale.contract.status import Status, status_columns
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit, line_rows
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.replication import JUDGED, Judged, add_replication, judged_of
from relscale.laws.scales import Gain, Scaled
from relscale.laws.spec import LawSpec
from relscale.laws.verdict import add_verdicts, p_difference

TABLE = RELATIVE

_NAN = float("nan")


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return the rows of all treatments and estimators, without tests and verdict.

    Each has a row on the scales `ratio` and `difference`; the first estimator also on `gain`, and
    on `reducible` where both floors are identified. `verdict.add_verdicts` fills the tests. There
    are no rows for a family without a baseline.
    """
    for treatment in fits.treatments:
        lost = fits.readings.missing(treatment, str(fits.spec.baseline))
        gap = None if lost else _Gap.of(fits, treatment)
        for place, estimator in enumerate(fits.spec.estimators):
            found = fits.fit_gap(estimator, treatment)
            if isinstance(found, FitError) or gap is None:
                assert isinstance(found, FitError)
                remarks = fits.readings.notes if gap is None else gap.remarks
                yield _without_law(fits, treatment, estimator, RATIO, found, remarks)
                yield _without_law(fits, treatment, estimator, DIFFERENCE, found, remarks)
                continue
            yield gap.row(found, RATIO, fits.spec.margin_floor)
            yield gap.difference(estimator)
            if place == 0:
                yield from gap.reducible(found)
                yield gap.gain(found)


@dataclass(frozen=True, kw_only=True)
class _Gap:
    """One treatment compared with the baseline."""

    fits: MetricFits
    treatment: str
    status: Status
    """`ok`, or `at_chance`."""
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, fits: MetricFits, treatment: str) -> "_Gap":
        """Read status and remarks."""
        values = fits.log_gap(treatment)
        remarks = fits.remarks(values, treatment, str(fits.spec.baseline))
        status, at_chance = fits.chance(treatment)
        return cls(fits=fits, treatment=treatment, status=status, remarks=(*remarks, at_chance))

    def difference(self, estimator: str) -> Row:
        """Return the row of L_t - L_b."""
        scaled = self.fits.difference(self.treatment)
        found = self.fits.fit_gap(estimator, self.treatment, scaled)
        if isinstance(found, FitError):
            return _without_law(
                self.fits, self.treatment, estimator, DIFFERENCE, found, self.remarks
            )
        return self.row(found, DIFFERENCE, self.fits.spec.margin_floor * scaled.unit)

    def reducible(self, ratio: GapFit) -> Iterator[Row]:
        """Return the row of the ratio of reducible losses, if both floors are identified."""
        fits, baseline = self.fits, str(self.fits.spec.baseline)
        floors = fits.floors(self.treatment)
        if floors is None:
            return
        ours, theirs = fits.terms(self.treatment, baseline)
        scaled = Scaled.reducible(ours, theirs, floors.fitted)
        found = fits.fit_gap(ratio.estimator, self.treatment, scaled)
        domains = [fits.fit(ratio.estimator, name) for name in (self.treatment, baseline)]
        losses = [each for each in domains if isinstance(each, GapFit)]
        if isinstance(found, FitError) or len(losses) < 2:
            return
        yield self.row(floors.widened(found, *losses), REDUCIBLE, fits.spec.margin_floor)

    def row(self, fit: GapFit, scale: str, floor: float) -> Row:
        """Return the row of a law.

        Args:
            fit: on the scale.
            scale: `ratio`, `difference` or `reducible`.
            floor: smallest margin.
        """
        return {
            **_key(self.fits, self.treatment, fit.estimator, scale, fit),
            **law_columns(fit, scale, floor, self.fits.spec),
            **status_columns(self.status, [*fit.notes, *self.remarks]),
        }

    def gain(self, ratio: GapFit) -> Row:
        """Return the row of the compute-equivalent gain."""
        fits = self.fits
        values = fits.fit(ratio.estimator, self.treatment)
        if isinstance(values, FitError):
            error = values
        elif not abs(values.slope) > _quantile(values.dof, fits.spec.level) * values.standard_error:
            error = FitError(Status.NOT_IDENTIFIED, "the treatment does not change with compute")
        else:
            return self._gain_row(ratio, Gain.of(ratio, values))
        return _without_law(fits, self.treatment, ratio.estimator, GAIN, error, self.remarks)

    def _gain_row(self, ratio: GapFit, gain: Gain) -> Row:
        status = self.status
        if status is Status.OK and gain.extrapolated:
            status = Status.EXTRAPOLATED
        return {
            **_key(self.fits, self.treatment, ratio.estimator, GAIN, ratio),
            **gain_columns(ratio, gain, self.fits.spec.level),
            **status_columns(status, self.remarks),
        }


def law_columns(fit: GapFit, scale: str, floor: float, spec: LawSpec) -> Row:
    """Return the columns of a law of a gap: estimates, intervals, margin and tests before Holm.

    Args:
        fit: on the scale.
        scale: `ratio`, `difference` or `reducible`.
        floor: smallest margin.
        spec: level of the intervals, and share of the margin.
    """
    value = float if scale == DIFFERENCE else _exponential
    t = _quantile(fit.dof, spec.level)
    error, level_error = fit.standard_error, float(np.sqrt(fit.covariance[0, 0]))
    first, middle, last = map(float, fit.levels)
    crosses, side = side_tests(fit)
    return {
        "reference_compute": float(np.exp(fit.log_reference)),
        "gamma": value(fit.log_gamma),
        "gamma_ci_low": value(fit.log_gamma - t * level_error),
        "gamma_ci_high": value(fit.log_gamma + t * level_error),
        **_interval("dbeta", "ci", fit.slope, error, t),
        "standard_error": error,
        "dof": fit.dof if np.isfinite(error) else _NAN,
        "ci_method": fit.ci_method,
        **_interval("change", "change_ci", fit.change, fit.change_standard_error, t),
        "change_standard_error": fit.change_standard_error,
        "p_crosses": crosses,
        "p_side": side,
        "margin": max(spec.margin_share * abs(middle), floor),
        "gap_first": value(first),
        "gap_last": value(last),
        "reduction_slope_points_per_decade": reduction_slope(fit.log_compute, fit.points)
        if scale == RATIO
        else _NAN,
        "r2": fit.r2,
        "lack_of_fit_p": fit.lack_of_fit_p,
        "budget_sd": fit.budget_sd,
        JUDGED: Judged.of(fit, spec.margin_share, floor),
        "num_runs": fit.num_runs,
        "num_budgets": len(fit.budgets),
    }


def gain_columns(ratio: GapFit, gain: Gain, level: float) -> Row:
    """Return the columns of a compute-equivalent gain.

    Args:
        ratio: fit of log G.
        gain: the gain that belongs to it.
        level: of the intervals.
    """
    t = _quantile(gain.dof, level)
    reference, first, _, last = map(float, gain.log_gain)
    half = t * float(gain.standard_error[0])
    return {
        "reference_compute": float(np.exp(ratio.log_reference)),
        "gamma": _exponential(reference),
        "gamma_ci_low": _exponential(reference - half),
        "gamma_ci_high": _exponential(reference + half),
        **_interval("dbeta", "ci", gain.slope, gain.slope_standard_error, t),
        "standard_error": gain.slope_standard_error,
        "dof": gain.dof if np.isfinite(gain.slope_standard_error) else _NAN,
        "ci_method": ratio.ci_method,
        **_interval("change", "change_ci", last - first, gain.change_standard_error, t),
        "change_standard_error": gain.change_standard_error,
        "gap_first": _exponential(first),
        "gap_last": _exponential(last),
        "num_runs": ratio.num_runs,
        "num_budgets": len(ratio.budgets),
    }


def _key(
    fits: MetricFits, treatment: str, estimator: str, scale: str, fit: GapFit | None = None
) -> Row:
    """Return the columns that every row has, with all others empty."""
    return {
        **dict.fromkeys(TABLE.names, _NAN),
        **fits.label,
        "treatment": treatment,
        "baseline": fits.spec.baseline,
        "estimator": estimator,
        "scale": scale,
        "path": OPTIMAL if fit is None else fit.path,
        "law": "" if fit is None else fit.law,
        "compute": fits.spec.compute,
        "ci_level": fits.spec.level,
        "faster": "",
        "verdict": "",
        "scales_agree": "",
    }


def _without_law(
    fits: MetricFits,
    treatment: str,
    estimator: str,
    scale: str,
    error: FitError,
    remarks: Sequence[str],
) -> Row:
    """Return a row without an estimate."""
    return {
        **_key(fits, treatment, estimator, scale),
        "ci_method": "none",
        "num_runs": 0,
        "num_budgets": 0,
        **status_columns(error.status, [*error.remarks, *remarks]),
    }


def _quantile(dof: float, level: float) -> float:
    """Return Student's t of a two-sided interval; NaN without degrees of freedom."""
    return float(stats.t.ppf(0.5 + level / 2, dof)) if dof > 0 else _NAN


def _interval(name: str, ends: str, value: float, error: float, t: float) -> Row:
    """Return an estimate with its interval."""
    return {name: value, f"{ends}_low": value - t * error, f"{ends}_high": value + t * error}


def _exponential(value: float) -> float:
    """Return e to a value; infinity where it is too large."""
    with np.errstate(over="ignore"):
        return float(np.exp(value))


def reduction_slope(log_compute: Array, log_gap: Array) -> float:
    """Return the paper's line: 100 (1 - G) on log10 F over the points, in points per decade.

    It is fitted by ordinary least squares.
    """
    rows = line_rows(log_compute / np.log(10), float(np.mean(log_compute / np.log(10))))
    return float(rows[1] @ (100 * (1 - np.exp(log_gap))))


def side_tests(fit: GapFit) -> tuple[float, float]:
    """Test on which side of 0 the fitted log G, or difference, is.

    Returns:
        p_crosses: the larger of the p values of log G = 0 at the lowest and at the highest budget
            where log G is on different sides of 0 there, else 1. Both must differ significantly
            from 0: an intersection-union test.
        p_side: p value of log G = 0 in the middle of the range of log F. |log G| of a straight line
            is smaller at the far end exactly where the slope and log G in the middle differ in
            sign, so the two signs together say whether a gap narrows or widens.
    """
    errors = np.sqrt(np.diag(fit.levels_covariance))
    first_p, side, last_p = (
        p_difference(float(level), float(error), fit.dof)
        for level, error in zip(fit.levels, errors, strict=True)
    )
    if fit.levels[0] * fit.levels[2] < 0:
        return max(first_p, last_p), side
    return first_p if np.isnan(first_p) else 1.0, side


def judge(table: pd.DataFrame, rows: Sequence[Row], spec: LawSpec) -> pd.DataFrame:
    """Return the rows with tests, verdicts and the probability that they replicate."""
    return add_replication(add_verdicts(table, spec.rises), judged_of(rows), spec.rises, spec.seed)


LAW = Law(table=TABLE, fit=per_metric(fit), judge=judge)
