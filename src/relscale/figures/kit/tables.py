"""The tables of the figures: their names, the columns that each must have, and reading them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from relscale.contract.corpus_statistics import CORPUS_STATISTICS
from relscale.contract.io import read_tables
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.scales import on_scale
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.backtest import BACKTEST
from relscale.contract.tables.buckets import BUCKETS
from relscale.contract.tables.classical import CLASSICAL_LAWS
from relscale.contract.tables.conditions import CONDITIONS
from relscale.contract.tables.control_slopes import CONTROL_SLOPES
from relscale.contract.tables.controls import CONTROLS
from relscale.contract.tables.counts import COUNTS
from relscale.contract.tables.curve_forecasts import CURVE_FORECASTS
from relscale.contract.tables.curves import CURVES
from relscale.contract.tables.decomposition import DECOMPOSITION
from relscale.contract.tables.exponents import EXPONENTS
from relscale.contract.tables.forecast import FORECAST
from relscale.contract.tables.loss_to_loss import LOSS_TO_LOSS
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.points import POINTS
from relscale.contract.tables.position_laws import POSITION_LAWS
from relscale.contract.tables.positions import POSITIONS
from relscale.contract.tables.predictions import PREDICTIONS
from relscale.contract.tables.prompts import PROMPTS
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.representation import REPRESENTATION
from relscale.contract.tables.statistics_exponents import STATISTICS_EXPONENTS
from relscale.contract.tables.suite_contrast_points import SUITE_CONTRAST_POINTS
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.contract.tables.tuned import TUNED
from relscale.contract.tables.tuned_sizes import TUNED_SIZES
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
    CURVES,
    FORECAST,
    LOSS_TO_LOSS,
    CLASSICAL_LAWS,
    EXPONENTS,
    COUNTS,
    REPRESENTATION,
    CONTROLS,
    CONTROL_SLOPES,
    STATISTICS_EXPONENTS,
    BUCKETS,
    POSITIONS,
    POSITION_LAWS,
    SUITE_CONTRASTS,
    SUITE_CONTRAST_POINTS,
    CONDITIONS,
    CURVE_FORECASTS,
    TUNED,
    TUNED_SIZES,
)
"""The law tables that figures read under their names in the contract."""
Tables = Mapping[str, pd.DataFrame]
"""The tables of a figure, by name."""

COLUMNS: dict[str, tuple[str, ...]] = {
    **{table.name: table.names for table in LAW_TABLES},
    CORPUS_STATISTICS.name: CORPUS_STATISTICS.names,
    "losses": LOSSES_REQUIRED,
    "covariates": ("domain", "value"),
    "published": ("domain", "corpus", "dbeta", "family"),
    "prompts": ("prompt", "r2"),
    "own_prompts": PROMPTS.names,
    "curve": ("run", "step", "tokens", "loss_nats_per_token"),
    "suite": ("run", "corpus", "budget"),
}
"""The tables that figures read, and the columns that each must have."""


LARGEST = 1e100
"""The largest number that is drawn, and the inverse of the smallest: axes and laws beyond overflow.
Smaller numbers are drawn as 0."""
CHECKED_BY_FIGURE = ("covariates",)
"""Tables written by users, whose numbers the figures check themselves."""


def complete(tables: Tables, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Return the named tables with numbers that can be drawn.

    A missing table is empty and has the columns of its kind.
    """
    return {
        name: _drawable(name, _shown(name, tables[name])) if name in tables else _empty(name)
        for name in names
    }


def _shown(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table that figures draw: the relative laws on the scale `ratio`."""
    return on_scale(frame) if name == RELATIVE.name else frame


def not_drawn(tables: Tables, names: Iterable[str]) -> str:
    """Return a sentence on the numbers that `complete` replaces by NaN; empty without any."""
    counts = {
        name: sum(int(_undrawable(name, column).sum()) for name, column in _floats(tables[name]))
        for name in names
        if name in tables and name not in CHECKED_BY_FIGURE
    }
    found = [f"{count} in the table {name}" for name, count in counts.items() if count]
    if not found:
        return ""
    return f"Numbers that are infinite, or errors below 0, are not drawn: {', '.join(found)}."


def _drawable(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose infinite or huge numbers and negative standard errors are NaN."""
    if name in CHECKED_BY_FIGURE:
        return frame
    changed = {}
    for column, values in _floats(frame):
        wrong = _undrawable(column, values)
        tiny = (values != 0) & (values.abs() < 1 / LARGEST)
        if (wrong | tiny).any():
            changed[column] = values.mask(wrong).mask(tiny, 0.0)
    return frame.assign(**changed) if changed else frame


def _floats(frame: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Return the columns of floating-point numbers; only these can be infinite."""
    return [
        (str(name), frame[name])
        for name in frame.columns
        if pd.api.types.is_float_dtype(frame[name])
    ]


def _undrawable(column: str, values: pd.Series) -> pd.Series:
    is_error = column.endswith("standard_error")
    return (values.abs() > LARGEST) | ((values < 0) & is_error)


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
