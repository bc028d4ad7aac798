"""Relative laws: log G = log gamma + dbeta (log F - log F_ref), G = E_treatment / E_baseline (protocol section 1).

All domains are read at one common point a budget. Estimators: `joint` (one regression over all runs), `vertex` (the parabola's minimum),
`best_run` (the lowest size). Given the optima, each is linear in the cells' log G, so an estimator is a set of coefficient rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from relscale.laws.cells import Array, Index, SuiteRuns, average_seeds, relative_weights, seed_variance
from relscale.laws.isoflop import IsoflopFits, parabola
from relscale.laws.items import item_variance
from relscale.laws.joint import LACK_OF_FIT_LEVEL, fit_joint
from relscale.laws.resample import draw_points, residual_pool
from relscale.laws.settings import FitError, LawSettings

COMPUTE_SPREAD_NOTED = 1.1
"""A budget whose runs differ by more than this factor in compute is named in the status: its curve is no IsoFLOP curve."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one estimator uses of a suite for one quantity (log E of a domain or log G), and the rows that read it."""

    budgets: Index
    """Budgets used, (budget,), indices into the suite's."""
    log_compute: Array
    """Natural log of their compute, (budget,)."""
    cells: Index
    """Cells used, (cell,), indices into the suite's."""
    cell_budget: Index
    """Budget of each used cell, (cell,), 0..number of used budgets - 1."""
    distance: Array
    """log10 tokens less the optimum's, (cell,)."""
    values: Array
    """The quantity, (cell,)."""
    notes: tuple[str, ...]
    """Budgets left out, and why."""

    @property
    def groups(self) -> list[Index]:
        """Used cells of each budget, as positions in `cells`."""
        return [np.flatnonzero(self.cell_budget == index) for index in range(len(self.budgets))]


@dataclass(frozen=True, kw_only=True)
class GapFit:
    """A relative law (or any quantity's straight line in log F) with its uncertainty."""

    estimator: str
    """Name of the estimator."""
    budgets: Index
    """Budgets used, indices into the suite's."""
    log_compute: Array
    """Natural log of their compute, (budget,)."""
    points: Array
    """log G at each budget's optimum, (budget,)."""
    point_variance: Array
    """Variance of the points, (budget,); NaN where unknown."""
    log_reference: float
    """Natural log of the reference compute, the geometric mean of the budgets'."""
    log_gamma: float
    """log G at the reference compute."""
    slope: float
    """dbeta."""
    covariance: Array
    """Of (log_gamma, slope), (2, 2); NaN where there is no interval."""
    dof: float
    """Degrees of freedom of the Student t."""
    ci_method: str
    """`runs`, `runs+items` or `none`."""
    r2: float
    """Share of the points' variance that the line explains."""
    num_runs: int
    """Runs used, seeds counted."""
    notes: tuple[str, ...]
    """What a reader should know, for the status."""

    @property
    def standard_error(self) -> float:
        """Standard error of the slope."""
        return float(np.sqrt(self.covariance[1, 1]))

    def predict(self, log_compute: float) -> tuple[float, float]:
        """Return the law's log G at a natural log compute and its variance."""
        row = np.array([1.0, log_compute - self.log_reference])
        return float(row @ [self.log_gamma, self.slope]), float(row @ self.covariance @ row)


