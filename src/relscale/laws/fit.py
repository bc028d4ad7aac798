"""All laws of one family: from losses (and items) to the tables points, absolute, relative and the others of TABLES."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.laws.cells import Array, SuiteRuns, readings_of, suites_of
from relscale.laws.inputs import prepare
from relscale.laws.isoflop import IsoflopFits, fit_isoflop
from relscale.laws.items import split_items
from relscale.laws.job import Job, Rows, gap_fits, noise_of
from relscale.laws.law_rows import absolute_rows, domain_surfaces, relative_rows
from relscale.laws.settings import FitError, LawSettings
from relscale.laws.surface import Flags
from relscale.laws.surface_gap import SurfaceReader
from relscale.laws.two_stage_table import KINDS, Pairs, prediction_rows, sigmoid_columns
from relscale.laws.verdict import add_verdicts
from relscale.records.laws import (
    ABSOLUTE_COLUMNS,
    ABSOLUTE_FITS_COLUMNS,
    BACKTEST_COLUMNS,
    DECOMPOSITION_COLUMNS,
    POINTS_COLUMNS,
    PREDICTIONS_COLUMNS,
    RELATIVE_COLUMNS,
    SURFACE_COLUMNS,
    TWO_STAGE_COLUMNS,
)
from relscale.tables import write_table

TABLES = {
    "points": POINTS_COLUMNS,
    "absolute": ABSOLUTE_COLUMNS,
    "absolute_fits": ABSOLUTE_FITS_COLUMNS,
    "surface": SURFACE_COLUMNS,
    "relative": RELATIVE_COLUMNS,
    "decomposition": DECOMPOSITION_COLUMNS,
    "two_stage": TWO_STAGE_COLUMNS,
    "predictions": PREDICTIONS_COLUMNS,
    "backtest": BACKTEST_COLUMNS,
}
LOSS, ACCURACY = "choice_loss_nats", "accuracy"
"""The metrics of the two stages."""


@dataclass(frozen=True, kw_only=True)
class FamilyLaws:
    """The tables of one family, each with the columns of `records`."""

    points: pd.DataFrame
    """E and G at each budget's compute-optimal point."""
    absolute: pd.DataFrame
    """One power law a suite, domain, metric and estimator."""
    absolute_fits: pd.DataFrame
    """The same by least squares, Huber's loss, least absolute deviations and with an offset, compared by leaving budgets out."""
    surface: pd.DataFrame
    """L(N, D) of every domain, by two methods; no rows unless `surface` is among the estimators."""
    relative: pd.DataFrame
    """One relative law a suite, metric, treatment and estimator."""
    decomposition: pd.DataFrame
    """Size against data."""
    two_stage: pd.DataFrame
    """Accuracy against loss."""
    predictions: pd.DataFrame
    """Accuracy predicted from compute."""
    backtest: pd.DataFrame
    """Predictions at held-out budgets."""

    def write(self, paths: Mapping[str, Path]) -> None:
        """Write the tables to the paths given by table name."""
        for name, columns in TABLES.items():
            write_table(getattr(self, name), paths[name], columns)


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
        reader = SurfaceReader(runs, fits, settings)
        for metric in settings.metrics:
            readings = readings_of(family, runs, metric)
            noise = noise_of(pieces, runs, metric, readings, settings)
            job = Job(runs=runs, fits=fits, metric=metric, readings=readings, settings=settings, noise=noise, reader=reader)
            gaps = gap_fits(job)
            absolute_rows(job, gaps, rows)
            relative_rows(job, gaps, rows)
            if "surface" in settings.estimators:
                domain_surfaces(job, rows)
        _two_stages(family, runs, fits, reader, settings, rows)
    frames = {name: pd.DataFrame(rows[name], columns=list(columns)) for name, columns in TABLES.items()}
    frames["relative"] = add_verdicts(frames["relative"])
    return FamilyLaws(**frames)


def _two_stages(
    family: pd.DataFrame, runs: SuiteRuns, fits: IsoflopFits, reader: SurfaceReader, settings: LawSettings, rows: dict[str, Rows]
) -> None:
    """Accuracy against choice loss for every domain of a suite; no rows where the family has no choice task or no chance level."""
    present = set(family["metric"])
    if settings.chance is None or not {LOSS, ACCURACY} <= present:
        return
    jobs = {}
    for metric in (LOSS, ACCURACY):
        readings = readings_of(family, runs, metric)
        jobs[metric] = Job(runs=runs, fits=fits, metric=metric, readings=readings, noise={}, settings=settings, reader=reader)
    loss, accuracy = jobs[LOSS].readings, jobs[ACCURACY].readings
    for domain in (name for name in loss.domains if name in accuracy.domains):
        label = {"suite": runs.suite, "family": settings.family, "domain": domain, "loss_metric": LOSS, "accuracy_metric": ACCURACY}
        pairs, known = _pairs(family, runs, domain, jobs)
        notes = accuracy.lacking(np.where(known, 1.0, np.nan), runs)
        rows["two_stage"].append({**label, **sigmoid_columns(pairs, settings.chance, settings.level, notes, settings.seed)})
        estimator = settings.estimators[0]
        label |= {"estimator": estimator}
        try:
            points = [jobs[metric].fit(estimator, domain) for metric in (LOSS, ACCURACY)]
        except FitError as error:
            nothing = dict.fromkeys(("compute", "loss", "accuracy", "ci_low", "ci_high", "observed"), float("nan"))
            status = f"{error.status}; {error.detail}"
            rows["predictions"].extend({**label, **nothing, "kind": kind, "budget": "", "status": status} for kind in KINDS)
            continue
        predicted = prediction_rows(pairs, points[0], points[1], runs.budgets, settings.chance, settings.level, settings.seed)
        rows["predictions"].extend({**label, **row} for row in predicted)


def _pairs(family: pd.DataFrame, runs: SuiteRuns, domain: str, jobs: Mapping[str, Job]) -> tuple[Pairs, Flags]:
    """Return a domain's runs with both metrics, and which those are, (run,)."""
    x, y = (np.exp(jobs[metric].values(domain)) for metric in (LOSS, ACCURACY))
    known = np.isfinite(x) & np.isfinite(y)
    budget = runs.cell_budget[runs.run_cell]
    items = _column(family, runs, domain, ACCURACY, "num_items", known)
    errors = _column(family, runs, domain, LOSS, "standard_error", known)
    return Pairs(loss=x[known], accuracy=y[known], budget=budget[known], num_items=items, loss_error=errors), known


def _column(family: pd.DataFrame, runs: SuiteRuns, domain: str, metric: str, column: str, known: Flags) -> Array | None:
    """A column of the losses table for known runs, (run,); None unless all are above 0."""
    if column not in family.columns:
        return None
    frame = family[(family["suite"] == runs.suite) & (family["domain"] == domain) & (family["metric"] == metric)]
    values = frame.set_index("run")[column].reindex(list(runs.runs)).to_numpy(dtype=np.float64)[known]
    return values if len(values) and np.all(np.isfinite(values) & (values > 0)) else None
