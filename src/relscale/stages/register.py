"""Stage `register`: predict the losses and gaps of the largest budgets from those below them."""

from pathlib import Path

import pandas as pd

from relscale.contract.io import read_tables
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.planner.given_table import GivenTable
from relscale.planner.named_model import RegisterSpec
from relscale.planner.registered import register_models
from relscale.runtime import run


def main(
    *,
    spec: RegisterSpec,
    losses: list[Path],
    items: list[Path],
    optimum_losses: list[Path],
    out: list[Path],
) -> None:
    """Read the evaluations below the largest budgets, and write one register per corpus.

    Each register is named after its corpus. If the family locates the optima itself,
    `optimum_losses` are its `losses`.
    """
    rows = read_tables(list(dict.fromkeys([*losses, *optimum_losses])), LOSSES_REQUIRED)
    per_item = read_tables(items)
    for path in out:
        corpus = path.stem
        table = GivenTable(
            frame=_of(rows, corpus),
            where=f"budgets below the largest of {corpus}",
            spec=spec.laws,
            items=_of(per_item, corpus),
        )
        models = spec.models[corpus]
        register_models(table, models, corpus=corpus, beyond=True).write(path)


def _of(rows: pd.DataFrame, corpus: str) -> pd.DataFrame:
    """Return the rows of one corpus."""
    return rows[rows["corpus"].astype(str) == corpus].reset_index(drop=True)


if __name__ == "__main__":
    run(main)
