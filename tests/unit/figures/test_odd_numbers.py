"""Every figure takes infinite, huge, zero and negative numbers, without a warning, and counts those
that it does not draw."""

import math
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from relscale import figures
from relscale.config.figure_name import figure_names
from relscale.contract.io import read_table
from relscale.contract.tables.predictions import PREDICTIONS
from relscale.contract.tables.prompts import PROMPTS
from relscale.figures.draw import figure2_pipeline, figure6_size_or_data
from relscale.figures.kit import runner
from relscale.figures.kit.style import styled
from relscale.figures.kit.tables import complete, not_drawn

Tables = dict[str, pd.DataFrame]
ODD = (math.inf, -math.inf, math.nan, 0.0, -1.0, 1e300, 1e-300)
FAMILIES = {
    "validation": ("", "bits_per_byte", ("own",)),
    "knowledge": ("STEM", "bits_per_byte", ("STEM", "humanities")),
    "topics": ("People", "bits_per_byte", ("People", "History")),
    "language": ("US", "bits_per_byte", ("US", "GB", "IE")),
    "behaviour": ("factual", "choice_probability_per_byte", ("factual", "bias")),
    "centuries": ("2000", "bits_per_byte", ("2000", "1395")),
}
SHOWN = {
    "centuries": ("centuries",),
    "training_conditions": ("validation",),
    "figure2_pipeline": ("validation", "continuation"),
    "figure3_prompts": ("knowledge", "continuation"),
    "figure5_language": ("language",),
    "figure6_size_or_data": ("language",),
    "figure7_behaviour": ("behaviour",),
    "isoflop_curves": ("validation",),
    "isoflop_metrics": ("validation", "behaviour"),
    "representation": ("strata",),
    "topics": ("topics",),
}
"""Families of each figure; the others get `knowledge`."""


@pytest.fixture(scope="module")
def whole(maker: Callable[..., Tables], reference: Path) -> Tables:
    """Tables of all kinds of one corpus."""
    prompts = [
        {
            "corpus": "web",
            "family": f"mmlu_{prompt}",
            "prompt": prompt,
            "domain": "all",
            "r2": 0.3,
            "ci_low": 0.1,
            "ci_high": 0.5,
            "accuracy": 0.3,
            "accuracy_minus_traditional": 1.0,
            "accuracy_minus_traditional_low": 0.5,
            "accuracy_minus_traditional_high": 1.5,
        }
        for prompt in ("traditional", "continuation")
    ]
    outside = {
        "corpus": "web",
        "family": "continuation",
        "domain": "same_topic",
        "kind": "outside_from_loss",
        "model": "elsewhere",
        "observed": 0.4,
        "observed_loss": 1.2,
        "predicted": 0.41,
    }
    return maker(families=FAMILIES, corpora=("web",), budgets=("5e10", "1e11", "2e11")) | {
        "own_prompts": pd.DataFrame(prompts, columns=list(PROMPTS.names)),
        "predictions": pd.DataFrame([outside], columns=list(PREDICTIONS.names)),
        "published": read_table(reference / "paper_slopes.csv"),
        "prompts": read_table(reference / "paper_prompts.csv"),
    }


def tables_of(name: str, whole: Tables) -> Tables:
    """Return a figure's tables, with the rows of few families."""
    families = SHOWN.get(name, ("knowledge",))
    found = {}
    for table in figures.find(name).tables:
        rows = whole[table]
        if "family" in rows and table not in ("published", "own_prompts"):
            rows = rows[rows["family"].isin(families)]
        found[table] = rows.reset_index(drop=True)
    return found


def odd_cells(frame: pd.DataFrame, shift: int) -> pd.DataFrame:
    """Put one odd number into each column of floating-point numbers, each in another row."""
    columns = [name for name in frame if pd.api.types.is_float_dtype(frame[name])]
    changed = frame.copy()
    for place, column in enumerate(columns):
        row = (place + shift) % len(frame)
        changed.loc[row, column] = ODD[(place + shift) % len(ODD)]
    return changed


def drawn(name: str, tables: Tables) -> Figure:
    """Draw a figure with warnings as errors, and let matplotlib compute every mark."""
    figure = figures.find(name)
    with styled(), warnings.catch_warnings():
        warnings.simplefilter("error")
        made = import_module(figure.drawing).draw(
            complete(tables, figure.tables), figure.settings()
        )
        made.draw_without_rendering()
    return made


@pytest.mark.parametrize("name", figure_names())
def test_a_figure_takes_odd_numbers_in_any_column(name: str, whole: Tables) -> None:
    tables = tables_of(name, whole)
    del_covariates = {key: rows for key, rows in tables.items() if key != "covariates"}
    for shift in (0, 2, 5):
        odd = {key: odd_cells(rows, shift) for key, rows in del_covariates.items()}
        assert drawn(name, {**tables, **odd}).axes


@pytest.mark.parametrize("name", figure_names())
def test_a_figure_takes_tables_without_one_finite_number(name: str, whole: Tables) -> None:
    tables = tables_of(name, whole)
    for value in (math.inf, 0.0):
        everything = {
            key: rows.assign(**{c: value for c in rows if pd.api.types.is_float_dtype(rows[c])})
            for key, rows in tables.items()
            if key != "covariates"
        }
        assert drawn(name, {**tables, **everything}).axes


def test_numbers_that_are_not_drawn_are_counted_at_the_foot(whole: Tables, tmp_path: Path) -> None:
    tables = tables_of("figure6_size_or_data", whole)
    rows = tables["decomposition"].copy()
    rows.loc[0, ["slope_params_ci_low", "slope_params_ci_high"]] = [-math.inf, math.inf]
    rows.loc[0, "slope_tokens_standard_error"] = -0.01
    figure = figures.find("figure6_size_or_data")
    path = tmp_path / "figure.svg"
    draw = figure6_size_or_data.draw
    runner.render(figure, draw, {"decomposition": rows}, figure.settings(), [path])
    words = " ".join("".join(ElementTree.parse(path).getroot().itertext()).split())
    assert "3 in the table decomposition" in words
    assert not not_drawn(tables, figure.tables)


def test_a_sigmoid_far_from_its_midpoint_is_its_floor_or_ceiling(whole: Tables) -> None:
    law = whole["two_stage"].iloc[0].copy()
    law["steepness"] = 1e6
    found = figure2_pipeline.sigmoid(law, law["midpoint"] + pd.Series([-1.0, 1.0]).to_numpy())
    assert found == pytest.approx([law["ceiling"], law["floor"]])
