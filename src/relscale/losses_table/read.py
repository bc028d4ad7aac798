"""Read a losses table from outside."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from relscale.config.losses import LossesTable
from relscale.contract.io import read_table
from relscale.contract.losses import LOSSES_KEY, LOSSES_REQUIRED


@dataclass(frozen=True, kw_only=True)
class LossesTableRead:
    """A losses table, and the decisions by which it was made."""

    frame: pd.DataFrame
    """The losses table."""
    decisions: tuple[str, ...]
    """Every decision, and everything that was left out."""


def read_losses(table: LossesTable, where: str = "losses") -> LossesTableRead:
    """Read a losses table whose columns are ours."""
    frame = read_table(Path(table.path), LOSSES_REQUIRED, (*LOSSES_KEY, "budget"))
    return LossesTableRead(frame=frame, decisions=())
