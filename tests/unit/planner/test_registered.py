"""Predictions that are registered before training, and their scores."""

import doctest
import json

import numpy as np
import pandas as pd
import pytest
from planner_tables import planted_surfaces, surface_loss
from typer.testing import CliRunner

from relscale.cli import app
from relscale.files import sha256_of
from relscale.planner import named_model, scored
from relscale.planner.named_model import NamedModel
from relscale.planner.registered import Register, on_frontier, register
from relscale.planner.scored import score

SETTINGS = {"family": "topics", "baseline": "a", "draws": 200}
MODELS = [
    NamedModel(name="7B", params=7e9, tokens=3e11),
    NamedModel(name="9B", params=9e9, tokens=1e11),
]


def trained(models, noise=0.0):
    """Return rows of trained models on the planted surfaces."""
    rows = planted_surfaces().drop_duplicates(["family", "domain"])
    found = []
    for model in models:
        for row in rows.to_dict("records"):
            loss = surface_loss(row["domain"], model.params, model.tokens) * np.exp(noise)
            found.append(
                {
                    **row,
                    "run": model.name,
                    "budget": f"{6 * model.params * model.tokens:.3g}",
                    "training_flops": 6 * model.params * model.tokens,
                    "num_params_total": model.params,
                    "tokens": model.tokens,
                    "value": loss,
                }
            )
    return pd.DataFrame(found)


@pytest.fixture(scope="module", name="file")
def file_fixture(tmp_path_factory):
    """The file of a table with noise of .5 %."""
    path = tmp_path_factory.mktemp("table") / "losses.csv"
    planted_surfaces(noise=0.005, seed=3).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module", name="written")
def written_fixture(file):
    """Registered predictions of two models."""
    return register(file, MODELS, **SETTINGS)


@pytest.mark.parametrize("module", [named_model, scored])
def test_examples_of_docstrings_run(module):
    failed, tried = doctest.testmod(module)
    assert tried and not failed


def test_a_register_names_table_code_runs_and_models(written, file):
    assert written.table_sha256 == sha256_of(file) and len(written.code) == 16
    assert len(written.runs) == 36 and not set(written.runs) & {"7B", "9B"}
    keys = [(one.model, one.domain, one.baseline) for one in written.predictions]
    assert keys == [
        (name, *rest) for name in ("7B", "9B") for rest in (("a", ""), ("b", ""), ("b", "a"))
    ]
    assert all(one.ci_low < one.value < one.ci_high for one in written.predictions)


def test_a_register_is_read_as_written_and_not_after_a_change(written, tmp_path):
    path = tmp_path / "register.json"
    written.write(path)
    assert Register.read(path) == written
    with pytest.raises(ValueError, match="is there already"):
        written.write(path)
    content = json.loads(path.read_text())
    content["predictions"][0]["ci_high"] *= 1.5
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="was changed after it was written"):
        Register.read(path)
    path.write_text('{"kind": "other"}')
    with pytest.raises(ValueError, match="not a register of predictions: kind"):
        Register.read(path)


def test_the_same_call_gives_the_same_register(written, file):
    assert register(file, MODELS, **SETTINGS) == written


def test_scores_are_those_of_a_hand_count(written, file):
    table = pd.concat([pd.read_csv(file), trained(MODELS, noise=0.002)], ignore_index=True)
    found = score(written, table)
    rows = found.table.set_index(["model", "domain", "baseline"])
    for one in written.predictions:
        row = rows.loc[one.model, one.domain, one.baseline]
        model = next(each for each in MODELS if each.name == one.model)
        value = np.log(surface_loss(one.domain, model.params, model.tokens)) + 0.002
        if one.baseline:
            value -= np.log(surface_loss("a", model.params, model.tokens)) + 0.002
        assert row["observed"] == pytest.approx(np.exp(value), rel=1e-9)
        assert row["error_percent"] == pytest.approx(100 * (np.log(one.value) - value), abs=1e-6)
        low, high = np.log(one.ci_low), np.log(one.ci_high)
        assert row["covered"] == str(low <= value <= high).lower()
        expected = high - low + 40 * max(low - value, 0) + 40 * max(value - high, 0)
        assert row["interval_score_percent"] == pytest.approx(100 * expected, rel=1e-6)
        last = 100 * (np.log(one.last_value) - value)
        assert row["last_value_error_percent"] == pytest.approx(last, abs=1e-6)
    assert "2 model(s), predicted from 36 runs" in found.summary()
    assert "last value" in found.summary() and "power law" in found.summary()


