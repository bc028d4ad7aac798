"""From a file and its mapping to the losses table, with every decision stated.

from relscale.config.losses_file import read_mapping
from relscale.losses_table.read import read_losses
found = read_losses(read_mapping("mapping.yaml"))
found.frame, found.decisions
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.config.losses import LossesTable
from relscale.contract.columns import TEXT
from relscale.contract.losses import LOSSES_COLUMNS, LOSSES_KEY
from relscale.contract.typed import Place, check_keys, typed
from relscale.losses_table.budgets import with_budgets
from relscale.losses_table.derive import derived
from relscale.losses_table.file_columns import cells_of, described, place_columns, shown
from relscale.losses_table.file_units import COUNTS
from relscale.losses_table.raw import RawTable, read_raw, selected
from relscale.losses_table.steps import (
    at_steps,
    check_repeated,
    named_by_tokens,
    without_copies_of_blanks,
)
from relscale.losses_table.values import ROW, with_values

AXES = ("training_flops", "forward_flops")
NEEDED = ("corpus", "run", "num_params_total", "tokens", "family", "domain", "metric", "value")
"""Columns that a mapping must lead to, in addition to an axis of compute."""
WHOLE = COUNTS | {"seed"}
"""Columns of whole numbers."""
MOST_EXACT = 2**53
"""Whole numbers below this one are exact as floats."""
EMPTY = "no value in the file"
"""The reason of a row whose value is empty in the file."""
EMPTY_NOTE = "value(s) are empty in the file and excluded with a reason"
"""Words of the decision about such rows."""
_HOW = {
    "corpus": "what the models were trained on: constants: {corpus: NAME} if it is one corpus",
    "run": "a name per trained model; several columns together may be one: columns: {run: [..]}",
    "num_params_total": "parameters; or derive it from training_flops and tokens",
    "tokens": "training tokens; or derive them from training_flops, or from tokens_per_param",
    "family": "a name for the domains that are compared: constants: {family: texts}",
    "domain": "what was evaluated on; state shape: wide if each domain has its own column",
    "metric": "what was measured: constants: {metric: loss} if it is one metric",
    "value": "the loss, or another metric",
}


@dataclass(frozen=True, kw_only=True)
class LossesTableRead:
    """A losses table that was read through a mapping."""

    frame: pd.DataFrame
    """The losses table, ordered by its key; columns that are not known are absent."""
    decisions: tuple[str, ...]
    """Everything that was decided, converted or left out, one sentence each."""


def read_losses(spec: LossesTable, where: str | None = None) -> LossesTableRead:
    """Read a losses table from outside through its mapping.

    Args:
        spec: the mapping; its `path` is opened as it is.
        where: words for the file in errors; None for its path.

    Raises:
        ValueError: naming the file, and row, column and value where there are any.
    """
    where = where or spec.path
    raw = read_raw(Path(spec.path), spec.format, spec.csv)
    notes = list(raw.notes)
    places = place_columns(raw, spec, where)
    raw = _only(raw, spec, where, notes)
    cells, more = cells_of(raw, spec, places, where)
    notes += more
    rows, more = derived(described(cells, places), spec.derive, where)
    notes += more
    frame, more = with_values(cells, places, rows)
    notes += more
    notes += _units_stated(spec)
    _check_needed(frame, where)
    _check_names(frame, raw.place, where, ("family", "domain", "metric", "corpus", "run"))
    if spec.shape == "wide":
        frame, more = without_copies_of_blanks(frame)
        notes += more
    frame, more = at_steps(frame, spec, where)
    notes += [*named_by_tokens(spec), *more]
    frame, more = _with_numbers(frame, raw.place, where)
    notes += more
    check_repeated(frame, raw, spec, where)
    if "budget" not in frame:
        frame, more = with_budgets(frame, spec.budgets, where)
        notes += more
    frame, more = _with_reasons(frame)
    notes += more
    return LossesTableRead(
        frame=_finished(frame, spec, raw, where), decisions=(*notes, *places.notes)
    )


def _only(raw: RawTable, spec: LossesTable, where: str, notes: list[str]) -> RawTable:
    """Return the rows that the mapping keeps."""
    for column, values in spec.only.items():
        cells = raw.frame[column].map(_as_written)
        kept = cells.isin(values).to_numpy()
        present = sorted(set(cells))
        if lacking := [value for value in values if value not in present]:
            raise ValueError(
                f"{where}: only.{column}: no row has {shown(lacking)}; it has {shown(present)}"
            )
        if not kept.all():
            others = [value for value in present if value not in values]
            notes.append(
                f"{int((~kept).sum())} rows are left out whose {column} is {shown(others, 10)}"
            )
        raw = selected(raw, kept)
        if raw.frame.empty:
            raise ValueError(f"{where}: only: no row is left")
    if raw.frame.empty:
        raise ValueError(f"{where}: has no rows below the header")
    return raw


def _as_written(cell: object) -> str:
    """Return a cell as text; whole numbers have no decimal point, and truth values are words."""
    if isinstance(cell, (bool, np.bool_)):
        return str(bool(cell)).lower()
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell)


def _units_stated(spec: LossesTable) -> list[str]:
    stated: dict[str, str | float] = {str(name): unit for name, unit in spec.units.items()}
    stated |= {f"values of {name}": unit for name, unit in spec.metric_units.items()}
    parts = [
        f"{name} from {unit}" if isinstance(unit, str) else f"{name} times {unit:g}"
        for name, unit in stated.items()
        if unit != "ones"
    ]
    return [f"units are converted: {', '.join(parts)}"] if parts else []


def _check_needed(frame: pd.DataFrame, where: str) -> None:
    lacking = [f"{name} ({_HOW[name]})" for name in NEEDED if name not in frame]
    if not any(axis in frame for axis in AXES):
        lacking.append(
            "training_flops or forward_flops (compute; or state derive: {training_flops: 6 x "
            "num_params_total x tokens})"
        )
    if lacking:
        raise ValueError(
            f"{where}: there is no {'; no '.join(lacking)}. Name the column of the file under "
            "columns, give it under constants, or run `relscale table inspect`"
        )


def _check_names(frame: pd.DataFrame, place: Place, where: str, names: tuple[str, ...]) -> None:
    rows = frame[ROW].to_numpy()
    check_keys(frame, names, where, lambda position: place(int(rows[position])))


def _with_numbers(frame: pd.DataFrame, place: Place, where: str) -> tuple[pd.DataFrame, list[str]]:
    """Leave out runs without parameters, tokens or compute; check that the others' are positive."""
    notes = []
    axes = [axis for axis in AXES if axis in frame]
    rows = frame[ROW].to_numpy()
    for column in ("num_params_total", "tokens", *axes):
        numbers = frame[column].to_numpy(dtype=np.float64)
        wrong = ~np.isnan(numbers) & ~((numbers > 0) & np.isfinite(numbers))
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"{where}: {place(int(rows[first]))}: {column} is {numbers[first]:g}: a positive "
                "number is needed"
            )
    for column in ("num_params_total", "tokens", *axes):
        empty = frame[column].isna().to_numpy()
        if not empty.any() or (column in axes and len(axes) > 1 and not _neither(frame, axes)):
            continue
        runs = frame.loc[empty, ["corpus", "run"]].drop_duplicates()
        if empty.all():
            raise ValueError(f"{where}: {column} is empty in every row that is used")
        notes.append(
            f"{len(runs)} run(s) are left out whose {column} is empty: "
            f"{shown(runs['run'].tolist(), 10)}"
        )
        frame = frame[~empty].reset_index(drop=True)
    return frame, notes


