"""The command line that every figure shares: tables and a spec in; SVG, PDF and PNG out."""

import argparse
import gc
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

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
from relscale.figures.kit.style import save, styled
from relscale.runtime import run

Tables = dict[str, pd.DataFrame]
Draw = Callable[[Tables, dict[str, Any]], Figure]

REQUIRED: dict[str, tuple[str, ...]] = {
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
"""The tables that figures know, and the columns that each must have."""


def settings(spec: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Fill a figure's spec up with its defaults.

    Raises:
        ValueError: where the spec has a key that the figure does not know, or a value of another
            kind than the default's.
    """
    unknown = sorted(set(spec) - set(defaults))
    if unknown:
        raise ValueError(
            f"--spec: unknown key(s) {', '.join(unknown)}; this figure knows {', '.join(sorted(defaults))}"
        )
    for key, value in spec.items():
        wanted = type(defaults[key])
        if not isinstance(value, (int, float) if wanted is float else wanted):
            raise ValueError(
                f"--spec: {key} is {value!r}; it must be of the kind of {defaults[key]!r}"
            )
    return {**defaults, **spec}


def table(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """Return a table by its name; one that was not given is empty, with the columns it would
    have."""
    if name in tables:
        return tables[name]
    return pd.DataFrame({column: pd.Series(dtype=object) for column in REQUIRED[name]})


def render(draw: Draw, tables: Tables, spec: dict[str, Any], paths: Sequence[Path]) -> None:
    """Draw a figure in the shared style and write it to each path (by the ending)."""
    with styled():
        figure = draw(tables, spec)
        for path in paths:
            save(figure, path)


def main(draw: Draw) -> None:
    """Draw a figure as the process's command line says; a user's error ends it with one line and
    exit code 1."""
    gc.disable()  # the process draws one figure and ends; collecting cycles of a figure under way takes a sixth of its time
    run(lambda: draw_files(draw, None))


def draw_files(draw: Draw, arguments: Sequence[str] | None) -> None:
    """Parse a command line (None: the process's own), draw, write three files.

    Raises:
        ValueError: for a table without a name or of a name that no figure knows, a missing column,
            an unknown key of the spec.
    """
    parser = argparse.ArgumentParser(description="Draw one figure from tables.")
    parser.add_argument("--spec", default="{}", help="the figure's settings, as JSON")
    parser.add_argument(
        "--table",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME=PATH",
        help="tables of the same name are put together",
    )
    for kind in ("svg", "pdf", "png"):
        parser.add_argument(f"--{kind}", type=Path, required=True)
    parsed = parser.parse_args(arguments)
    paths: dict[str, list[Path]] = {}
    for item in parsed.table:
        name, _, path = item.partition("=")
        if not path or name not in REQUIRED:
            raise ValueError(
                f"--table {item}: must be NAME=PATH with NAME one of {', '.join(sorted(REQUIRED))}"
            )
        paths.setdefault(name, []).append(Path(path))
    tables = {name: read_tables(files, REQUIRED[name]) for name, files in paths.items()}
    render(draw, tables, json.loads(parsed.spec), [parsed.svg, parsed.pdf, parsed.png])
