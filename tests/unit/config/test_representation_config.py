"""Checks of the experiment on representation: strata, corpora, shares, and its registration."""

import copy
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.errors import ConfigError
from relscale.config.load import load_config, load_experiment, merged, read_yaml
from relscale.contract.io import read_table, write_table
from relscale.contract.tables.representation import REPRESENTATION
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


PLAYS = {"source": "shakespeare", "reader": {"kind": "text_files", "files": "*.txt"}}
CRAWL = {"kind": "local", "path": "crawl", "licence": "CC-BY-4.0", "citation": "Doe (2026)"}
SHARDS = {
    "components": {
        "speeches": {"source": "crawl", "files": "*.jsonl", "weight": 1, "shards": 2},
    }
}


@pytest.mark.parametrize(
    ("corpora", "change"),
    [
        ({}, {"mixtures": {"web": {"components": [PLAYS]}}}),
        (
            {"sharded": {"shards": SHARDS}},
            {"sharded": {"shards": {"components": {"speeches": {"files": "*.txt"}}}}},
        ),
    ],
)
def test_the_text_of_arms_and_of_sharded_corpora_is_registered(
    tmp_path: Path, corpora: dict[str, Any], change: dict[str, Any]
) -> None:
    name = "shards" if corpora else "web"
    arm: dict[str, Any] = {"suite": {"arms": {"more": {"corpus": name, "batch_factor": 2}}}}
    arm["sources"] = {"crawl": CRAWL}
    digests = []
    for number, more in enumerate(({}, {"corpora": change})):
        overlays = [tmp_path / f"{part}-{number}.yaml" for part in ("arm", "more")]
        for path, content in zip(overlays, ({**arm, "corpora": corpora}, more), strict=True):
            path.write_text(json.dumps(content))
        digests.append(settings_digest(load_experiment(*FILES, *overlays)))
    assert digests[0] != digests[1]


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


def result(tmp_path: Path, slope: tuple[float, float] = (-0.0325, -0.0175)) -> Path:
    """Write the results that the expectation is about, and others that it is not."""
    ends = {"corpus": "lean_speeches - lean_reviews", "kind": "difference"}
    rows = [
        {"quantity": "level", "ci_low": -0.257, "ci_high": -0.226, "margin": 0.024, **ends},
        {"quantity": "slope", "ci_low": slope[0], "ci_high": slope[1], "margin": 0.0071, **ends},
        {"quantity": "slope", "ci_low": 0.1, "ci_high": 0.2, **ends, "estimator": "vertex"},
        {"quantity": "slope", "ci_low": 0.1, "ci_high": 0.2, "corpus": "even", "kind": "corpus"},
        {"quantity": "slope", "scale": "reducible", "floors": "surface", **ends,
         "status": "floors_not_identified"},
    ]  # fmt: skip
    common = {"family": "strata", "metric": "bits_per_byte", "subject": "speeches / reviews"}
    common |= {"scale": "ratio", "floors": "none", "estimator": "joint", "num_runs": 70}
    table = pd.DataFrame(
        [{**common, "status": "ok", "agreement": "agrees", **row} for row in rows],
        columns=list(REPRESENTATION.names),
    )
    table["value"] = (table["ci_low"] + table["ci_high"]) / 2
    path = tmp_path / "representation.csv"
    write_table(table, path, REPRESENTATION)
    return path


def scored(*words: object) -> str:
    """Return the output of `plan score`, or its error."""
    done = CliRunner().invoke(app, ["plan", "score", *map(str, words)])
    return str(done.exception) if done.exit_code else done.output


def test_a_registered_expectation_is_scored_by_the_intervals_of_the_result(tmp_path: Path) -> None:
    configuration = [word for file in FILES for word in ("--config", file)]
    out = tmp_path / "scored.csv"
    said = scored(REGISTERED, result(tmp_path), *configuration, "--out", out)
    assert "level of the ratio: -0.2415 [-0.2570, -0.2260]" in said
    assert "expected negative: agrees" in said
    assert (
        "dbeta of the ratio: -0.0250 [-0.0325, -0.0175], margin 0.0071; expected positive" in said
    )
    assert "expected zero: undecided" in said and "no estimate (floors_not_identified)" in said
    assert "Settings: those that were registered." in said
    table = read_table(out, REPRESENTATION.names)
    assert table["agreement"].tolist() == ["agrees", "contradicts", "undecided"]
    assert table["written"].unique().tolist() == ["2026-11-29"]
    # The answer is that of the interval, not that of the table.
    assert "expected positive: agrees" in scored(REGISTERED, result(tmp_path, (0.01, 0.02)))


def test_the_file_of_a_configuration_is_found_and_another_experiment_is_named(
    tmp_path: Path,
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("laws: {margin_share: 0.2}\n")
    (tmp_path / "registered").mkdir()
    (tmp_path / "registered/representation.json").write_text(REGISTERED.read_text())
    words = [word for file in (*FILES, other) for word in ("--config", file)]
    name = ["--out", tmp_path / "x.csv"]
    table = result(tmp_path)
    register = tmp_path / "registered/representation.json"
    assert "NOT those that were registered" in scored(register, table, *words, *name)
    assert "not compared" in scored(register, table)
    missing = scored(*words)
    assert "results/representation/laws/representation.csv" in missing


def test_a_table_without_the_expected_rows_is_an_error(tmp_path: Path) -> None:
    path = result(tmp_path)
    table = read_table(path, REPRESENTATION.names)
    write_table(table[table["scale"] != "reducible"], path, REPRESENTATION)
    assert "has no row of slope of the ratio of reducible losses" in scored(REGISTERED, path)
    write_table(table[table["kind"] != "difference"], path, REPRESENTATION)
    assert "has no difference in differences of speeches and reviews" in scored(REGISTERED, path)
    assert "--mapping: is for a losses table" in scored(REGISTERED, path, "--mapping", path)
    assert "name the file of the predictions, or give --config" in scored()
