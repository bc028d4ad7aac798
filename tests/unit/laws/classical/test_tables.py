"""The tables `classical`, `exponents` and `counts` of whole families."""

import numpy as np
import pandas as pd
import pytest

from relscale.contract.status import Status
from relscale.laws.fit import fit_family
from relscale.laws.spec import FAMILY_MEAN, LawSpec

SPEC = LawSpec(family="topics", baseline="base", draws=200, estimators=("joint", "surface"))
BUDGETS = ("1e18", "3e18", "1e19", "3e19", "1e20", "3e20", "1e21")


def parameter(table, domain, law, name):
    """Return the row of one parameter."""
    rows = table[(table.domain == domain) & (table.law == law) & (table.parameter == name)]
    assert len(rows) == 1
    return rows.iloc[0]


def sizes_by_tokens(surfaces):
    """Return losses of sizes x tokens, each run with a compute of its own."""
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
    return pd.DataFrame(rows)


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


def test_seeds_of_a_size_are_one_point(plant_surface):
    """A second seed with the same losses adds nothing: the points are the sizes of the budgets."""
    spec = SPEC.model_copy(update={"classical": ("hoffmann_surface",)})
    losses = plant_surface(budgets=BUDGETS, run_sd=0.0005, domain_sd=0.0005).assign(seed=0)
    again = losses.assign(seed=1, run=losses.run + "-again")
    once = fit_family(losses, spec)["classical"]
    twice = fit_family(pd.concat([losses, again]), spec)["classical"]
    assert (once.num_points == losses.run.nunique()).all()
    pd.testing.assert_frame_equal(once, twice, rtol=1e-6)


def test_a_plain_power_law_is_refused_where_its_floor_is_identified(surfaces):
    """L = E + A / N^alpha has an irreducible loss: the power law without it has another exponent,
    and predicts budgets that are left out, so that only the comparison refuses it."""
    params = np.repeat(np.geomspace(1e7, 1e10, 8), 16)
    tokens = np.tile(np.geomspace(1e9, 3e17, 16), 8)
    noise = np.exp(0.0005 * np.random.default_rng(0).normal(size=(2, len(params))))
    e, a, alpha, b, beta = surfaces["own"]
    rows = [
        {
            "corpus": "web",
            "run": f"r{index}",
            "budget": f"b{index}",
            "training_flops": 6 * n * d,
            "num_params_total": n,
            "tokens": d,
            "family": "topics",
            "domain": domain,
            "metric": "bits_per_byte",
            "value": (e + a / n**alpha + b / d**beta) * noise[place, index],
        }
        for index, (n, d) in enumerate(zip(params, tokens, strict=True))
        for place, domain in enumerate(("base", "treat"))
    ]
    laws = ("kaplan_params", "kaplan_params_floor")
    spec = LawSpec(family="topics", baseline="base", draws=100, estimators=("surface",))
    table = fit_family(
        pd.DataFrame(rows), spec.model_copy(update={"classical": laws, "optimum_by": FAMILY_MEAN})
    )["classical"]
    floor = parameter(table, "base", "kaplan_params_floor", "alpha_N")
    assert floor.status == Status.OK and floor.ci_low <= alpha <= floor.ci_high
    plain = parameter(table, "base", "kaplan_params", "alpha_N")
    assert plain.status == Status.NOT_IDENTIFIED and np.isnan(plain.value)
    assert "kaplan_params_floor, is identified" in plain.remarks
    alone = spec.model_copy(update={"classical": laws[:1], "optimum_by": FAMILY_MEAN})
    same = fit_family(pd.DataFrame(rows), alone)["classical"]
    assert set(same.status) == {Status.NOT_IDENTIFIED}


def test_the_law_of_compute_goes_through_the_minima_of_isoflop_curves(plant):
    """Losses without a floor: one point per budget, and the planted exponent."""
    spec = SPEC.model_copy(
        update={"classical": ("kaplan_compute", "kaplan_compute_floor"), "estimators": ("auto",)}
    )
    losses = plant(budgets=BUDGETS, run_sd=0.001, domain_sd=0.001)
    table = fit_family(losses, spec)["classical"]
    for domain, exponent in (("base", 0.10), ("treat", 0.13)):
        row = parameter(table, domain, "kaplan_compute", "alpha_C")
        assert row.status == Status.OK and row.num_points == len(BUDGETS)
        assert row.ci_low <= exponent <= row.ci_high
        assert parameter(table, domain, "kaplan_compute_floor", "E").status == Status.NOT_IDENTIFIED


def test_without_isoflop_curves_there_is_no_law_of_compute(surfaces):
    """`auto` has a law there, but no compute-optimal points."""
    spec = SPEC.model_copy(update={"classical": ("kaplan_compute",), "estimators": ("auto",)})
    laws = fit_family(sizes_by_tokens(surfaces), spec)
    assert set(laws["classical"].status) == {Status.NO_USABLE_OPTIMUM}
    assert set(laws["relative"].query("estimator == 'auto' and scale == 'ratio'").status) == {"ok"}


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
    counted = laws["counts"].query("approach == 'approach_3'").iloc[0]
    for column in ("params_exponent", "params_exponent_ci_low", "params_exponent_ci_high"):
        assert counted[column] == third[column]
    second = table.loc["approach_2"]
    assert second.params_exponent == pytest.approx(truth + second.surface_bias, abs=0.02)
    first = table.loc["approach_1"]
    assert first.params_exponent == pytest.approx(truth, abs=0.1)
    assert second.tokens_per_param_lowest > 0


def test_without_curves_only_hull_and_surface_have_exponents(surfaces):
    table = fit_family(sizes_by_tokens(surfaces), SPEC)["exponents"].set_index("approach")
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
