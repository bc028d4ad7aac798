"""All laws of one family: a loop over `relscale.laws.tables.LAWS`."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.contract.io import write_table
from relscale.contract.scales import on_scale
from relscale.contract.typed import flags
from relscale.laws.cells import Readings, SuiteRuns, readings_of, suites_of
from relscale.laws.inputs import (
    check_baselines,
    most_values,
    notes_on,
    prepare,
    reduced,
    with_notes,
)
from relscale.laws.items import ItemPieces, noise_of_domains, split_items
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.noise_model import NoiseModel
from relscale.laws.outside_models import OutsideModel
from relscale.laws.parts import PartSums
from relscale.laws.spec import FAMILY_MEAN, BaselinesSpec, LawSpec
from relscale.laws.tables import LAWS, relative
from relscale.laws.tables.two_stage import check_two_stages

LOGGER = logging.getLogger(__name__)

TABLES = {law.table.name: law.table for law in LAWS}
"""The table of every law, by name, in the order in which they are written."""


@dataclass(frozen=True, repr=False)
class FamilyLaws:
    """The tables of one family by name; also attributes, as in `laws.relative`."""

    tables: Mapping[str, pd.DataFrame]
    """Rows of each table of `TABLES`."""
    corpora: tuple[CorpusFits, ...] = field(default=(), repr=False, compare=False)
    """The fits behind the tables, one per corpus, for predictions of named models."""

    def __repr__(self) -> str:
        """Return the number of rows of each table."""
        rows = ", ".join(f"{name} {len(frame)}" for name, frame in self.tables.items())
        return f"<FamilyLaws: rows of the tables: {rows}>"

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table by name."""
        return self.tables[name]

    def __getattr__(self, name: str) -> pd.DataFrame:
        """Return a table by name."""
        if name not in ("tables", "corpora") and name in self.tables:
            return self.tables[name]
        raise AttributeError(f"no law table {name!r}; the tables are {', '.join(TABLES)}")

    @property
    def ratio(self) -> pd.DataFrame:
        """Return the relative laws of the ratio G, one per comparison and estimator."""
        return on_scale(self.relative).reset_index(drop=True)

    def write(self, paths: Sequence[Path], tables: Sequence[str] = tuple(TABLES)) -> None:
        """Write every table of `tables` to the path whose stem is its name.

        Raises:
            ValueError: as `check_paths`.
        """
        check_paths(paths, tables)
        for path in paths:
            write_table(self.tables[path.stem], path, TABLES[path.stem])


def check_paths(paths: Sequence[Path], tables: Sequence[str] = tuple(TABLES)) -> None:
    """Check that there is exactly one path per table of `tables`, whose stem is the table's name.

    Raises:
        ValueError: listing the tables without a path, the paths of no table, and the tables with
            more than one path.
    """
    stems = [path.stem for path in paths]
    problems = [f"no path for table {name}" for name in tables if name not in stems]
    problems += [f"{path}: not a law table" for path in paths if path.stem not in tables]
    problems += [f"more than one path for table {name}" for name in tables if stems.count(name) > 1]
    if problems:
        raise ValueError(f"{'; '.join(problems)}; the tables are {', '.join(tables)}")


def fit_family(
    losses: pd.DataFrame,
    spec: LawSpec,
    items: pd.DataFrame | None = None,
    optimum_losses: pd.DataFrame | None = None,
    outside_models: Sequence[OutsideModel] = (),
    where: str = "losses",
    parts: PartSums | None = None,
) -> FamilyLaws:
    """Fit all laws of one family.

    Args:
        losses: rows of the losses table, with at least LOSSES_REQUIRED and the compute column; rows
            of other families are allowed.
        spec: family, baseline, metrics, estimators and the rest.
        items: rows of the items table; adds item noise to the intervals of the relative laws and
            leaves overlapping items out.
        optimum_losses: losses with the family `optimum_by`; None looks for it in `losses`. Without
            the default one there, the mean log value over the family's domains locates the optimum,
            and a warning is logged.
        outside_models: models that are not runs, compared with the predictions of the two-stage
            law.
        where: words for the losses table in errors, such as its file.
        parts: sums of the family's losses by bucket and by position.

    Raises:
        ValueError: for a table that lacks a column or contradicts itself, or an unknown family,
            metric, baseline or `optimum_by`.
    """
    family, optimum = prepare(losses, spec, optimum_losses, where)
    notes = notes_on(family, spec)
    for note in notes:
        LOGGER.warning("%s: %s", where, note)
    if optimum is None and spec.optimum_by != FAMILY_MEAN:
        LOGGER.warning(
            "no rows of family %r, which locates the optimum by default: the mean over the domains "
            "of family %r locates it instead (optimum_by: %s)",
            spec.optimum_by,
            spec.family,
            FAMILY_MEAN,
        )
    spec = reduced(family, spec)
    check_two_stages(family, spec, outside_models)
    corpora = tuple(
        replace(corpus, parts=parts)
        for corpus in corpora_of(family, optimum, spec, items, outside_models)
    )
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    for corpus in corpora:
        # The fits of many corpora would fill the memory: those of a large table are not kept.
        fitted = replace(corpus) if corpus.together else corpus
        for law in LAWS:
            rows[law.table.name].extend(law.fit(fitted))
    frames = {law.table.name: law.tabulate(rows[law.table.name], spec) for law in LAWS}
    laws = with_notes(frames[relative.TABLE.name], notes)
    for corpus in corpora:
        here = laws["corpus"] == corpus.runs.corpus
        laws[here] = with_notes(laws[here], corpus.runs.unscored())
    frames[relative.TABLE.name] = laws
    return FamilyLaws(frames, corpora=corpora)