def take_reading(runs: SuiteRuns, fits: IsoflopFits, values: Array, estimator: str, below: int | None = None) -> Reading:
    """Choose the budgets and cells that an estimator can use.

    Args:
        runs: the suite.
        fits: its optima.
        values: (run,) the quantity, NaN where missing.
        estimator: name of the estimator.
        below: use budgets with an index under this only (back-test).

    Raises:
        FitError: `no_usable_optimum` where no budget is left, `too_few_budgets` where one is.
    """
    mean, count = average_seeds(values, runs.run_cell, runs.num_cells)
    optima = fits.best_run if estimator == "best_run" else fits.vertex
    need = {"joint": 1, "vertex": 3, "best_run": 1}[estimator]
    chosen: list[tuple[int, Index, float]] = []
    reasons: dict[str, list[str]] = {}
    unscored = 0
    for index, optimum in enumerate(optima[:below]):
        here = (runs.cell_budget == index) & (count > 0)
        cells = np.flatnonzero(here if estimator == "joint" else here & (fits.weights > 0))
        unscored += int(here.sum()) - len(cells)
        lacks_best = estimator == "best_run" and optimum.cell not in cells
        few = len(np.unique(runs.log10_tokens[cells])) < need
        if not optimum.usable:
            reasons.setdefault(optimum.status, []).append(optimum.budget)
        elif few or lacks_best:
            reasons.setdefault("too_few_runs" if few else "best run lacks a value", []).append(optimum.budget)
        else:
            chosen.append((index, cells, optimum.log10_tokens))
    notes = [f"budget(s) {' '.join(names)} left out: {reason}" for reason, names in reasons.items()]
    if unscored:
        notes.append(f"{unscored} size(s) left out: no loss to place the optimum by")
    if len(chosen) < 2:
        status = "too_few_budgets" if chosen or len(optima[:below]) < 2 else "no_usable_optimum"
        raise FitError(status, "; ".join([f"{len(chosen)} usable budget(s) and a law needs 2", *notes]))
    cells = np.concatenate([part for _, part, _ in chosen])
    return Reading(
        budgets=np.array([index for index, _, _ in chosen], dtype=np.int64),
        log_compute=np.array([np.mean(runs.log_compute[part]) for _, part, _ in chosen]),
        cells=cells,
        cell_budget=np.concatenate([np.full(len(part), place) for place, (_, part, _) in enumerate(chosen)]),
        distance=np.concatenate([runs.log10_tokens[part] - at for _, part, at in chosen]),
        values=mean[cells],
        notes=(*notes, *_cautions(runs, [optima[index].status for index, _, _ in chosen], cells)),
    )


def _cautions(runs: SuiteRuns, statuses: list[str], cells: Index) -> list[str]:
    """Say what is soft about the optima used."""
    words = {
        "flat_within_noise": "optimum flat within noise",
        "best_run_on_edge": "best run on the edge",
        "single_run": "only one size",
    }
    counts = {text: sum(status.startswith(key) for status in statuses) for key, text in words.items()}
    notes = [f"{text} in {count} budget(s)" for text, count in counts.items() if count]
    spread = max(float(np.ptp(runs.log_compute[cells[runs.cell_budget[cells] == index]])) for index in np.unique(runs.cell_budget[cells]))
    if spread > np.log(COMPUTE_SPREAD_NOTED):
        notes.append(f"runs of a budget differ by up to {100 * np.expm1(spread):.0f} % in compute")
    return notes


def point_rows(reading: Reading, estimator: str, runs: SuiteRuns, fits: IsoflopFits) -> Array:
    """Return the rows that read the quantity at each budget's optimum from the cells, (budget, cell), for `vertex` and `best_run`."""
    rows = np.zeros((len(reading.budgets), len(reading.cells)))
    for place, cells in enumerate(reading.groups):
        if estimator == "best_run":
            rows[place, np.flatnonzero(reading.cells == fits.best_run[reading.budgets[place]].cell)[0]] = 1.0
        else:
            fit = parabola(reading.distance[cells], fits.weights[reading.cells[cells]])
            rows[place, cells] = fit.basis(0.0) @ fit.solve
    return rows


