"""The model to train for a budget, on planted surfaces."""

import json
from pathlib import Path

import numpy as np
import pytest
from planner_tables import SURFACES, planted_surfaces, surface_loss
from scipy import optimize
from typer.testing import CliRunner

import relscale
from relscale.cli import app
from relscale.planner.allocation import Allocation
from relscale.planner.given_table import GivenTable
from relscale.planner.next_answer import NextRequest
from relscale.planner.next_model import identified_surfaces, interval, next_model
from relscale.planner.training_cost import SixND

ROOT = Path(__file__).parents[3]
E, A, ALPHA, B, BETA = SURFACES["validation"]
FLOPS = 2e22
SETTINGS = {"family": "topics", "baseline": "a"}


def closed_form(flops):
    """Return N* and D* (Hoffmann et al., 2022, equation 4)."""
    scale = (ALPHA * A / (BETA * B)) ** (1 / (ALPHA + BETA))
    params = scale * (flops / 6) ** (BETA / (ALPHA + BETA))
    return params, flops / 6 / params


@pytest.fixture(scope="module", name="table")
def table_fixture():
    """Noise-free table."""
    return planted_surfaces()


@pytest.fixture(scope="module", name="found")
def found_fixture(table):
    """The next model of the noise-free table."""
    return next_model(table, NextRequest(flops=FLOPS, price=2.0), **SETTINGS)


def test_the_best_model_is_that_of_the_closed_form(found):
    params, tokens = closed_form(FLOPS)
    assert found.best.params == pytest.approx(params, rel=1e-3)
    assert found.best.tokens == pytest.approx(tokens, rel=1e-3)
    assert found.best.training_flops == pytest.approx(FLOPS, rel=1e-9)
    assert found.loss == pytest.approx(surface_loss("validation", params, tokens), rel=1e-6)
    assert found.counted == "6 N D, as in the table" and not found.limited_by_tokens


def test_all_of_the_flat_range_is_within_a_thousandth_of_the_least_loss(found):
    low, high = found.flat
    assert low < found.best.params < high
    for params in (low, high):
        loss = surface_loss("validation", params, FLOPS / 6 / params)
        assert loss / found.loss == pytest.approx(1.001, abs=2e-5)


def test_alternatives_have_the_loss_of_the_best_model(found):
    table = found.alternatives
    assert table["flops_ratio"].min() == pytest.approx(1, abs=1e-4)
    reached = table[table["status"] == "ok"]
    assert len(reached) >= 4
    losses = surface_loss("validation", reached["params"], reached["tokens"])
    np.testing.assert_allclose(losses, found.loss, rtol=1e-5)


def test_hours_and_money_are_those_of_the_training(found):
    hours = FLOPS / (989e12 * 0.4) / 3600
    assert found.device_hours == pytest.approx(hours, rel=1e-6)
    assert found.money == pytest.approx(2 * hours, rel=1e-6)


def test_losses_and_gaps_are_predicted_on_three_scales(found):
    params, tokens = found.best.params, found.best.tokens
    b, a = (surface_loss(name, params, tokens) for name in ("b", "a"))
    rows = found.predicted.set_index(["domain", "scale"])["value"]
    assert rows["b", "value"] == pytest.approx(b, rel=2e-3)
    assert rows["b", "ratio"] == pytest.approx(b / a, rel=2e-3)
    assert rows["b", "difference"] == pytest.approx(b - a, abs=5e-3)
    assert rows["b", "reducible"] == pytest.approx((b - 1.20) / (a - 1.69), rel=2e-3)


def test_inference_makes_the_model_smaller_and_the_sum_of_flops_least(table, found):
    """The planned model is that of a bounded search on the planted surface."""
    tokens = 3e11
    served = next_model(table, NextRequest(flops=FLOPS, inference_tokens=tokens), **SETTINGS).served

    def total(log_params):
        params = np.exp(log_params)
        left = found.loss - E - A / params**ALPHA
        if left <= 0:
            return np.inf
        return 6 * params * (B / left) ** (1 / BETA) + 2 * params * tokens

    best = optimize.minimize_scalar(
        total, bounds=(np.log(found.best.params / 4), np.log(found.best.params)), method="bounded"
    )
    assert served.params == pytest.approx(np.exp(best.x), rel=5e-3)
    assert served.total_flops == pytest.approx(best.fun, rel=1e-5)
    assert served.params < found.best.params and served.tokens > found.best.tokens
    assert served.inference_flops == pytest.approx(2 * served.params * tokens, rel=1e-6)
    few = next_model(table, NextRequest(flops=FLOPS, inference_tokens=1.0), **SETTINGS).served
    assert few.params == pytest.approx(found.best.params, rel=5e-3)


def test_a_limit_on_tokens_gives_the_rest_to_parameters(table, found):
    limit = found.best.tokens / 2
    fewer = next_model(table, NextRequest(flops=FLOPS, max_tokens=limit), **SETTINGS)
    assert fewer.limited_by_tokens and "--max-tokens" in fewer.summary()
    assert fewer.best.tokens == pytest.approx(limit, rel=0.01)
    assert fewer.best.params * fewer.best.tokens == pytest.approx(FLOPS / 6, rel=1e-6)
    assert fewer.loss > found.loss


