"""Checks of the experiment on representation: strata, corpora, shares, and its registration."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.errors import ConfigError
from relscale.config.load import load_config, load_experiment, merged, read_yaml
from relscale.planner.registered_expectation import (
    RegisteredExpectation,
    register_expectation,
    settings_digest,
)

ROOT = Path(__file__).parents[3]
FILES = (ROOT / "config.yaml", ROOT / "experiments/representation.yaml")
REGISTERED = ROOT / "experiments/registered/representation.json"


def changed(*path: str | int, value: Any) -> dict[str, Any]:
    """Return the configuration with another value at one place."""
    raw = copy.deepcopy(merged([read_yaml(file) for file in FILES]))
    inner = raw
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return raw


QUESTION = ("laws", "representation")
LEANING = ("corpora", "mixtures", "lean_reviews", "components")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("families", "strata", "corpus"), "odd", r"families\.strata\.corpus"),
        (("families", "strata", "domains", "plays"), 9, r"components 0 to 4"),
        ((*LEANING, 2, "near_duplicates"), False, "give it the same `reader` and"),
        ((*LEANING, 0, "reader"), {"kind": "text_files", "files": "*.txt"}, "the same `reader`"),
        ((*QUESTION, "family"), "topics", r"laws\.representation\.family"),
        ((*QUESTION, "treatments"), ["speeches", "songs"], r"give those of speeches and songs"),
        ((*QUESTION, "corpora", "even", "reviews"), 0.3, "has share 0.2"),
    ],
)
def test_a_mistake_is_named(path: tuple[str | int, ...], value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(changed(*path, value=value))


def test_a_figure_of_the_question_needs_the_question() -> None:
    raw = changed(*QUESTION, value=None)
    with pytest.raises(ConfigError, match=r"laws\.representation, which is not set"):
        load_config(raw)


def test_a_corpus_that_is_not_trained_on_is_named() -> None:
    shares = {"speeches": 0.1, "reviews": 0.2}
    with pytest.raises(ConfigError, match=r"laws\.representation\.corpora\.web"):
        load_config(changed(*QUESTION, "corpora", "web", value=shares))


def test_the_registered_expectation_is_that_of_the_experiment() -> None:
    found = RegisteredExpectation.read(REGISTERED)
    assert found.is_of(load_experiment(*FILES))
    assert register_expectation(*FILES).settings_sha256 == found.settings_sha256


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*QUESTION, "expectation", "slope_ratio"), "negative"),
        (("suite", "seeds"), [0, 1, 2]),
        (("corpora", "mixtures", "even", "total_mb"), 18.0),
        (("laws", "margin_share"), 0.2),
    ],
)
def test_another_experiment_is_not_the_registered_one(
    path: tuple[str | int, ...], value: Any
) -> None:
    assert not RegisteredExpectation.read(REGISTERED).is_of(
        load_config(changed(*path, value=value))
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("figures", "names"), ["isoflop_curves"]),
        (("costs", "utilisation"), 0.5),
        (("training", "checkpoint_every_minutes"), 3.0),
    ],
)
def test_figures_and_costs_are_not_registered(path: tuple[str | int, ...], value: Any) -> None:
    before = settings_digest(load_experiment(*FILES))
    assert settings_digest(load_config(changed(*path, value=value))) == before


def test_a_register_is_not_replaced_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "register.json"
    command = ["plan", "predict", "--register", str(path)]
    for file in FILES:
        command += ["--config", str(file)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0 and "level negative" in done.output
    assert RegisteredExpectation.read(path) == RegisteredExpectation.read(REGISTERED)
    again = CliRunner().invoke(app, command)
    assert again.exit_code != 0 and "is there already" in str(again.exception or again.output)
    content = json.loads(path.read_text())
    content["representation"]["expectation"]["level"] = "positive"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="was changed after it was written"):
        RegisteredExpectation.read(path)


def test_a_configuration_without_an_expectation_has_nothing_to_register() -> None:
    with pytest.raises(ValueError, match=r"no laws\.representation\.expectation to register"):
        register_expectation(ROOT / "config.yaml")


def test_an_expectation_is_not_registered_together_with_predictions(tmp_path: Path) -> None:
    command = ["plan", "predict", "--register", str(tmp_path / "x.json"), "--model", "7B=7e9,1e12"]
    done = CliRunner().invoke(app, [*command, "--config", str(FILES[0])])
    assert done.exit_code != 0 and "leave out --losses" in str(done.exception or done.output)
