"""All laws of one family: from losses (and items) to the tables points, absolute, relative, decomposition, two_stage and backtest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.laws.backtest import backtest_error, backtest_gap
from relscale.laws.cells import Array, Readings, SuiteRuns, readings_of, suites_of
from relscale.laws.decomposition import decompose
from relscale.laws.inputs import prepare
from relscale.laws.isoflop import IsoflopFits, fit_isoflop
from relscale.laws.items import ItemNoise, item_matrices, item_noise, split_items
from relscale.laws.power import fit_power_law
from relscale.laws.relative import GapFit, fit_gap, relative_row
from relscale.laws.settings import FitError, LawSettings, status_text
from relscale.laws.two_stage import sigmoid_columns
from relscale.laws.verdict import add_verdicts
from relscale.records.laws import (
    ABSOLUTE_COLUMNS,
    BACKTEST_COLUMNS,
    DECOMPOSITION_COLUMNS,
    POINTS_COLUMNS,
    RELATIVE_COLUMNS,
    TWO_STAGE_COLUMNS,
)
from relscale.tables import write_table

TABLES = {
    "points": POINTS_COLUMNS,
    "absolute": ABSOLUTE_COLUMNS,
    "relative": RELATIVE_COLUMNS,
    "decomposition": DECOMPOSITION_COLUMNS,
    "two_stage": TWO_STAGE_COLUMNS,
    "backtest": BACKTEST_COLUMNS,
}
MIN_BUDGETS_FOR_OFFSET = 9
AT_CHANCE_SHARE = 0.5
"""A relative law whose treatment or baseline is at chance in at least this share of its runs gets no verdict."""

Rows = list[dict[str, object]]
Gaps = dict[tuple[str, str], GapFit | FitError]


@dataclass(frozen=True, kw_only=True)
class FamilyLaws:
    """The tables of one family, each with the columns of `records`."""

    points: pd.DataFrame
    """E and G at each budget's compute-optimal point."""
    absolute: pd.DataFrame
    """One power law a suite, domain, metric and estimator."""
    relative: pd.DataFrame
    """One relative law a suite, metric, treatment and estimator."""
    decomposition: pd.DataFrame
    """Size against data."""
    two_stage: pd.DataFrame
    """Accuracy against loss."""
    backtest: pd.DataFrame
    """Predictions at held-out budgets."""

    def write(self, paths: Mapping[str, Path]) -> None:
        """Write the tables to the paths given by table name."""
        for name, columns in TABLES.items():
            write_table(getattr(self, name), paths[name], columns)


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One metric of one suite."""

    runs: SuiteRuns
    fits: IsoflopFits
    metric: str
    readings: Readings
    noise: Mapping[str, ItemNoise]
    settings: LawSettings

    def values(self, domain: str) -> Array:
        """Log error of a domain, (run,)."""
        if domain in self.noise and self.noise[domain].overlapping:
            left_out = np.isnan(self.readings.log_error[self.readings.domains.index(domain)])
            return np.where(left_out, np.nan, self.noise[domain].log_error)
        return self.readings.log_error[self.readings.domains.index(domain)]

    def item_covariance(self, *domains: str) -> Array | None:
        """Item noise of the domains' log errors, added up, (run, run); None unless all have items."""
        if not all(domain in self.noise for domain in domains):
            return None
        return np.asarray(np.sum([self.noise[domain].covariance for domain in domains], axis=0))

    def notes(self, values: Array, *domains: str) -> tuple[str, ...]:
        """Words on what was left out."""
        overlapping = sum(self.noise[domain].overlapping for domain in domains if domain in self.noise)
        return (*self.readings.lacking(values, self.runs), *([f"{overlapping} overlapping item(s) left out"] if overlapping else []))

    @property
    def label(self) -> dict[str, object]:
        """Columns that every table of laws begins with."""
        return {"suite": self.runs.suite, "family": self.settings.family, "metric": self.metric}


def fit_family(
    losses: pd.DataFrame,
    settings: LawSettings,
    items: pd.DataFrame | None = None,
    optimum_losses: pd.DataFrame | None = None,
) -> FamilyLaws:
    """Fit all laws of one family.

    Args:
        losses: rows of LOSSES_COLUMNS, at least LOSSES_REQUIRED and the compute column; other families' rows are allowed.
        settings: family, baseline, metrics, estimators and the rest.
        items: rows of ITEMS_COLUMNS; puts item noise into the relative laws' intervals and leaves overlapping items out.
        optimum_losses: losses that hold the family `optimum_by`; without them `losses` is searched for it, and else the optimum is
            placed by the mean log error over the family's domains.

    Raises:
        ValueError: for a table that lacks a column or contradicts itself, or a family, metric or baseline that is not there.
    """
    family, optimum = prepare(losses, settings, optimum_losses)
    pieces = {} if items is None else split_items(items, settings.family, settings.metrics)
    rows: dict[str, Rows] = {name: [] for name in TABLES}
    for runs in suites_of(family, optimum, settings):
        fits = fit_isoflop(runs, settings.level)
        for metric in settings.metrics:
            readings = readings_of(family, runs, metric)
            noise = _noise(pieces, runs, metric, readings, settings)
            job = _Job(runs=runs, fits=fits, metric=metric, readings=readings, settings=settings, noise=noise)
            gaps = _gap_fits(job)
            _fit_absolute(job, gaps, rows)
            _fit_relative(job, gaps, rows)
        rows["two_stage"].extend(_two_stage_rows(family, runs, settings))
    frames = {name: pd.DataFrame(rows[name], columns=list(columns)) for name, columns in TABLES.items()}
    frames["relative"] = add_verdicts(frames["relative"])
    return FamilyLaws(**frames)


