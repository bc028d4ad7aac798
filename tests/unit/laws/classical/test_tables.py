"""The tables `classical`, `exponents` and `counts` of whole families."""

import numpy as np
import pandas as pd
import pytest

from relscale.contract.status import Status
from relscale.laws.fit import fit_family
from relscale.laws.spec import LawSpec

SPEC = LawSpec(family="topics", baseline="base", draws=200, estimators=("joint", "surface"))
BUDGETS = ("1e18", "3e18", "1e19", "3e19", "1e20", "3e20", "1e21")


def parameter(table, domain, law, name):
    """Return the row of one parameter."""
    rows = table[(table.domain == domain) & (table.law == law) & (table.parameter == name)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_family_has_a_row_per_domain_law_and_parameter(plant_surface, surfaces):
    table = fit_family(plant_surface(budgets=BUDGETS, run_sd=0.0005, domain_sd=0.0005), SPEC)[
        "classical"
    ]
    assert set(table.domain) == {"base", "treat"}
    for domain in ("base", "treat"):
        constants = dict(zip(("E", "A", "alpha", "B", "beta"), surfaces[domain], strict=True))
        for name, truth in constants.items():
            row = parameter(table, domain, "hoffmann_surface", name)
            assert row.status == Status.OK
            assert row.ci_low <= row.value <= row.ci_high
            assert row.value == pytest.approx(truth, rel=0.25)
    few = parameter(table, "base", "farseer", "alpha")
    assert few.status == Status.TOO_FEW_RUNS and np.isnan(few.value)


def test_only_the_laws_that_are_asked_for_are_fitted(plant_surface):
    spec = SPEC.model_copy(update={"classical": ("overtraining",)})
    table = fit_family(plant_surface(), spec)["classical"]
    assert set(table.law) == {"overtraining"}
    none = fit_family(plant_surface(), SPEC.model_copy(update={"classical": ()}))["classical"]
    assert not len(none)


def test_the_exponents_are_those_of_the_surface_that_locates_optima(plant_surface, surfaces):
    """The family `validation` has the surface `own`."""
    laws = fit_family(plant_surface(budgets=BUDGETS, run_sd=0.0005), SPEC)
    table = laws["exponents"].set_index("approach")
    _, _, alpha, _, beta = surfaces["own"]
    truth = beta / (alpha + beta)
    third = table.loc["approach_3"]
    assert third.status == Status.OK
    assert third.params_exponent_ci_low <= truth <= third.params_exponent_ci_high
    assert third.params_exponent + third.tokens_exponent == pytest.approx(1, abs=1e-12)
    second = table.loc["approach_2"]
    assert second.params_exponent == pytest.approx(truth + second.surface_bias, abs=0.02)
    first = table.loc["approach_1"]
    assert first.params_exponent == pytest.approx(truth, abs=0.1)
    assert second.tokens_per_param_lowest > 0


def test_without_curves_only_hull_and_surface_have_exponents(surfaces):
    """Sizes x tokens, each run with a compute of its own."""
    params = np.repeat(np.geomspace(1e8, 6e9, 6), 6)
    tokens = np.tile(np.geomspace(2e9, 3e12, 6), 6)
    rows = [
        {
            "corpus": "web",
            "run": f"r{index}",
            "budget": f"b{index}",
            "training_flops": 6 * n * d,
            "num_params_total": n,
            "tokens": d,
            "family": "validation" if name == "own" else "topics",
            "domain": name,
            "metric": "bits_per_byte",
            "value": e + a / n**alpha + b / d**beta,
        }
        for index, (n, d) in enumerate(zip(params, tokens, strict=True))
        for name, (e, a, alpha, b, beta) in surfaces.items()
    ]
    table = fit_family(pd.DataFrame(rows), SPEC)["exponents"].set_index("approach")
    assert table.loc["approach_1"].status == Status.OK
    assert table.loc["approach_2"].status == Status.TOO_FEW_BUDGETS
    assert table.loc["approach_3"].status == Status.OK


def test_counts_without_an_embedding_are_one_way_of_counting(plant_surface):
    table = fit_family(plant_surface(budgets=BUDGETS, run_sd=0.0005), SPEC)["counts"]
    assert set(table.counted_params) == {"total"} and set(table.counted_flops) == {"exact", "6ND"}
    second = table[table.approach == "approach_2"].set_index("counted_flops").params_exponent
    # The planted compute is 6 N D.
    assert second["exact"] == pytest.approx(second["6ND"], rel=1e-9)


def test_an_embedding_changes_the_exponent(plant_surface):
    losses = plant_surface(budgets=BUDGETS, run_sd=0.0005)
    losses["num_params_total"] = losses["num_params_total"].round()
    model = losses["num_params_total"]
    embedding = (3e4 * model**0.33).round()
    losses = losses.assign(
        num_params_embedding=embedding,
        num_params_head=embedding,
        num_params_transformer=model - embedding,
        num_params_total=model + embedding,
    )
    table = fit_family(losses, SPEC)["counts"]
    second = table[(table.approach == "approach_2") & (table.counted_flops == "exact")]
    found = second.set_index("counted_params").params_exponent
    assert set(found.index) == {"total", "transformer_and_head", "transformer"}
    assert found["transformer"] > found["transformer_and_head"] > found["total"]


def test_an_accuracy_has_no_classical_law_of_its_own(plant_surface):
    losses = plant_surface()
    accuracy = losses.assign(metric="accuracy", value=1 - 0.2 * losses["value"])
    both = pd.concat([losses, accuracy[accuracy.family == "topics"]])
    spec = SPEC.model_copy(update={"metrics": ("bits_per_byte", "accuracy"), "chance": 0.25})
    table = fit_family(both, spec)["classical"]
    assert set(table[table.metric == "accuracy"].law) == {"error_exponential"}
    assert set(table[table.metric == "accuracy"].domain) == {"family_mean"}
