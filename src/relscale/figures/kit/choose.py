"""Selecting rows of the tables for a panel; nothing is smoothed, filled in or dropped here."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from relscale.contract.status import Status
from relscale.contract.typed import stated_reasons


def pick(frame: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """Return the rows whose columns equal the given values; None accepts any value."""
    kept = np.ones(len(frame), dtype=bool)
    for column, value in equal.items():
        if value is not None:
            kept &= (frame[column] == value).to_numpy(dtype=bool)
    return frame[kept]


def ordered(wanted: Sequence[str], *found: Iterable[Any]) -> list[str]:
    """Return the wanted names in their order, then other names that were found, sorted.

    So the order of the rows decides nothing.
    """
    names = {str(name) for names in found for name in names if not pd.isna(name)}
    return [*dict.fromkeys(wanted), *sorted(names - set(wanted))]


def one_estimator(frame: pd.DataFrame, estimator: str) -> pd.DataFrame:
    """Return the rows of one estimator: the given one, else `vertex`, else the first by name.

    The estimator `joint` uses all runs and the optimum of `vertex`, so that its points may have
    either name.
    """
    if not len(frame):
        return frame
    present = sorted(set(frame["estimator"].astype(str)))
    for name in (estimator, "vertex", present[0]):
        if name in present:
            return frame[frame["estimator"] == name]
    return frame


def numbers(frame: pd.DataFrame, *columns: str) -> list[float]:
    """Return all numbers of some columns, column by column; empty cells are left out."""
    return [float(value) for name in columns for value in pd.to_numeric(frame[name]).dropna()]


def text_of(value: Any) -> str:
    """Return a cell as text; an empty cell is an empty text."""
    return "" if value is None or pd.isna(value) else str(value)


def reservation(status: Any) -> str:
    """Return a status other than ok in words; empty if the status is ok or missing."""
    word = text_of(status)
    return "" if word in ("", Status.OK) else word.replace("_", " ")


def included(losses: pd.DataFrame) -> np.ndarray:
    """Return a mask of the rows without an `excluded_reason`."""
    if "excluded_reason" not in losses.columns:
        return np.ones(len(losses), dtype=bool)
    return np.asarray(stated_reasons(losses["excluded_reason"]) == "", dtype=bool)


def compute_of(losses: pd.DataFrame, compute: str) -> pd.Series:
    """Return the compute of each row in FLOPs.

    If the column is missing, it follows from the other one (training = 3 x forward); if both are
    missing, it is NaN.
    """
    if compute in losses.columns:
        return pd.to_numeric(losses[compute])
    other, factor = (
        ("forward_flops", 3.0) if compute == "training_flops" else ("training_flops", 1 / 3)
    )
    if other not in losses.columns:
        return pd.Series(np.nan, index=losses.index)
    return pd.to_numeric(losses[other]) * factor
