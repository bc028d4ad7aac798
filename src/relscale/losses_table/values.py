"""The values of a long or a wide table, as one row per run, domain and metric."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from relscale.config.losses import LossesTable
from relscale.losses_table.file_columns import CellReader, FileColumns, shown
from relscale.losses_table.file_units import converted, converted_error

ROW = "row_of_the_file"
"""Column with the position of a row in the file, while a table is read."""

RUN = ("corpus", "run")
"""Columns that name a run."""


def with_values(
    cells: CellReader, places: FileColumns, rows: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Return one row per run, domain and metric, with values in the unit of the losses table.

    Args:
        cells: reads the columns of the file.
        places: where our columns are.
        rows: one row per row of the file, without values.

    Raises:
        ValueError: naming a domain or metric that is stated and that the file lacks.
    """
    rows = rows.assign(**{ROW: np.arange(len(rows))})
    if cells.spec.shape == "wide":
        frame, notes = _from_wide(cells, rows)
    else:
        frame, notes = _from_long(cells, places, rows)
    frame, more = _with_families(frame, cells.spec, cells.where)
    return _in_our_units(frame, cells.spec, cells.where), [*notes, *more]


def wide_columns(
    spec: LossesTable,
) -> Iterator[tuple[str, str | None, str, str | None]]:
    """Return domain, metric (None if all have one), column, and column of the standard error."""
    for domain, found in spec.domains.items():
        errors = spec.standard_errors.get(domain)
        if isinstance(found, str):
            yield domain, None, found, errors if isinstance(errors, str) else None
            continue
        for metric, column in found.items():
            yield domain, metric, column, errors.get(metric) if isinstance(errors, dict) else None


def columns_of_values(spec: LossesTable) -> frozenset[str]:
    """Return the columns of the file that have values or standard errors."""
    wide = [name for *_, value, error in wide_columns(spec) for name in (value, error) if name]
    long = [spec.columns.get(name, name) for name in ("value", "standard_error")]
    return frozenset(wide if spec.shape == "wide" else map(str, long))


def _has_percent(spec: LossesTable) -> bool:
    """Return whether a sign of percent may follow values."""
    return "percent" in {spec.units.get("value"), *spec.metric_units.values()}