def test_the_law_beats_the_last_value_and_a_power_law_on_a_planted_surface(written, file):
    """A plain power law lacks the floor of the surface."""
    table = pd.concat([pd.read_csv(file), trained(MODELS)], ignore_index=True)
    rows = score(written, table).table
    losses = rows[rows["baseline"] == ""]
    error = losses["error_percent"].abs().mean()
    assert error < losses["last_value_error_percent"].abs().mean()
    assert error < losses["power_law_error_percent"].abs().mean()
    assert (rows["covered"] == "true").sum() >= len(rows) - 1


def test_the_last_value_is_that_of_the_largest_run(written, file):
    table = pd.read_csv(file)
    largest = table[table["training_flops"] == table["training_flops"].max()].set_index("domain")
    values = {(one.domain, one.baseline): one.last_value for one in written.predictions}
    assert values["a", ""] == pytest.approx(largest.loc["a", "value"], rel=1e-7)
    ratio = largest.loc["b", "value"] / largest.loc["a", "value"]
    assert values["b", "a"] == pytest.approx(ratio, rel=1e-7)


def test_the_frontier_has_the_runs_that_no_cheaper_one_beats():
    compute = np.array([1.0, 2.0, 3.0, 2.0, 4.0])
    assert on_frontier(compute, np.array([5.0, 4.0, 4.5, 6.0, np.nan])).tolist() == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_runs_that_are_left_out_are_predicted_and_not_fitted(file):
    table = pd.read_csv(file)
    largest = table.loc[table["training_flops"].idxmax(), "run"]
    found = register(file, leave_out=[largest], **SETTINGS)
    assert largest not in found.runs and len(found.runs) == 35
    (model,) = found.models
    assert model.params == pytest.approx(3e9) and model.tokens == pytest.approx(6e11)
    scores = score(found, file)
    assert len(scores.table) == 3
    assert any("1 run(s) left out" in note for note in scores.notes)


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        ([], {}, "state what is predicted"),
        ([NamedModel(name="1e+08-2e+09", params=1e8, tokens=2e9)], {}, "has this run"),
        ([MODELS[0], MODELS[0]], {}, "named twice"),
        ([NamedModel(name="x", params=1e12, tokens=1e13)], {}, "add --beyond to extrapolate"),
        ([], {"leave_out": ["nobody"]}, "--leave-out nobody: .* has no such run"),
    ],
)
def test_a_mistake_is_one_sentence(file, models, options, message):
    with pytest.raises(ValueError, match=message):
        register(file, models, **options, **SETTINGS)


@pytest.mark.parametrize("text", ["7B", "7B=1e9", "=1,2", "7B=1,x", "7B=-1,2"])
def test_a_model_is_a_name_with_two_numbers(text):
    with pytest.raises(ValueError, match="must be NAME=PARAMS,TOKENS"):
        NamedModel.read(text)


def test_a_table_without_the_models_or_with_other_ones_is_refused(written, file):
    with pytest.raises(ValueError, match="none of the registered models is a run of corpus 'web'"):
        score(written, file)
    other = [NamedModel(name="7B", params=8e9, tokens=3e11)]
    with pytest.raises(ValueError, match=r"run '7B' has 8e[+]09 parameters .* another model"):
        score(written, pd.concat([pd.read_csv(file), trained(other)], ignore_index=True))


def test_what_cannot_be_scored_is_named_with_its_reason(written, file):
    table = pd.concat([pd.read_csv(file), trained(MODELS)], ignore_index=True)
    first, second = (model.name for model in MODELS)
    table["excluded_reason"] = np.where(table["run"] == first, "diverged", "")
    lost = (table["run"] == second) & (table["domain"] == "a")
    notes = score(written, table[~lost]).notes
    assert f"run {first!r} cannot be scored: diverged" in notes
    # The loss of the baseline, and the ratio to it.
    assert "2 prediction(s) of trained models have no value in the table" in notes
    table["excluded_reason"] = np.where(table["run"].isin([first, second]), "diverged", "")
    with pytest.raises(ValueError, match=f"run {first!r} cannot be scored: diverged; run"):
        score(written, table)


def test_the_commands_write_and_score_a_register(file, tmp_path):
    path, later, out = tmp_path / "r.json", tmp_path / "later.csv", tmp_path / "scores.csv"
    words = ["plan", "predict", "--losses", file, "--family", "topics", "--baseline", "a"]
    words += ["--model", "7B=7e9,3e11", "--register", path]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.exception
    assert "3 of 3 losses and ratios predicted from 36 runs" in done.output
    again = CliRunner().invoke(app, [str(word) for word in words])
    assert "is there already" in str(again.exception)
    pd.concat([pd.read_csv(file), trained(MODELS[:1])]).to_csv(later, index=False)
    done = CliRunner().invoke(app, ["plan", "score", str(path), str(later), "--out", str(out)])
    assert done.exit_code == 0, done.exception
    assert len(pd.read_csv(out)) == 3
