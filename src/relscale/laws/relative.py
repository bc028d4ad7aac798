"""Relative laws: log G = log gamma + dbeta (log F - log F_ref), G = E_treatment / E_baseline
(protocol section 1).

All domains are read at one common point a budget. Estimators: `joint` (one regression over all
runs), `vertex` (the parabola's minimum), `best_run` (the lowest size), `akima` (the minimum of an
Akima curve) and `surface` (the minimum of a fitted L(N, D), in `surface_gap`). Given the optima,
all but the last are linear in the cells' log G, so an estimator is a set of coefficient rows.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.laws.cells import (
    Array,
    SuiteRuns,
    average_seeds,
    cell_covariance,
    relative_weights,
    seed_variance,
)
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit, combined_dof, gap_fit, line_rows
from relscale.laws.isoflop import IsoflopFits
from relscale.laws.items import item_variance
from relscale.laws.joint import LACK_OF_FIT_LEVEL, fit_joint, joint_design
from relscale.laws.reading import Reading, point_rows, take_reading
from relscale.laws.resample import draw_points, residual_pool
from relscale.laws.settings import LawSettings
from relscale.laws.verdict import p_difference


def fit_gap(
    runs: SuiteRuns,
    fits: IsoflopFits,
    values: Array,
    estimator: str,
    settings: LawSettings,
    item_covariance: Array | None = None,
    below: int | None = None,
) -> GapFit:
    """Fit one relative law.

    Args:
        runs: the suite.
        fits: its optima.
        values: (run,) log E_treatment - log E_baseline, NaN where either is missing.
        estimator: `joint`, `vertex`, `best_run` or `akima`.
        settings: draws, seed and level are used.
        item_covariance: (run, run) of `values` over draws of items, baseline and treatment added;
            None leaves items out.
        below: use budgets with an index under this only.

    Raises:
        FitError: `no_usable_optimum`, `too_few_budgets` or `too_few_runs`.
    """
    reading = take_reading(runs, fits, values, estimator, below)
    reference = float(np.mean(reading.log_compute))
    fit_rows = _joint_rows if estimator == "joint" else _optimum_rows
    rows, covariance, point_variance, dof, lack_of_fit_p, notes = fit_rows(
        runs, fits, reading, values, estimator, reference, settings
    )
    method = "runs" if np.isfinite(covariance).all() else "none"
    if item_covariance is not None and method == "runs":
        added = item_variance(
            rows,
            cell_covariance(runs, reading.cells, values, item_covariance),
            _design(runs, reading, reference),
        )
        own = covariance[1, 1]
        covariance = covariance + added[:2, :2]
        point_variance = point_variance + np.diag(added)[2:]
        dof = combined_dof(float(own), float(added[1, 1]), dof, settings.level)
        method = "runs+items"
    used = np.isin(runs.run_cell, reading.cells) & np.isfinite(values)
    return gap_fit(
        estimator=estimator,
        budgets=reading.budgets,
        log_compute=reading.log_compute,
        points=rows[2:] @ reading.values,
        law=rows[:2] @ reading.values,
        covariance=covariance,
        point_variance=point_variance,
        dof=dof,
        ci_method=method,
        num_runs=int(used.sum()),
        notes=(*reading.notes, *notes),
        lack_of_fit_p=lack_of_fit_p,
    )


_Rows = tuple[Array, Array, Array, float, float, tuple[str, ...]]


def _joint_rows(
    runs: SuiteRuns,
    fits: IsoflopFits,
    reading: Reading,
    values: Array,
    estimator: str,
    reference: float,
    settings: LawSettings,
) -> _Rows:
    """Return rows (law and points), covariance, point variance, degrees of freedom, p of lack of
    fit and notes of the joint regression.
    """
    del estimator, settings
    _, count = average_seeds(values, runs.run_cell, runs.num_cells)
    count = count[reading.cells]
    compute = runs.log_compute[reading.cells]
    flat = np.ones_like(reading.values)
    plain = fit_joint(
        reading.values, compute, reading.distance, reading.cell_budget, flat, reference
    )
    between, seed_dof = seed_variance(values, runs.run_cell, runs.num_cells)
    design = _design(runs, reading, reference)
    residual = reading.values - design @ np.linalg.lstsq(design, reading.values, rcond=None)[0]
    spread = float(np.sum(residual**2) / max(len(residual) - design.shape[1], 1))
    weights = relative_weights(count, spread, between, seed_dof)
    equal = np.allclose(weights, flat)
    fit = (
        plain
        if equal
        else fit_joint(
            reading.values, compute, reading.distance, reading.cell_budget, weights, reference
        )
    )
    notes = (
        (f"budgets scatter about the line (lack of fit p {fit.lack_of_fit_p:.2g})",)
        if fit.budget_effect
        else ()
    )
    covariance, point_variance = fit.covariance, fit.point_variance
    if not fit.budget_effect:
        # A misplaced optimum shifts all distances of its budget by the same amount, and log G there
        # by k times that.
        placed = np.array([fits.vertex[index].location_variance for index in reading.budgets])
        shift = fit.tilt_squared * np.nan_to_num(placed, nan=0.0)
        response = np.stack(
            [fit.law[:, cells].sum(axis=1) for cells in reading.groups], axis=1
        )  # (2, budget)
        covariance = covariance + (response * shift) @ response.T
        point_variance = point_variance + shift
    if fit.dof < 1:
        notes, covariance = (
            (*notes, "no interval: two budgets and a budget effect"),
            np.full((2, 2), np.nan),
        )
    return (
        np.concatenate([fit.law, fit.points]),
        covariance,
        point_variance,
        float(fit.dof),
        fit.lack_of_fit_p,
        notes,
    )


def _optimum_rows(
    runs: SuiteRuns,
    fits: IsoflopFits,
    reading: Reading,
    values: Array,
    estimator: str,
    reference: float,
    settings: LawSettings,
) -> _Rows:
    """Return the same for an estimator that reads one point a budget: a line through the points,
    residual bootstrap for its noise.
    """
    del values
    points = point_rows(reading, estimator, runs, fits)
    line = line_rows(reading.log_compute, reference)
    rows = np.concatenate([line @ points, points])
    observed = points @ reading.values
    residual = observed - _line_at(line @ observed, reading.log_compute - reference)
    spare = len(observed) - 2
    scatter = float(np.sum(residual**2) / spare) if spare > 0 else float("nan")
    by_budgets = scatter * line @ line.T
    x = reading.distance
    try:
        pool = residual_pool(
            x,
            fits.score[reading.cells],
            reading.values,
            reading.groups,
            fits.weights[reading.cells],
        )
    except FitError:
        note = (
            "interval from the budgets' scatter alone"
            if spare > 0
            else "no interval: two budgets and too few sizes"
        )
        return (
            rows,
            by_budgets,
            np.full(len(observed), scatter),
            float(max(spare, 0)),
            float("nan"),
            (note,),
        )
    rng = np.random.default_rng([settings.seed, 1])
    drawn = draw_points(pool, x, estimator, settings.draws, rng)  # (draw, budget)
    spread = np.cov(drawn, rowvar=False)
    mean_variance = float(np.mean(np.diag(spread)))
    p_value = float("nan")
    if spare > 0 and mean_variance > 0:
        p_value = float(stats.f.sf(scatter / mean_variance, spare, pool.dof))
        if p_value < LACK_OF_FIT_LEVEL:
            note = f"budgets scatter about the line (lack of fit p {p_value:.2g})"
            return rows, by_budgets, np.diag(spread).copy(), float(spare), p_value, (note,)
    return rows, line @ spread @ line.T, np.diag(spread).copy(), float(pool.dof), p_value, ()


def _line_at(law: Array, distance: Array) -> Array:
    return np.asarray(law[0] + law[1] * distance)


def _design(runs: SuiteRuns, reading: Reading, reference: float) -> Array:
    """The joint model's terms for the used cells, (cell, term)."""
    return joint_design(runs.log_compute[reading.cells], reading.distance, reference)