def _noise(
    pieces: Mapping[tuple[str, str, str], pd.DataFrame], runs: SuiteRuns, metric: str, readings: Readings, settings: LawSettings
) -> dict[str, ItemNoise]:
    """Item noise of every domain that has items."""
    noise = {}
    for domain, log_error in zip(readings.domains, readings.log_error, strict=True):
        piece = pieces.get((runs.suite, domain, metric))
        if piece is not None and np.isfinite(log_error).any():
            where = f"items of suite {runs.suite!r}, domain {domain!r}, metric {metric!r}"
            noise[domain] = item_noise(item_matrices(piece, runs, log_error, where), settings.draws, settings.seed, domain)
    return noise


def _gap_fits(job: _Job) -> Gaps:
    """Fit every treatment's gap to the baseline with every estimator; failures stay in the mapping."""
    baseline = job.settings.baseline
    gaps: Gaps = {}
    if baseline is None or job.readings.missing(baseline):
        return gaps
    for treatment in (domain for domain in job.readings.domains if domain != baseline and not job.readings.missing(domain)):
        values = job.values(treatment) - job.values(baseline)
        covariance = job.item_covariance(treatment, baseline)
        for estimator in job.settings.estimators:
            try:
                gaps[treatment, estimator] = fit_gap(job.runs, job.fits, values, estimator, job.settings, covariance)
            except FitError as error:
                gaps[treatment, estimator] = error
    return gaps


def _fit_absolute(job: _Job, gaps: Gaps, rows: dict[str, Rows]) -> None:
    """Points, power law and back-test of every domain and estimator."""
    for domain in job.readings.domains:
        values = job.values(domain)
        notes = job.notes(values, domain)
        for estimator in job.settings.estimators:
            label = {**job.label, "domain": domain, "estimator": estimator}
            base = {**label, "compute": job.settings.compute, "offset": float("nan")}
            try:
                if job.readings.missing(domain):
                    raise FitError("domain_missing", "no usable value in this suite")
                points = fit_gap(job.runs, job.fits, values, estimator, job.settings, job.item_covariance(domain))
                law = fit_power_law(points.log_compute, points.points, job.settings.level)
            except FitError as error:
                nothing = dict.fromkeys(("coefficient", "exponent", "standard_error", "ci_low", "ci_high", "r2"), float("nan"))
                rows["absolute"].append({**base, **nothing, "num_points": 0, "status": status_text(error.status, [error.detail, *notes])})
                continue
            few = ["offset_not_identifiable"] if law.num_points < MIN_BUDGETS_FOR_OFFSET else ["offset not fitted"]
            left_out = [note for note in points.notes if "left out" in note]
            rows["absolute"].append(
                {
                    **base,
                    "coefficient": float(np.exp(law.log_coefficient)),
                    "exponent": law.exponent,
                    "standard_error": law.standard_error,
                    "ci_low": law.ci_low,
                    "ci_high": law.ci_high,
                    "r2": law.r2,
                    "num_points": law.num_points,
                    "status": status_text("ok", [*few, *left_out, *notes]),
                }
            )
            rows["points"].extend(_point_rows(job, label, points, gaps.get((domain, estimator))))
            rows["backtest"].extend({**label, **row} for row in backtest_error(job.runs, points, job.settings))


def _point_rows(job: _Job, label: Mapping[str, object], points: GapFit, gap: GapFit | FitError | None) -> Iterator[dict[str, object]]:
    """Rows of points.csv of one domain and estimator."""
    optima = job.fits.best_run if points.estimator == "best_run" else job.fits.vertex
    for place, budget in enumerate(points.budgets):
        cells = np.flatnonzero(job.runs.cell_budget == budget)
        error = float(np.exp(points.points[place]))
        row: dict[str, object] = {
            **label,
            "budget": job.runs.budgets[budget],
            "forward_flops": float(np.exp(np.mean(np.log(job.runs.forward_flops[cells])))),
            "training_flops": float(np.exp(np.mean(np.log(job.runs.training_flops[cells])))),
            "error": error,
            "standard_error": error * float(np.sqrt(points.point_variance[place])),
            "gap": float("nan"),
            "gap_standard_error": float("nan"),
            "status": optima[budget].status,
        }
        if isinstance(gap, GapFit) and budget in gap.budgets:
            here = int(np.flatnonzero(gap.budgets == budget)[0])
            value = float(np.exp(gap.points[here]))
            row |= {"gap": value, "gap_standard_error": value * float(np.sqrt(gap.point_variance[here]))}
        elif label["domain"] == job.settings.baseline:
            row |= {"gap": 1.0, "gap_standard_error": 0.0}
        yield row


