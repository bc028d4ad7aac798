"""The tables of the figures: their names, the columns that each must have, and reading them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from relscale.contract.io import read_tables
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.backtest import BACKTEST
from relscale.contract.tables.decomposition import DECOMPOSITION
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.points import POINTS
from relscale.contract.tables.predictions import PREDICTIONS
from relscale.contract.tables.prompts import PROMPTS
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.two_stage import TWO_STAGE

LAW_TABLES = (
    POINTS,
    ABSOLUTE,
    RELATIVE,
    DECOMPOSITION,
    OPTIMA,
    TWO_STAGE,
    PREDICTIONS,
    BACKTEST,
)
"""The law tables that figures read under their names in the contract."""
Tables = Mapping[str, pd.DataFrame]
"""The tables of a figure, by name."""

COLUMNS: dict[str, tuple[str, ...]] = {
    **{table.name: table.names for table in LAW_TABLES},
    "losses": LOSSES_REQUIRED,
    "covariates": ("domain", "value"),
    "published": ("domain", "corpus", "dbeta", "family"),
    "prompts": ("prompt", "r2"),
    "own_prompts": PROMPTS.names,
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
