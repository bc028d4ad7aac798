"""The tables of the figures: their names, the columns that each must have, and reading them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from relscale.contract.io import read_tables
from relscale.contract.law_tables import (
    ABSOLUTE_COLUMNS,
    BACKTEST_COLUMNS,
    DECOMPOSITION_COLUMNS,
    OPTIMA_COLUMNS,
    POINTS_COLUMNS,
    PREDICTIONS_COLUMNS,
    RELATIVE_COLUMNS,
    TWO_STAGE_COLUMNS,
)
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.prompt_table import PROMPTS_COLUMNS

Tables = Mapping[str, pd.DataFrame]
"""The tables of a figure, by name."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "losses": LOSSES_REQUIRED,
    "points": POINTS_COLUMNS,
    "absolute": ABSOLUTE_COLUMNS,
    "relative": RELATIVE_COLUMNS,
    "decomposition": DECOMPOSITION_COLUMNS,
    "optima": OPTIMA_COLUMNS,
    "two_stage": TWO_STAGE_COLUMNS,
    "predictions": PREDICTIONS_COLUMNS,
    "backtest": BACKTEST_COLUMNS,
    "covariates": ("domain", "value"),
    "published": ("domain", "corpus", "dbeta", "family"),
    "prompts": ("prompt", "r2"),
    "own_prompts": PROMPTS_COLUMNS,
    "curve": ("run", "step", "tokens", "loss_nats_per_token"),
    "suite": ("run", "corpus", "budget"),
}
"""The tables that figures read, and the columns that each must have."""


def complete(tables: Tables, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Return the named tables; a missing one is empty and has the columns of its kind."""
    return {name: tables[name] if name in tables else _empty(name) for name in names}


def read_named(words: Sequence[str], names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Read tables given as NAME=PATH; several of one name become one table.

    Args:
        words: tables of the figure.
        names: names of the figure's tables; a table without a path is empty.

    Raises:
        ValueError: if a word is not NAME=PATH, a name is not one of the figure's tables, or a file
            lacks a column.
    """
    known = list(names)
    paths: dict[str, list[Path]] = {}
    for word in words:
        name, _, path = word.partition("=")
        if not path or name not in known:
            raise ValueError(
                f"--table {word}: must be NAME=PATH; NAME is one of {', '.join(sorted(known))}"
            )
        paths.setdefault(name, []).append(Path(path))
    found = {name: read_tables(files, COLUMNS[name]) for name, files in paths.items()}
    return complete(found, known)


def _empty(name: str) -> pd.DataFrame:
    return pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS[name]})
