"""Runs that could be trained: the pool of `relscale plan add`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from relscale.contract.io import read_table

NEEDED = ("name", "params", "tokens")
"""Columns of a pool."""


@dataclass(frozen=True, kw_only=True)
class CandidateRun:
    """A run that could be trained."""

    name: str
    """Name, unique in the pool."""
    params: float
    """N, as the laws count parameters."""
    tokens: float
    """D."""
    training_flops: float | None = None
    """FLOPs; None counts them as the table's runs are counted."""


def read_candidates(path: Path) -> tuple[CandidateRun, ...]:
    """Read a pool of candidates: columns name, params, tokens and maybe training_flops.

    Raises:
        ValueError: for a missing column, a repeated name, or a number that is not positive.
    """
    frame = read_table(path, NEEDED)
    if frame.empty:
        raise ValueError(f"{path}: no candidates")
    found: list[CandidateRun] = []
    for place, row in enumerate(frame.to_dict("records")):
        name = str(row["name"])
        flops = row.get("training_flops")
        numbers = {"params": row["params"], "tokens": row["tokens"]}
        if flops is not None and not pd.isna(flops):
            numbers["training_flops"] = flops
        for column, value in numbers.items():
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = float("nan")
            if not (np.isfinite(number) and number > 0):
                raise ValueError(
                    f"{path}: {column} is {value!r} for {name!r}, row {place + 1}: a positive "
                    "number is needed"
                )
            numbers[column] = number
        if name in [one.name for one in found]:
            raise ValueError(f"{path}: candidate {name!r} is listed twice: names must be unique")
        found.append(CandidateRun(name=name, **numbers))
    return tuple(found)
