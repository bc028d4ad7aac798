"""The figures of training conditions and of forecasts of training curves show their tables."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from relscale import figures
from relscale.config.arm_facts import ArmFacts
from relscale.contract.tables.conditions import CONDITIONS
from relscale.contract.tables.curve_forecasts import CURVE_FORECASTS
from relscale.figures.kit.style import styled
from relscale.figures.kit.tables import complete

ARMS = {
    "short": ArmFacts(corpus="web", changed=("unique_tokens",), unique_tokens=1000),
    "noise": ArmFacts(corpus="web", changed=("permuted_share",), permuted_share=0.5),
    "shapes": ArmFacts(corpus="web"),
    "batch_low": ArmFacts(
        corpus="web", changed=("batch_size", "learning_rate_factor"), learning_rate_factor=0.5
    ),
    "batch": ArmFacts(corpus="web", changed=("batch_size",)),
}


def row(corpus, budget, shape, batch, value, params):
    width, layers = (int(part) for part in shape.split("x"))
    tokens = int(float(budget) / params / 6)
    return {
        "corpus": corpus,
        "run": f"{corpus}-{budget}-{shape}-{batch}",
        "budget": budget,
        "family": "validation",
        "domain": "own",
        "metric": "bits_per_byte",
        "value": value,
        "num_params_total": params,
        "tokens": tokens,
        "width": width,
        "layers": layers,
        "batch_size": batch,
        "steps": tokens / batch / 128,
    }


ROWS = [
    row("web", "1e10", "16x1", 2, 3.0, 10_000),
    row("web", "3e10", "16x1", 2, 2.5, 10_000),
    row("short", "1e10", "16x1", 2, 3.2, 10_000),
    row("short", "3e10", "16x1", 2, 3.1, 10_000),
    row("noise", "3e10", "16x1", 2, 2.8, 10_000),
    row("shapes", "3e10", "32x2", 2, 2.60, 20_000),
    row("shapes", "3e10", "20x5", 2, 2.65, 20_300),
    row("batch", "3e10", "16x1", 4, 2.55, 10_000),
    row("batch_low", "3e10", "16x1", 4, 2.58, 10_000),
    row("batch", "3e10", "16x1", 8, 2.7, 10_000),
]


@pytest.fixture
def tables():
    frame = pd.DataFrame(ROWS)
    law = dict.fromkeys(CONDITIONS.columns, "") | {
        "law": "data_constrained",
        "parameter": "R_tokens",
        "value": 12.34,
        "ci_low": 9.0,
        "ci_high": 20.0,
        "status": "ok",
    }
    unknown = law | {"law": "quality", "parameter": "gamma", "status": "not_identified"}
    unknown |= dict.fromkeys(("value", "ci_low", "ci_high"), np.nan)
    shape = ["width", "layers", "batch_size", "steps"]
    return {
        "losses": frame.drop(columns=shape),
        "suite": frame[["run", "corpus", "budget", *shape]],
        "conditions": pd.DataFrame([law, unknown], columns=list(CONDITIONS.names)),
    }


def drawn(name, tables, **settings) -> Figure:
    figure = figures.find(name)
    with styled():
        made = import_module(figure.drawing).draw(
            complete(tables, figure.tables), figure.settings(**settings)
        )
        made.draw_without_rendering()
    return made


def ys(axes, gid):
    return [list(line.get_ydata()) for line in axes.lines if line.get_gid() == gid]


def test_every_panel_shows_the_points_of_its_arms(tables):
    made = drawn("training_conditions", tables, corpus="web", arms=ARMS)
    first, second, third, fourth = made.axes
    assert ys(first, "repeated") == [[3.2, 3.1], [3.0, 2.5]]
    assert ys(second, "permuted") == [[2.5, 2.8]]  # share 0 is the corpus itself
    assert ys(third, "shape") == [[2.65, 2.60]]  # by rising width over layers
    assert ys(fourth, "batch") == [[2.55, 2.7]]
    assert ys(fourth, "rate") == [[2.58]]
    words = " ".join(text.get_text() for axes in made.axes for text in axes.texts)
    assert "R_tokens 12.3 [9, 20]" in words
    assert "Permuted tokens: not identified" in words
    assert "not every batch has several learning rates" in words


def test_without_arms_of_a_kind_a_panel_says_so(tables):
    arms = {"shapes": ARMS["shapes"]}
    made = drawn("training_conditions", tables, corpus="web", arms=arms)
    words = " ".join(text.get_text() for axes in made.axes for text in axes.texts)
    for missing in ("no arms that repeat", "no arms that permute", "no arms that change the"):
        assert missing in words


def forecasts():
    plain = dict.fromkeys(CURVE_FORECASTS.columns, "") | {"corpus": "web", "budget": "1e10"}
    rows = [
        plain
        | {
            "run": name,
            "observed": 3.0,
            "forecast": 3.0 * (1 + error / 100),
            "ci_low": 2.9,
            "ci_high": high,
            "last_value": 3.15,
            "error_percent": error,
            "last_value_error_percent": 5.0,
            "status": status,
        }
        for name, error, high, status in (
            ("one", 1.0, 3.1, "ok"),
            ("two", -2.0, 2.95, "not_identified"),
        )
    ]
    return pd.DataFrame(rows, columns=list(CURVE_FORECASTS.names))


def test_forecasts_are_drawn_with_the_last_value_and_how_often_they_hold():
    made = drawn("curve_forecasts", {"curve_forecasts": forecasts()})
    (axes,) = made.axes
    assert ys(axes, "forecast") == [[1.0], [-2.0]]
    assert ys(axes, "last") == [[5.0, 5.0]]
    words = " ".join(text.get_text() for text in axes.texts)
    assert "law 1.5 %, last value 5.0 %; 1 of 2 intervals contain the end" in words