def _fit_relative(job: _Job, gaps: Gaps, rows: dict[str, Rows]) -> None:
    """Relative law, decomposition and back-test of every treatment; no rows for a family without a baseline."""
    baseline = job.settings.baseline
    if baseline is None:
        return
    for treatment in (domain for domain in job.readings.domains if domain != baseline):
        label = {**job.label, "treatment": treatment, "baseline": baseline}
        if job.readings.missing(treatment, baseline):
            status = "baseline_missing" if job.readings.missing(baseline) else "domain_missing"
            rows["relative"].extend(_no_law(job, label, name, status) for name in job.settings.estimators)
            continue
        values = job.values(treatment) - job.values(baseline)
        notes = job.notes(values, treatment, baseline)
        for estimator in job.settings.estimators:
            fit = gaps[treatment, estimator]
            if isinstance(fit, FitError):
                rows["relative"].append(_no_law(job, label, estimator, status_text(fit.status, [fit.detail, *notes])))
                continue
            row = relative_row(job.runs, job.metric, treatment, job.settings, fit, notes)
            row["status"] = _with_chance(job, treatment, values, str(row["status"]))
            rows["relative"].append(row)
            bare = fit if fit.ci_method != "runs+items" else fit_gap(job.runs, job.fits, values, estimator, job.settings)
            tested = backtest_gap(job.runs, job.fits, values, bare, job.settings)
            rows["backtest"].extend({**job.label, "domain": treatment, "estimator": estimator, **row} for row in tested)
        rows["decomposition"].append({**label, **decompose(job.runs, job.fits, values, job.settings, notes)})


def _with_chance(job: _Job, treatment: str, values: Array, status: str) -> str:
    """Put `at_chance` in front where the treatment or the baseline is mostly no better than guessing."""
    index = [job.readings.domains.index(name) for name in (treatment, job.settings.baseline)]
    flag = job.readings.at_chance[index][:, np.isfinite(values)]
    if not flag.any():
        return status
    if np.max(flag.mean(axis=1)) >= AT_CHANCE_SHARE:
        return status.replace("ok", "at_chance", 1)
    return f"{status}; {int(flag.any(axis=0).sum())} run(s) at chance"


def _no_law(job: _Job, label: Mapping[str, object], estimator: str, status: str) -> dict[str, object]:
    """A row of relative.csv without an estimate."""
    row: dict[str, object] = dict.fromkeys(RELATIVE_COLUMNS, float("nan"))
    fixed = {"compute": job.settings.compute, "ci_level": job.settings.level, "ci_method": "none", "margin": job.settings.margin}
    return {**row, **label, "estimator": estimator, **fixed, "num_runs": 0, "num_budgets": 0, "faster": "", "verdict": "", "status": status}


def _two_stage_rows(family: pd.DataFrame, runs: SuiteRuns, settings: LawSettings) -> Rows:
    """Accuracy against choice loss for every domain of a suite; no rows where the family has no choice task or no chance level."""
    present = set(family["metric"])
    if settings.chance is None or not {"choice_loss_nats", "accuracy"} <= present:
        return []
    loss, accuracy = (readings_of(family, runs, metric) for metric in ("choice_loss_nats", "accuracy"))
    rows: Rows = []
    for domain in (name for name in loss.domains if name in accuracy.domains):
        x = np.exp(loss.log_error[loss.domains.index(domain)])
        y = np.exp(accuracy.log_error[accuracy.domains.index(domain)])
        known = np.isfinite(x) & np.isfinite(y)
        label = {"suite": runs.suite, "family": settings.family, "domain": domain}
        metrics = {"loss_metric": "choice_loss_nats", "accuracy_metric": "accuracy"}
        notes = accuracy.lacking(np.where(known, 1.0, np.nan), runs)
        num_items = _items_of(family, runs, domain, known)
        rows.append({**label, **metrics, **sigmoid_columns(x[known], y[known], settings.chance, settings.level, num_items, notes)})
    return rows


def _items_of(family: pd.DataFrame, runs: SuiteRuns, domain: str, known: Array) -> Array | None:
    """Items behind each accuracy, (run,); None where the table does not say."""
    if "num_items" not in family.columns:
        return None
    frame = family[(family["suite"] == runs.suite) & (family["domain"] == domain) & (family["metric"] == "accuracy")]
    count = frame.set_index("run")["num_items"].reindex(list(runs.runs)).to_numpy(dtype=np.float64)[known]
    return count if len(count) and np.all(np.isfinite(count) & (count > 0)) else None