def _from_wide(cells: CellReader, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    percent = _has_percent(cells.spec)
    parts = []
    filled = np.zeros(len(rows), dtype=bool)
    for domain, metric, column, error in wide_columns(cells.spec):
        values = cells.plain(column, "value", percent=percent)
        filled |= ~np.isnan(values)
        part = rows.assign(domain=domain, value=values)
        if metric is not None:
            part["metric"] = metric
        if error is not None:
            part["standard_error"] = cells.plain(error, "standard_error", percent=percent)
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    notes = []
    if not filled.all():
        notes.append(
            f"{int((~filled).sum())} of {len(rows)} rows of the file have no value of any domain "
            f"and are left out, first {cells.raw.place(int(np.argmin(filled)))}"
        )
        notes += _without_values(rows, filled, cells.spec)
        frame = frame[filled[frame[ROW].to_numpy()]].reset_index(drop=True)
    return frame, notes


def _without_values(
    rows: pd.DataFrame, filled: npt.NDArray[np.bool_], spec: LossesTable
) -> list[str]:
    """Return notes on runs that have no value at all, and on last steps without one.

    Args:
        rows: one row per row of the file.
        filled: (row,) whether any domain has a value.
        spec: the mapping.
    """
    if not set(RUN) <= set(rows):
        return []
    notes = []
    runs = rows[rows[list(RUN)].notna().all(axis=1)].groupby(list(RUN), sort=True)
    has_value = pd.Series(filled, index=rows.index)
    lost = [run for (_, run), part in runs if not has_value[part.index].any()]
    if lost:
        notes.append(f"{len(lost)} run(s) have no value in any row: {shown(lost)}")
    if spec.steps != "last" or "step" not in rows:
        return notes
    ends = runs["step"].max()
    used = rows[filled].groupby(list(RUN))["step"].max()
    later = pd.DataFrame({"end": ends, "used": used}).dropna()
    later = later[later["end"] > later["used"]]
    if len(later):
        end, step = later.iloc[0]
        notes.append(
            f"{len(later)} run(s) have later steps without any value: first "
            f"{later.index[0][1]!r}, whose last step with a value is {step:.15g} of {end:.15g}"
        )
    return notes


def _from_long(
    cells: CellReader, places: FileColumns, rows: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    percent = _has_percent(cells.spec)
    for our in ("value", "standard_error"):
        if our in places.ours:
            rows = rows.assign(**{our: cells.plain(places.ours[our][0], our, percent=percent)})
        elif our in cells.spec.constants:
            rows = rows.assign(**{our: float(cells.spec.constants[our])})
    chosen = {str(theirs): ours for ours, theirs in cells.spec.domains.items()}
    if not chosen or "domain" not in rows:
        return rows, []
    present = rows["domain"].dropna().unique()
    if lacking := sorted(set(chosen) - set(present)):
        raise ValueError(
            f"{cells.where}: domains: the file has no {shown(lacking)}; it has "
            f"{shown(sorted(present))}"
        )
    others = sorted(set(present) - set(chosen))
    kept = rows["domain"].isin(list(chosen)) | rows["domain"].isna()
    notes = []
    if others:
        notes.append(
            f"{int((~kept).sum())} rows of {len(others)} domain(s) that the mapping does not name "
            f"are left out: {shown(others)}"
        )
    rows = rows[kept].reset_index(drop=True)
    return rows.assign(domain=rows["domain"].map(chosen)), notes


def _with_families(
    frame: pd.DataFrame, spec: LossesTable, where: str
) -> tuple[pd.DataFrame, list[str]]:
    if not spec.families or "domain" not in frame:
        return frame, []
    family_of = {domain: name for name, domains in spec.families.items() for domain in domains}
    if lacking := sorted(set(family_of) - set(frame["domain"].dropna())):
        raise ValueError(
            f"{where}: families: the file has no domain {shown(lacking)}; it has "
            f"{shown(sorted(frame['domain'].dropna().unique()))}"
        )
    families = frame["domain"].map(family_of)
    without = families.isna() & frame["domain"].notna()
    notes = []
    if without.any():
        names = sorted(frame.loc[without, "domain"].unique())
        notes.append(
            f"{int(without.sum())} rows of {len(names)} domain(s) that are in no family are left "
            f"out: {shown(names)}"
        )
    return frame.assign(family=families)[~without].reset_index(drop=True), notes


def _in_our_units(frame: pd.DataFrame, spec: LossesTable, where: str) -> pd.DataFrame:
    """Return a table whose values and standard errors are in the unit of the losses table.

    Standard errors are in the unit of the values unless another one is stated.
    """
    if "value" not in frame or "metric" not in frame:
        return frame
    metrics = sorted(frame["metric"].dropna().unique())
    if lacking := sorted(set(spec.metric_units) - set(metrics)):
        raise ValueError(
            f"{where}: metric_units: the file has no metric {shown(lacking)}; it has "
            f"{shown(metrics)}"
        )
    for metric in metrics:
        unit = spec.metric_units.get(metric, spec.units.get("value", "ones"))
        rows = (frame["metric"] == metric).to_numpy()
        values = frame.loc[rows, "value"].to_numpy(dtype=np.float64)
        if unit == "perplexity" and (values < 1).any():
            raise ValueError(
                f"{where}: {metric} is {np.nanmin(values):g}, and the unit is perplexity, which is "
                "1 or more: is it the loss already?"
            )
        if "standard_error" in frame:
            errors = frame.loc[rows, "standard_error"].to_numpy(dtype=np.float64)
            stated = spec.units.get("standard_error")
            frame.loc[rows, "standard_error"] = (
                converted_error(errors, values, unit)
                if stated is None
                else converted(errors, stated, "standard_error")
            )
        frame.loc[rows, "value"] = converted(values, unit, "value")
    return frame