def _neither(frame: pd.DataFrame, axes: list[str]) -> bool:
    return bool(frame[axes].isna().all(axis=1).any())


def _with_reasons(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Give rows without a value a reason."""
    empty = frame["value"].isna().to_numpy(copy=True)
    if "excluded_reason" in frame:
        empty &= frame["excluded_reason"].isna().to_numpy()
    if not empty.any():
        return frame, []
    reasons = (
        frame["excluded_reason"].astype(object)
        if "excluded_reason" in frame
        else pd.Series([None] * len(frame), dtype=object)
    )
    rows = frame.loc[empty]
    counts = rows.groupby("domain", sort=True)["run"].nunique()
    parts = [f"{domain} ({count} runs)" for domain, count in counts.items()]
    first = rows.iloc[0]
    note = (
        f"{int(empty.sum())} {EMPTY_NOTE}: {shown(parts, 10)}; "
        f"first run {first['run']!r} of corpus {first['corpus']!r}"
    )
    return frame.assign(excluded_reason=reasons.mask(empty, EMPTY)), [note]


def _finished(frame: pd.DataFrame, spec: LossesTable, raw: RawTable, where: str) -> pd.DataFrame:
    """Return the losses table in its order and with its types."""
    _check_names(frame, raw.place, where, ("budget",))
    metrics = set(frame["metric"])
    stated = [*spec.higher_is_better, *spec.lower_is_better]
    if lacking := sorted(set(stated) - metrics):
        raise ValueError(
            f"{where}: a direction is stated for metric {shown(lacking)}, which the table lacks; "
            f"it has {shown(sorted(metrics))}"
        )
    if stated:
        known = {name: name in spec.higher_is_better for name in stated}
        frame["higher_is_better"] = frame["metric"].map(known).astype("boolean")
    names = [name for name in (*LOSSES_COLUMNS, "higher_is_better") if name in frame]
    frame = frame[names]
    for name in WHOLE & set(names):
        numbers = frame[name].to_numpy(dtype=np.float64)
        whole = np.isfinite(numbers).all() and (numbers == np.round(numbers)).all()
        if whole and np.abs(numbers).max(initial=0) < MOST_EXACT:
            frame = frame.assign(**{name: numbers.astype(np.int64)})
    names_of_rows = [name for name in names if name in TEXT]
    frame = typed(frame.astype(dict.fromkeys(names_of_rows, "str")), where)
    return frame.sort_values(list(LOSSES_KEY), kind="stable").reset_index(drop=True)