def corpora_of(
    family: pd.DataFrame,
    optimum: pd.DataFrame | None,
    spec: LawSpec,
    items: pd.DataFrame | None,
    outside_models: Sequence[OutsideModel] = (),
) -> tuple[CorpusFits, ...]:
    """Return the fits of every corpus, which share the noise of the family's gaps.

    Args:
        family: rows of the family, from `relscale.laws.inputs.prepare`.
        optimum: rows of the family that locates the optimum; None for the family's mean.
        spec: family, baseline, metrics and the rest.
        items: rows of the items table; None has no item noise and no overlapping items.
        outside_models: models that are not runs, compared with the two-stage law.
    """
    metrics = spec.metrics
    if spec.chance is not None:
        metrics = tuple(dict.fromkeys((*metrics, spec.loss_metric, spec.accuracy_metric)))
    pieces = {} if items is None else split_items(items, spec.family, metrics)
    suites = suites_of(family, optimum, spec)
    noise_model = NoiseModel(
        suites=suites,
        read=lambda metric, runs: _without_overlaps(family, runs, metric, pieces, spec),
        level=spec.level,
    )
    return tuple(
        CorpusFits(
            family=family,
            runs=runs,
            spec=spec,
            items=pieces,
            outside_models=outside_models,
            noise_model=noise_model,
            together=most_values(family) > spec.reduce_above,
        )
        for runs in suites
    )


def baselines_of(losses: pd.DataFrame, spec: BaselinesSpec) -> tuple[str, ...]:
    """Return the baselines of a spec, or those that it leaves to the table, by name."""
    if spec.all_up_to is None:
        return spec.baselines
    domains = set(losses.loc[losses["family"] == spec.family, "domain"].astype(str))
    return tuple(sorted(domains - {spec.baseline})) if len(domains) <= spec.all_up_to else ()


def _without_overlaps(
    family: pd.DataFrame, runs: SuiteRuns, metric: str, pieces: ItemPieces, spec: LawSpec
) -> Readings:
    """Return the values of one metric of a corpus without overlapping items, as laws read them."""
    readings = readings_of(family, runs, metric)
    overlapping = {
        key: piece
        for key, piece in pieces.items()
        if "overlaps" in piece.columns and flags(piece["overlaps"]).any()
    }
    noise = noise_of_domains(overlapping, runs, metric, readings, spec)
    values = readings.log_error.copy()
    for domain, found in noise.items():
        row = readings.domains.index(domain)
        values[row] = np.where(np.isnan(values[row]), np.nan, found.log_error)
    return replace(readings, log_error=values)


def fit_baselines(
    losses: pd.DataFrame,
    spec: LawSpec,
    baselines: Sequence[str],
    items: pd.DataFrame | None = None,
    optimum_losses: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Fit the relative laws of one family against each of several baselines.

    The rows are those that `fit_family` returns for each baseline, one baseline after the other.
    Optima, draws of items and surfaces are computed once, and no other law is fitted.

    Args:
        losses: as for `fit_family`.
        spec: spec of the family; its baseline is not used.
        baselines: domains that the others are compared with.
        items: as for `fit_family`.
        optimum_losses: as for `fit_family`.

    Returns:
        Rows of the table `relative`.

    Raises:
        ValueError: as `fit_family`.
    """
    columns = list(relative.TABLE.names)
    if not baselines:
        return pd.DataFrame(columns=columns)
    first = spec.model_copy(update={"baseline": baselines[0]})
    family, optimum = prepare(losses, first, optimum_losses)
    check_baselines(family, baselines, spec.family)
    notes = notes_on(family, spec)
    spec = reduced(family, spec)
    rows: dict[str, list[Row]] = {baseline: [] for baseline in baselines}
    for corpus in corpora_of(family, optimum, spec, items):
        for fits in corpus.metrics:
            for baseline in baselines:
                rows[baseline].extend(relative.fit(fits.against(baseline)))
    tables = [relative.LAW.tabulate(part, spec) for part in rows.values()]
    return with_notes(pd.concat(tables, ignore_index=True), notes)