def reduction_slope(log_compute: Array, log_gap: Array) -> float:
    """Return the paper's line: ordinary least squares of 100 (1 - G) on log10 F over the budgets'
    points, points per decade.
    """
    rows = line_rows(log_compute / np.log(10), float(np.mean(log_compute / np.log(10))))
    return float(rows[1] @ (100 * (1 - np.exp(log_gap))))


def side_tests(fit: GapFit) -> tuple[float, float]:
    """Test on which side of 1 the fitted G lies.

    Returns:
        p_crosses: the larger of the p values of G = 1 at the lowest and at the highest budget where
            G lies on different sides of 1 there (both must be told from 1: an intersection-union
            test), else 1.
        p_side: p value of G = 1 in the middle of the range of log F. |log G| of a straight line is
            smaller at the far end exactly where the slope and log G in the middle differ in sign,
            so the two signs together say whether a gap narrows or widens.
    """
    ends = float(np.min(fit.log_compute)), float(np.max(fit.log_compute))
    (first, first_p), (last, last_p), (_, side) = (
        _told_from_one(fit, at) for at in (*ends, sum(ends) / 2)
    )
    return (
        max(first_p, last_p) if first * last < 0 else first_p if np.isnan(first_p) else 1.0
    ), side


def _told_from_one(fit: GapFit, log_compute: float) -> tuple[float, float]:
    """Return log G of the law and the p value of its being 0."""
    value, variance = fit.predict(log_compute)
    return value, p_difference(value, float(np.sqrt(variance)), fit.dof)