def test_intervals_of_the_best_size_hold_the_planted_one():
    """1 % noise, 20 tables: 95 % intervals hold N* in at least 16.

    With a coverage of .95 fewer than 16 of 20 have a probability of .3 %.
    """
    params, _ = closed_form(FLOPS)
    covered = 0
    for seed in range(20):
        table = GivenTable.read(planted_surfaces(noise=0.01, seed=seed), draws=200, **SETTINGS)
        fits = table.corpus(None)
        try:
            surfaces = identified_surfaces(fits, "planted")
        except ValueError:
            covered += 1  # no interval is shown
            continue
        plan = Allocation.between(surfaces, SixND(), (1e6, 1e12))
        low, high = interval(np.exp(plan.at_budget(np.log(FLOPS)).log_params), 0.95)
        covered += low < params < high
    assert covered >= 16


def test_a_recipe_gives_exact_flops_and_a_shape_that_it_builds(table):
    experiment = relscale.load_experiment(ROOT / "config.yaml", ROOT / "experiments/paper.yaml")
    found = next_model(
        table, NextRequest(flops=FLOPS, beyond=True), experiment=experiment, **SETTINGS
    )
    shape = found.shape
    assert shape.training_flops == pytest.approx(FLOPS, rel=0.01)
    width, layers = (int(part) for part in shape.shape.split("x"))
    assert width % 128 == 0 and layers > 0
    assert shape.params == pytest.approx(found.best.params, rel=0.5)
    # The count of the shape is exact, that of N* is smooth.
    assert shape.loss == pytest.approx(found.loss, rel=1e-3)
    assert "exact FLOPs of recipe marin2025" in found.summary()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"flops": 1e25}, "times the largest compute of corpus 'web'"),
        ({"flops": -1.0}, "--flops -1.0: a positive number"),
        ({"flops": FLOPS, "price": float("nan")}, "--price nan: a price per device-hour"),
        ({"flops": FLOPS, "utilisation": 2.0}, "--utilisation 2.0"),
        ({"flops": FLOPS, "loss": 2.0}, "add --inference-tokens"),
        ({"flops": FLOPS, "loss": 1.0, "inference_tokens": 1e11}, "no model reaches it"),
        ({"flops": FLOPS, "inference_tokens": 1e15}, "tokens per parameter, outside the runs"),
    ],
)
def test_a_mistake_is_one_sentence(table, request_, message):
    with pytest.raises(ValueError, match=message):
        next_model(table, NextRequest(**request_), **SETTINGS)


def test_far_beyond_the_data_the_answer_says_extrapolated(table):
    found = next_model(table, NextRequest(flops=1e25, beyond=True), **SETTINGS)
    assert found.extrapolated and ", extrapolated" in found.summary()
    inside = next_model(table, NextRequest(flops=1e20), **SETTINGS)
    assert not inside.extrapolated and "extrapolated" not in inside.summary()


@pytest.mark.parametrize("options", [{"ratio": 20.0}, {"sizes": 2}, {"counts": 1}])
def test_runs_that_identify_no_surface_say_what_to_add(options):
    with pytest.raises(ValueError, match=r"do not identify the surface .* add several sizes"):
        next_model(planted_surfaces(**options), NextRequest(flops=1e19), **SETTINGS)


def test_the_command_prints_and_writes_the_answer(table, tmp_path):
    losses, out = tmp_path / "losses.csv", tmp_path / "next.json"
    table.to_csv(losses, index=False)
    words = ["plan", "next", "--losses", losses, "--family", "topics", "--baseline", "a"]
    words += ["--flops", "2e22", "--inference-tokens", "3e11", "--out", out]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.exception
    for text in ("N* =", "flat range", "Models of the same loss", "no price (--price)"):
        assert text in done.output
    content = json.loads(out.read_text())
    assert content["best"]["params"] == pytest.approx(closed_form(2e22)[0], rel=1e-3)
    assert content["served"]["params"] < content["best"]["params"]
    assert content["money"] is None and len(content["predicted"]) == 5
    words[words.index("2e22")] = "nan"
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(done.exception, ValueError)
    assert str(done.exception) == "--flops nan: Input should be a finite number"


def test_a_recipe_that_lists_its_sizes_gets_shapes_of_its_own_proportions():
    """The default recipe builds tiny models: a table of such models, on the planted surfaces."""
    table = planted_surfaces()
    for column, factor in (("num_params_total", 1e-4), ("tokens", 1e-4), ("training_flops", 1e-8)):
        table[column] *= factor
    table["budget"] = [f"{flops:.3g}" for flops in table["training_flops"]]
    experiment = relscale.load_experiment(ROOT / "config.yaml")
    request = NextRequest(flops=1e12, beyond=True)
    shape = next_model(table, request, experiment=experiment, **SETTINGS).shape
    assert shape.training_flops == pytest.approx(1e12, rel=0.01)
    width, layers = (int(part) for part in shape.shape.split("x"))
    listed = [
        tuple(int(part) for part in label.split("x"))
        for budget in experiment.suite.budgets
        for label in budget.shapes
    ]
    proportions = [one / other for one, other in listed]
    assert min(proportions) <= width / layers <= max(proportions)
