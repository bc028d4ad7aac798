"""Choosing rows of the tables for a panel; nothing is smoothed, filled in or dropped here."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd


def pick(frame: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """Return the rows whose columns equal the values given (a value None asks nothing)."""
    kept = np.ones(len(frame), dtype=bool)
    for column, value in equal.items():
        if value is not None:
            kept &= (frame[column] == value).to_numpy(dtype=bool)
    return frame[kept]


def ordered(wanted: Sequence[str], *found: Iterable[object]) -> list[str]:
    """Return the names in the order wanted, then those only found, sorted (so that the order of
    rows decides nothing)."""
    names = {str(name) for names in found for name in names if not pd.isna(name)}
    return [*dict.fromkeys(wanted), *sorted(names - set(wanted))]


def one_estimator(frame: pd.DataFrame, estimator: str) -> pd.DataFrame:
    """Return one estimator's rows: the one asked for, else `vertex`, else the first by name.

    The estimator `joint` uses all runs and the vertex's optimum, so its points may be listed under
    either name.
    """
    if not len(frame):
        return frame
    present = sorted(set(frame["estimator"].astype(str)))
    for name in (estimator, "vertex", present[0]):
        if name in present:
            return frame[frame["estimator"] == name]
    return frame


def text_of(value: object) -> str:
    """Return a cell as text, empty where the cell is."""
    return "" if value is None or pd.isna(value) else str(value)


def sound(status: object) -> bool:
    """Say whether a row's status raises no objection (its notes, after a semicolon, are no
    objection)."""
    return status_word(status) in ("", "ok")


def status_word(status: object) -> str:
    """Return the word of a status in front of its notes (`word; note; note`)."""
    return text_of(status).split(";", 1)[0].strip()


def included(losses: pd.DataFrame) -> np.ndarray:
    """Return a mask of the rows that no `excluded_reason` rules out."""
    if "excluded_reason" not in losses.columns:
        return np.ones(len(losses), dtype=bool)
    reason = losses["excluded_reason"]
    return (reason.isna() | (reason.astype(str) == "")).to_numpy(dtype=bool)


def compute_of(losses: pd.DataFrame, compute: str) -> pd.Series:
    """Return the compute of each row; from the other column (training = 3 x forward) where the one
    asked for is not there."""
    if compute in losses.columns:
        return pd.to_numeric(losses[compute])
    other, factor = (
        ("forward_flops", 3.0) if compute == "training_flops" else ("training_flops", 1 / 3)
    )
    if other not in losses.columns:
        return pd.Series(np.nan, index=losses.index)
    return pd.to_numeric(losses[other]) * factor