def line_rows(log_compute: Array, log_reference: float) -> Array:
    """Return the least-squares rows (level at the reference, slope) over points, (2, point)."""
    design = np.stack([np.ones_like(log_compute), log_compute - log_reference], axis=1)
    return np.asarray(np.linalg.pinv(design))


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
        estimator: `joint`, `vertex` or `best_run`.
        settings: draws, seed and level are used.
        item_covariance: (run, run) of `values` over draws of items, baseline and treatment added; None leaves items out.
        below: use budgets with an index under this only.

    Raises:
        FitError: `no_usable_optimum`, `too_few_budgets` or `too_few_runs`.
    """
    reading = take_reading(runs, fits, values, estimator, below)
    reference = float(np.mean(reading.log_compute))
    fit_rows = _joint_rows if estimator == "joint" else _optimum_rows
    rows, covariance, point_variance, dof, notes = fit_rows(runs, fits, reading, values, estimator, reference, settings)
    method = "runs" if np.isfinite(covariance).all() else "none"
    if item_covariance is not None and method == "runs":
        added = item_variance(rows, _cell_covariance(runs, reading, values, item_covariance), _design(runs, reading, reference))
        own = covariance[1, 1]
        covariance = covariance + added[:2, :2]
        point_variance = point_variance + np.diag(added)[2:]
        dof = combined_dof(float(own), float(added[1, 1]), dof, settings.level)
        method = "runs+items"
    log_gamma, slope = (float(value) for value in rows[:2] @ reading.values)
    points = rows[2:] @ reading.values
    residual = points - log_gamma - slope * (reading.log_compute - reference)
    total = float(np.sum((points - points.mean()) ** 2))
    used = np.isin(runs.run_cell, reading.cells) & np.isfinite(values)
    return GapFit(
        estimator=estimator,
        budgets=reading.budgets,
        log_compute=reading.log_compute,
        points=points,
        point_variance=point_variance,
        log_reference=reference,
        log_gamma=log_gamma,
        slope=slope,
        covariance=covariance,
        dof=float(dof),
        ci_method=method,
        r2=1 - float(np.sum(residual**2)) / total if total > 0 else float("nan"),
        num_runs=int(used.sum()),
        notes=(*reading.notes, *notes),
    )


def combined_dof(own: float, items: float, dof: float, level: float) -> float:
    """Return degrees of freedom for a variance from runs plus one from items.

    Chosen so that at `level` the half-width squared is t^2 x runs' variance + z^2 x items' variance (items are many). Simulated coverage
    of a 95 % interval is .97 to .99 with one degree of freedom and .95 to .96 from five on; Satterthwaite's is .89 to .95 with one.

    Args:
        own: variance from the runs.
        items: variance from the items.
        dof: degrees of freedom of the runs' variance.
        level: of the interval.
    """
    if not (own > 0 and items > 0 and dof > 0):
        return dof
    tail = 0.5 + level / 2
    t, z = float(stats.t.ppf(tail, dof)), float(stats.norm.ppf(tail))
    quantile = np.sqrt((t * t * own + z * z * items) / (own + items))
    most = 1e6
    if quantile <= stats.t.ppf(tail, most):
        return most
    return float(optimize.brentq(lambda value: stats.t.ppf(tail, value) - quantile, dof, most, rtol=1e-10))


_Rows = tuple[Array, Array, Array, float, tuple[str, ...]]


def _joint_rows(
    runs: SuiteRuns, fits: IsoflopFits, reading: Reading, values: Array, estimator: str, reference: float, settings: LawSettings
) -> _Rows:
    """Return rows (law and points), covariance, point variance, degrees of freedom and notes of the joint regression."""
    del estimator, settings
    _, count = average_seeds(values, runs.run_cell, runs.num_cells)
    count = count[reading.cells]
    compute = runs.log_compute[reading.cells]
    flat = np.ones_like(reading.values)
    plain = fit_joint(reading.values, compute, reading.distance, reading.cell_budget, flat, reference)
    between, seed_dof = seed_variance(values, runs.run_cell, runs.num_cells)
    design = _design(runs, reading, reference)
    residual = reading.values - design @ np.linalg.lstsq(design, reading.values, rcond=None)[0]
    spread = float(np.sum(residual**2) / max(len(residual) - 4, 1))
    weights = relative_weights(count, spread, between, seed_dof)
    equal = np.allclose(weights, flat)
    fit = plain if equal else fit_joint(reading.values, compute, reading.distance, reading.cell_budget, weights, reference)
    notes = (f"budgets scatter about the line (lack of fit p {fit.lack_of_fit_p:.2g})",) if fit.budget_effect else ()
    covariance, point_variance = fit.covariance, fit.point_variance
    if not fit.budget_effect:
        # A misplaced optimum shifts all distances of its budget by the same amount, and log G there by k times that.
        placed = np.array([fits.vertex[index].location_variance for index in reading.budgets])
        shift = fit.tilt_squared * np.nan_to_num(placed, nan=0.0)
        response = np.stack([fit.law[:, cells].sum(axis=1) for cells in reading.groups], axis=1)  # (2, budget)
        covariance = covariance + (response * shift) @ response.T
        point_variance = point_variance + shift
    if fit.dof < 1:
        notes, covariance = (*notes, "no interval: two budgets and a budget effect"), np.full((2, 2), np.nan)
    return np.concatenate([fit.law, fit.points]), covariance, point_variance, float(fit.dof), notes


def _optimum_rows(
    runs: SuiteRuns, fits: IsoflopFits, reading: Reading, values: Array, estimator: str, reference: float, settings: LawSettings
) -> _Rows:
    """Return the same for an estimator that reads one point a budget: a line through the points, residual bootstrap for its noise."""
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
        pool = residual_pool(x, fits.score[reading.cells], reading.values, reading.groups, fits.weights[reading.cells])
    except FitError:
        note = "interval from the budgets' scatter alone" if spare > 0 else "no interval: two budgets and too few sizes"
        return rows, by_budgets, np.full(len(observed), scatter), float(max(spare, 0)), (note,)
    rng = np.random.default_rng([settings.seed, 1])
    drawn = draw_points(pool, x, estimator, settings.draws, rng)  # (draw, budget)
    spread = np.cov(drawn, rowvar=False)
    mean_variance = float(np.mean(np.diag(spread)))
    if spare > 0 and mean_variance > 0:
        p_value = float(stats.f.sf(scatter / mean_variance, spare, pool.dof))
        if p_value < LACK_OF_FIT_LEVEL:
            note = f"budgets scatter about the line (lack of fit p {p_value:.2g})"
            return rows, by_budgets, np.diag(spread).copy(), float(spare), (note,)
    return rows, line @ spread @ line.T, np.diag(spread).copy(), float(pool.dof), ()


def _line_at(law: Array, distance: Array) -> Array:
    return np.asarray(law[0] + law[1] * distance)


def _design(runs: SuiteRuns, reading: Reading, reference: float) -> Array:
    """The joint model's terms for the used cells, (cell, 4)."""
    compute = runs.log_compute[reading.cells] - reference
    return np.stack([np.ones_like(compute), compute, reading.distance, reading.distance**2], axis=1)