def relative_row(
    runs: SuiteRuns,
    metric: str,
    treatment: str,
    settings: LawSettings,
    fit: GapFit,
    status: Status = Status.OK,
    notes: Sequence[str] = (),
) -> dict[str, object]:
    """Return one row of relative.csv, without tests and verdict (`verdict.add_verdicts` fills
    those).
    """
    error = fit.standard_error
    t = float(stats.t.ppf(0.5 + settings.level / 2, fit.dof)) if fit.dof > 0 else float("nan")
    gamma_error = float(np.sqrt(fit.covariance[0, 0]))
    first, last = (
        fit.predict(float(end))[0] for end in (np.min(fit.log_compute), np.max(fit.log_compute))
    )
    power = float(stats.t.ppf(0.8, fit.dof)) if fit.dof > 0 else float("nan")
    crosses, side = side_tests(fit)
    return {
        "corpus": runs.corpus,
        "family": settings.family,
        "metric": metric,
        "treatment": treatment,
        "baseline": settings.baseline,
        "estimator": fit.estimator,
        "compute": settings.compute,
        "reference_compute": float(np.exp(fit.log_reference)),
        "gamma": float(np.exp(fit.log_gamma)),
        "gamma_ci_low": float(np.exp(fit.log_gamma - t * gamma_error)),
        "gamma_ci_high": float(np.exp(fit.log_gamma + t * gamma_error)),
        "dbeta": fit.slope,
        "standard_error": error,
        "dof": fit.dof if np.isfinite(error) else float("nan"),
        "ci_low": fit.slope - t * error,
        "ci_high": fit.slope + t * error,
        "ci_level": settings.level,
        "ci_method": fit.ci_method,
        "p_crosses": crosses,
        "p_side": side,
        "margin": settings.margin,
        "detectable_dbeta": (t + power) * error,
        "gap_first": float(np.exp(first)),
        "gap_last": float(np.exp(last)),
        "reduction_slope_points_per_decade": reduction_slope(fit.log_compute, fit.points),
        "r2": fit.r2,
        "lack_of_fit_p": fit.lack_of_fit_p,
        "num_runs": fit.num_runs,
        "num_budgets": len(fit.budgets),
        **status_columns(status, [*fit.notes, *notes]),
    }
