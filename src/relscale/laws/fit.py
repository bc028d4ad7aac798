"""All laws of one family: from losses (and items) to the tables points, absolute, relative and the
others of TABLES.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from relscale.contract.io import write_table
from relscale.contract.law_tables import (
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
from relscale.laws.cells import readings_of, suites_of
from relscale.laws.inputs import check_baselines, prepare
from relscale.laws.isoflop import fit_isoflop
from relscale.laws.items import split_items
from relscale.laws.job import Job, Rows, gap_fits, noise_of
from relscale.laws.law_rows import absolute_rows, domain_surfaces, gap_rows, law_rows
from relscale.laws.outside_models import OutsideModel
from relscale.laws.settings import LawSettings
from relscale.laws.surface_gap import SurfaceReader
from relscale.laws.two_stage_rows import check_two_stages, two_stage_rows
from relscale.laws.verdict import add_verdicts

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


@dataclass(frozen=True, kw_only=True)
class FamilyLaws:
    """The tables of one family, each with the columns of `records`."""

    points: pd.DataFrame
    """E and G at each budget's compute-optimal point."""
    absolute: pd.DataFrame
    """One power law a suite, domain, metric and estimator."""
    absolute_fits: pd.DataFrame
    """The same by least squares, Huber's loss, least absolute deviations and with an offset,
    compared by leaving budgets out."""
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
    outside_models: Sequence[OutsideModel] = (),
) -> FamilyLaws:
    """Fit all laws of one family.

    Args:
        losses: rows of LOSSES_COLUMNS, at least LOSSES_REQUIRED and the compute column; other
            families' rows are allowed.
        settings: family, baseline, metrics, estimators and the rest.
        items: rows of ITEMS_COLUMNS; puts item noise into the relative laws' intervals and leaves
            overlapping items out.
        optimum_losses: losses that hold the family `optimum_by`; without them `losses` is searched
            for it, and else the optimum is placed by the mean log error over the family's domains.
        outside_models: models that are no runs, set beside what the two-stage law predicts for
            them.

    Raises:
        ValueError: for a table that lacks a column or contradicts itself, or a family, metric or
            baseline that is not there.
    """
    family, optimum = prepare(losses, settings, optimum_losses)
    check_two_stages(family, settings, outside_models)
    pieces = {} if items is None else split_items(items, settings.family, settings.metrics)
    rows: dict[str, Rows] = {name: [] for name in TABLES}
    for runs in suites_of(family, optimum, settings):
        fits = fit_isoflop(runs, settings.level)
        reader = SurfaceReader(runs, fits, settings)
        for metric in settings.metrics:
            readings = readings_of(family, runs, metric)
            noise = noise_of(pieces, runs, metric, readings, settings)
            job = Job(
                runs=runs,
                fits=fits,
                metric=metric,
                readings=readings,
                settings=settings,
                noise=noise,
                reader=reader,
            )
            gaps = gap_fits(job)
            absolute_rows(job, gaps, rows)
            rows["relative"].extend(law_rows(job, gaps))
            gap_rows(job, gaps, rows)
            if "surface" in settings.estimators:
                domain_surfaces(job, rows)
        if settings.chance is not None:
            two_stage_rows(family, runs, fits, reader, settings, outside_models, rows)
    frames = {
        name: pd.DataFrame(rows[name], columns=list(columns)) for name, columns in TABLES.items()
    }
    frames["relative"] = add_verdicts(frames["relative"])
    return FamilyLaws(**frames)


def fit_baselines(
    losses: pd.DataFrame,
    settings: LawSettings,
    baselines: Sequence[str],
    items: pd.DataFrame | None = None,
    optimum_losses: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Fit the relative laws of one family against each of several baselines.

    The rows are those that `fit_family` gives for each baseline, one baseline after the other.
    Optima, draws of items and surfaces are made once for all, and nothing else is fitted.

    Args:
        losses: as for `fit_family`.
        settings: of the family; its own baseline is not used.
        baselines: domains that the others are compared with.
        items: as for `fit_family`.
        optimum_losses: as for `fit_family`.

    Returns:
        Rows of RELATIVE_COLUMNS.

    Raises:
        ValueError: as `fit_family`.
    """
    chosen = [replace(settings, baseline=baseline) for baseline in baselines]
    if not chosen:
        return pd.DataFrame(columns=list(RELATIVE_COLUMNS))
    family, optimum = prepare(losses, chosen[0], optimum_losses)
    check_baselines(family, baselines, settings.family)
    pieces = {} if items is None else split_items(items, settings.family, settings.metrics)
    rows: dict[str, Rows] = {baseline: [] for baseline in baselines}
    for runs in suites_of(family, optimum, settings):
        fits = fit_isoflop(runs, settings.level)
        reader = SurfaceReader(runs, fits, settings)
        for metric in settings.metrics:
            readings = readings_of(family, runs, metric)
            noise = noise_of(pieces, runs, metric, readings, settings)
            for own in chosen:
                job = Job(
                    runs=runs,
                    fits=fits,
                    metric=metric,
                    readings=readings,
                    settings=own,
                    noise=noise,
                    reader=reader,
                )
                rows[str(own.baseline)].extend(law_rows(job, gap_fits(job)))
    return pd.concat(
        [
            add_verdicts(pd.DataFrame(part, columns=list(RELATIVE_COLUMNS)))
            for part in rows.values()
        ],
        ignore_index=True,
    )