def _cell_covariance(runs: SuiteRuns, reading: Reading, values: Array, item_covariance: Array) -> Array:
    """Average a covariance over runs within the used cells, (cell, cell)."""
    member = (runs.run_cell[None, :] == reading.cells[:, None]) & np.isfinite(values)
    average = member / np.maximum(member.sum(axis=1, keepdims=True), 1)
    return np.asarray(average @ item_covariance @ average.T)


def reduction_slope(log_compute: Array, log_gap: Array) -> float:
    """Return the paper's line: ordinary least squares of 100 (1 - G) on log10 F over the budgets' points, points per decade."""
    rows = line_rows(log_compute / np.log(10), float(np.mean(log_compute / np.log(10))))
    return float(rows[1] @ (100 * (1 - np.exp(log_gap))))


def relative_row(
    runs: SuiteRuns, metric: str, treatment: str, settings: LawSettings, fit: GapFit, notes: Sequence[str] = ()
) -> dict[str, object]:
    """Return one row of relative.csv, without tests and verdict (`verdict.add_verdicts` fills those)."""
    error = fit.standard_error
    t = float(stats.t.ppf(0.5 + settings.level / 2, fit.dof)) if fit.dof > 0 else float("nan")
    gamma_error = float(np.sqrt(fit.covariance[0, 0]))
    first, last = (fit.predict(float(end))[0] for end in (np.min(fit.log_compute), np.max(fit.log_compute)))
    power = float(stats.t.ppf(0.8, fit.dof)) if fit.dof > 0 else float("nan")
    return {
        "suite": runs.suite,
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
        "margin": settings.margin,
        "detectable_dbeta": (t + power) * error,
        "gap_first": float(np.exp(first)),
        "gap_last": float(np.exp(last)),
        "reduction_slope_points_per_decade": reduction_slope(fit.log_compute, fit.points),
        "r2": fit.r2,
        "num_runs": fit.num_runs,
        "num_budgets": len(fit.budgets),
        "status": "; ".join(["ok", *fit.notes, *notes]),
    }
