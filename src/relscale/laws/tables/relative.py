"""Relative laws: table `relative`.

log G = log gamma + dbeta (log F - log F_ref) with G = E_treatment / E_baseline, through the values
at the compute-optimal points; all domains are read at the same point of each budget.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from relscale.contract.scales import OPTIMAL, RATIO
from relscale.contract.status import Status, status_columns
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit, line_rows
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.verdict import p_difference

TABLE = RELATIVE

AT_CHANCE_SHARE = 0.5
"""A relative law whose treatment or baseline is at chance in at least this share of its runs gets
no verdict."""


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return one row per treatment and estimator, without tests and verdict.

    `verdict.add_verdicts` fills the tests. There are no rows for a family without a baseline.
    """
    for treatment in fits.treatments:
        baseline = str(fits.spec.baseline)
        missing = fits.readings.missing(treatment, baseline)
        values = None if missing else fits.log_gap(treatment)
        remarks = (
            fits.readings.notes if values is None else fits.remarks(values, treatment, baseline)
        )
        for estimator in fits.spec.estimators:
            found = fits.fit_gap(estimator, treatment)
            if isinstance(found, FitError) or values is None:
                assert isinstance(found, FitError)
                yield _without_law(fits, treatment, estimator, found, remarks)
            else:
                status, at_chance = _chance(fits, treatment, values)
                yield _law_row(fits, treatment, found, status, [*remarks, at_chance])


def _without_law(
    fits: MetricFits, treatment: str, estimator: str, error: FitError, remarks: Sequence[str]
) -> Row:
    """Return a row without an estimate."""
    return {
        **dict.fromkeys(TABLE.names, float("nan")),
        **fits.label,
        "treatment": treatment,
        "baseline": fits.spec.baseline,
        "estimator": estimator,
        "scale": RATIO,
        "path": OPTIMAL,
        "law": "",
        "compute": fits.spec.compute,
        "ci_level": fits.spec.level,
        "ci_method": "none",
        "num_runs": 0,
        "num_budgets": 0,
        "faster": "",
        "verdict": "",
        "scales_agree": "",
        **status_columns(error.status, [*error.remarks, *remarks]),
    }


def _chance(fits: MetricFits, treatment: str, values: Array) -> tuple[Status, str]:
    """Return the status of a law and a remark: whether treatment or baseline are at chance."""
    domains = fits.readings.domains
    index = [domains.index(name) for name in (treatment, str(fits.spec.baseline))]
    flag = fits.readings.at_chance[index][:, np.isfinite(values)]
    if not flag.any():
        return Status.OK, ""
    if np.max(flag.mean(axis=1)) >= AT_CHANCE_SHARE:
        return Status.AT_CHANCE, ""
    return Status.OK, f"{int(flag.any(axis=0).sum())} run(s) at chance"


def _law_row(
    fits: MetricFits, treatment: str, fit: GapFit, status: Status, remarks: Sequence[str]
) -> Row:
    """Return the row of a law."""
    spec = fits.spec
    error = fit.standard_error
    t = float(stats.t.ppf(0.5 + spec.level / 2, fit.dof)) if fit.dof > 0 else float("nan")
    gamma_error = float(np.sqrt(fit.covariance[0, 0]))
    first, middle, last = map(float, fit.levels)
    crosses, side = side_tests(fit)
    return {
        **fits.label,
        "treatment": treatment,
        "baseline": spec.baseline,
        "estimator": fit.estimator,
        "scale": RATIO,
        "path": fit.path,
        "law": fit.law,
        "compute": spec.compute,
        "reference_compute": float(np.exp(fit.log_reference)),
        "gamma": float(np.exp(fit.log_gamma)),
        "gamma_ci_low": float(np.exp(fit.log_gamma - t * gamma_error)),
        "gamma_ci_high": float(np.exp(fit.log_gamma + t * gamma_error)),
        "dbeta": fit.slope,
        "standard_error": error,
        "dof": fit.dof if np.isfinite(error) else float("nan"),
        "ci_low": fit.slope - t * error,
        "ci_high": fit.slope + t * error,
        "ci_level": spec.level,
        "ci_method": fit.ci_method,
        "change": fit.change,
        "change_standard_error": fit.change_standard_error,
        "change_ci_low": fit.change - t * fit.change_standard_error,
        "change_ci_high": fit.change + t * fit.change_standard_error,
        "p_crosses": crosses,
        "p_side": side,
        "margin": max(spec.margin_share * abs(middle), spec.margin_floor),
        "gap_first": float(np.exp(first)),
        "gap_last": float(np.exp(last)),
        "reduction_slope_points_per_decade": reduction_slope(fit.log_compute, fit.points),
        "r2": fit.r2,
        "lack_of_fit_p": fit.lack_of_fit_p,
        "budget_sd": fit.budget_sd,
        "replication": float("nan"),
        "num_runs": fit.num_runs,
        "num_budgets": len(fit.budgets),
        **status_columns(status, [*fit.notes, *remarks]),
    }


def reduction_slope(log_compute: Array, log_gap: Array) -> float:
    """Return the paper's line: 100 (1 - G) on log10 F over the points, in points per decade.

    It is fitted by ordinary least squares.
    """
    rows = line_rows(log_compute / np.log(10), float(np.mean(log_compute / np.log(10))))
    return float(rows[1] @ (100 * (1 - np.exp(log_gap))))


def side_tests(fit: GapFit) -> tuple[float, float]:
    """Test on which side of 1 the fitted G is.

    Returns:
        p_crosses: the larger of the p values of G = 1 at the lowest and at the highest budget where
            G is on different sides of 1 there, else 1. Both must differ significantly from 1: an
            intersection-union test.
        p_side: p value of G = 1 in the middle of the range of log F. |log G| of a straight line is
            smaller at the far end exactly where the slope and log G in the middle differ in sign,
            so the two signs together say whether a gap narrows or widens.
    """
    errors = np.sqrt(np.diag(fit.levels_covariance))
    first_p, side, last_p = (
        p_difference(float(level), float(error), fit.dof)
        for level, error in zip(fit.levels, errors, strict=True)
    )
    if fit.levels[0] * fit.levels[2] < 0:
        return max(first_p, last_p), side
    return first_p if np.isnan(first_p) else 1.0, side


LAW = Law(table=TABLE, fit=per_metric(fit))
