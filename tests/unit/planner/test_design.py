"""Designs of a suite: variance of dbeta, power, cost and the choice among them."""

import doctest
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planner_tables import planted_suite
from scipy import stats
from typer.testing import CliRunner

from relscale.cli import app
from relscale.config.load import load_experiment
from relscale.laws.spec import LawSpec
from relscale.plan.cost import run_seconds
from relscale.planner import components, power, suite_cost, words
from relscale.planner.components import NoiseComponents, components_of
from relscale.planner.menu import DESIGN, DesignGoal, DesignMenu, design, pareto
from relscale.planner.power import power_of_difference, power_of_equivalence
from relscale.planner.slope_variance import PlannedDesign, slope_variance
from relscale.planner.suite_cost import SuiteCost

ROOT = Path(__file__).parents[3]
NOISE = NoiseComponents(run=0.010, seed=0.006, budget=0.004, item=0.001, order=0.003)
LADDER = (1e18, 3e18, 1e19, 3e19)


def planned(budgets=LADDER, sizes=6, seeds=1, item_bytes=1e6, offset=0.0):
    return PlannedDesign(
        budgets=budgets,
        sizes=(sizes,) * len(budgets),
        seeds=(seeds,) * len(budgets),
        item_bytes=item_bytes,
        offset=offset,
    )


@pytest.mark.parametrize("module", [components, power, suite_cost, words])
def test_examples_of_docstrings_run(module):
    failed, tried = doctest.testmod(module)
    assert tried and not failed


def test_the_variance_is_the_formula_where_the_sizes_are_centred():
    noise = replace(NOISE, order=0.0)
    found = slope_variance(planned(seeds=2, item_bytes=4e6), noise)
    x = np.log(LADDER)
    weight = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    of_size = (0.010**2 + 0.006**2 / 2) / 6
    assert found.runs == pytest.approx(np.sum(weight**2) * of_size, rel=1e-7)
    assert found.budgets == pytest.approx(np.sum(weight**2) * 0.004**2, rel=1e-7)
    assert found.items == pytest.approx(0.001**2 / 4, rel=1e-12)
    assert found.order == 0
    np.testing.assert_allclose(found.inflation, 1, rtol=1e-7)


def test_the_variance_is_the_sum_over_budgets_with_their_inflations():
    """Off the optimum and with unequal sizes c_k is not 1, and the formula holds with it."""
    design_ = replace(planned(offset=0.3), sizes=(8, 6, 5, 4))
    noise = NoiseComponents(run=0.01)
    found = slope_variance(design_, noise)
    x = np.log(LADDER)
    weight = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    assert found.inflation.max() > 1.5
    expected = np.sum(weight**2 * 0.01**2 * found.inflation / np.array([8, 6, 5, 4]))
    assert found.runs == pytest.approx(expected, rel=1e-7)


def test_power_rises_with_every_resource():
    """Of two designs that differ in one resource, the richer one has the smaller variance."""
    base = planned()
    goal = DesignGoal(dbeta=0.006, margin=0.05, treatments=3)
    for better in (
        planned(sizes=8),
        planned(seeds=2),
        planned(item_bytes=4e6),
        planned(budgets=(*LADDER, 1e20)),
        planned(budgets=(1e18, 3e18, 1e19, 1e20)),
    ):
        first, second = (slope_variance(each, NOISE, 3) for each in (base, better))
        assert second.total < first.total
        powers = zip(goal.powers(first, 3.4), goal.powers(second, 3.4), strict=True)
        assert all(rich > poor for poor, rich in powers)


def test_a_budget_effect_puts_a_floor_under_the_standard_error():
    """No number of sizes and seeds removes it; more budgets do."""
    noise = NoiseComponents(run=0.01, seed=0.01, budget=0.004)
    x = np.log(LADDER)
    floor = 0.004 / np.sqrt(np.sum((x - x.mean()) ** 2))
    errors = [
        slope_variance(planned(sizes=n, seeds=s), noise).standard_error
        for n, s in ((4, 1), (8, 2), (32, 8), (400, 100))
    ]
    assert errors == sorted(errors, reverse=True)
    assert all(error > floor for error in errors)
    assert errors[-1] == pytest.approx(floor, rel=0.01)
    more = planned(budgets=tuple(1e18 * 3.0**k for k in range(8)))
    assert slope_variance(more, noise).budgets < floor**2 / 4
    without = replace(noise, budget=0.0)
    assert slope_variance(planned(sizes=400, seeds=100), without).standard_error < floor / 5


def test_a_data_order_that_runs_share_adds_variance_that_sizes_do_not_remove():
    own, shared = NoiseComponents(run=0.01), NoiseComponents(run=0.01, order=0.01)
    assert slope_variance(planned(sizes=40), own).order == 0
    few, many = (slope_variance(planned(sizes=number), shared) for number in (40, 160))
    assert many.runs < few.runs / 3 and many.dominates == "order"
    assert many.order > 0.8 * few.order


def test_power_of_a_difference_is_that_of_drawn_t_tests():
    """400,000 draws: a standard error of .0008."""
    rng = np.random.default_rng(0)
    error = np.sqrt(rng.chisquare(5.5, 400_000) / 5.5)
    statistic = rng.normal(2.4, 1, 400_000) / error
    drawn = np.mean(np.abs(statistic) > stats.t.ppf(1 - 0.05 / 6, 5.5))
    assert power_of_difference(0.024, 0.01, 5.5, gaps=3) == pytest.approx(drawn, abs=0.004)


def test_power_of_equivalence_is_that_of_drawn_pairs_of_t_tests():
    rng = np.random.default_rng(1)
    error = np.sqrt(rng.chisquare(7.0, 400_000) / 7.0)
    estimate = rng.normal(0.3, 1, 400_000)
    least = stats.t.ppf(0.95, 7.0) * error
    drawn = np.mean((estimate + 2.2 > least) & (estimate - 2.2 < -least))
    assert power_of_equivalence(0.3, 2.2, 1.0, 7.0) == pytest.approx(drawn, abs=0.004)
    assert power_of_equivalence(0.0, 0.0, 1.0, 7.0) == 0


def test_components_of_a_planted_suite_are_found():
    """96 runs of 12 gaps: each component within 20 % on average over five suites.

    The budget effect has 4 contrasts of gaps with one baseline, about 14 squares per suite: its
    standard deviation has a relative error of 1 / sqrt(2 x 14 x 5) = 8 %.
    """
    spec = LawSpec(family="topics", baseline="d0")
    budgets = tuple(1e18 * 3.0**k for k in range(6))
    found = [
        components_of(
            planted_suite(seed=k, budgets=budgets, sizes=8, treatments=12, budget=0.012), spec
        )
        for k in range(5)
    ]
    for name, planted in (("run", 0.010), ("seed", 0.006), ("budget", 0.012)):
        mean = np.sqrt(np.mean([getattr(each, name) ** 2 for each in found]))
        assert mean == pytest.approx(planted, rel=0.2), name
        assert (
            sum(each.intervals[name][0] < planted < each.intervals[name][1] for each in found) >= 3
        )
    assert found[0].spread == pytest.approx(1.2)


def test_one_seed_per_size_leaves_the_noise_between_seeds_open():
    spec = LawSpec(family="topics", baseline="d0")
    found = components_of(planted_suite(seeds=1), spec, "mine.csv")
    assert np.isnan(found.seed) and "seed not known (in run)" in found.text()
    assert slope_variance(planned(), found).runs > 0
    with pytest.raises(
        ValueError, match=r"--seeds 2: .* one seed per size: add runs with a second"
    ):
        slope_variance(planned(seeds=2), found)


def test_a_table_without_optima_says_what_to_add():
    table = planted_suite(sizes=1)
    with pytest.raises(ValueError, match="cannot be estimated: it takes three budgets"):
        components_of(table, LawSpec(family="topics", baseline="d0"))


MENU = DesignMenu(
    ladders=(LADDER, (1e17, 1e18, 1e19)), sizes=((4,), (8,)), seeds=((1,), (2,)), item_bytes=(1e6,)
)


def test_the_table_has_every_design_and_marks_those_that_no_cheaper_one_beats():
    found = design(NOISE, MENU, DesignGoal(dbeta=0.02), SuiteCost(price=2.0))
    table = found.table
    assert len(table) == 8 and list(table.columns) == list(DESIGN.names)
    assert table["hours"].is_monotonic_increasing
    np.testing.assert_allclose(table["money"], 2 * table["hours"], rtol=1e-12)
    front = table[table["pareto"]]
    assert front["power"].is_monotonic_increasing and 0 < len(front) < 8
    best = table.iloc[found.best]
    assert best["power"] >= 0.8 and (table["power"].iloc[: found.best] < 0.8).all()
    assert found.doubled is not None
    doubled = table.iloc[found.doubled]
    assert doubled["hours"] <= 2 * best["hours"] and doubled["half_width"] < best["half_width"]
    assert "The cheapest design with 80% power" in found.summary()
    assert pareto(np.array([1.0, 2, 2]), np.array([3.0, 3, 1])) == [True, False, True]


def test_the_bill_of_a_design_is_that_of_its_runs():
    cost = SuiteCost(corpora=3, domains=4)
    found = cost.of(planned(sizes=5, seeds=2), spread=1.2)
    assert found.training_flops == pytest.approx(3 * 10 * sum(LADDER))
    assert found.training_hours == pytest.approx(3 * 10 * sum(LADDER) / (0.4 * 989e12) / 3600)
    params, tokens = suite_cost.chinchilla_model(1e18)
    assert suite_cost.six_nd(params, tokens) == pytest.approx(1e18)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--noise", "run=.01", "--dbeta", "1e-4"), "no design of the menu has a power of 0.8"),
        (("--noise", "run=-1", "--dbeta", ".01"), "run is -1.0: a number of 0 or more"),
        (("--noise", "run=a", "--dbeta", ".01"), "'a' is not a number"),
        (("--noise", "seed=.01", "--dbeta", ".01"), "lacks run"),
        (("--noise", "run=.01,rum=1", "--dbeta", ".01"), "'rum=1' must be NAME=NUMBER"),
        (("--noise", "run=.01"), "--dbeta or --margin: state the slope"),
        (("--dbeta", ".01"), "--from FILE or --noise"),
        (("--noise", "run=.01", "--dbeta", ".01", "--price", "-3"), "--price -3.0: a price"),
        (("--noise", "run=.01", "--dbeta", ".01", "--sizes", "2"), "needs a number of 3 or more"),
        (("--noise", "run=.01", "--dbeta", ".01", "--sizes", "x"), "'x' is not a whole number"),
        (("--noise", "run=.01", "--dbeta", ".01", "--ladder", "1e18,1e17,1e16"), "must rise"),
        (("--noise", "run=.01", "--dbeta", ".01", "--ladder", "1e18"), "1 budget"),
        (("--noise", "run=.01", "--dbeta", ".01", "--utilisation", "3"), "--utilisation 3.0"),
    ],
)
def test_a_mistake_is_one_sentence(words, message):
    done = CliRunner().invoke(app, ["plan", "design", "--ladder", "1e18,3e18,1e19", *words])
    assert isinstance(done.exception, ValueError) and message in str(done.exception)


def test_the_command_writes_the_designs(tmp_path):
    losses, out = tmp_path / "losses.csv", tmp_path / "design.csv"
    planted_suite().to_csv(losses, index=False)
    command = ["plan", "design", "--from", str(losses), "--family", "topics", "--baseline", "d0"]
    command += ["--dbeta", ".02", "--ladder", "1e18,3e18,1e19,3e19,1e20"]
    done = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert done.exit_code == 0, done.exception
    assert "noise of log G (losses.csv): run 0.0" in done.output
    table = pd.read_csv(out)
    assert len(table) == 6 and (table["power_low"] <= table["power"]).all()
    assert "6 gap(s) adjusted together" in done.output
    as_json = tmp_path / "design.json"
    assert CliRunner().invoke(app, [*command, "--out", str(as_json)]).exit_code == 0
    content = json.loads(as_json.read_text())
    assert len(content["designs"]) == 6 and len(content["assumptions"]) == 5
    assert content["designs"][0]["money"] is None


def test_a_configuration_gives_sizes_flops_and_speed():
    experiment = load_experiment(ROOT / "config.yaml")
    runs = suite_cost.planned_runs(experiment, [3e11, 1e12, 3e12])
    assert [len(each) for each in runs.values()] == [6, 6, 5]
    cost = SuiteCost(costs=experiment.costs, planned=runs)
    found = cost.of(planned(budgets=(3e11, 1e12, 3e12)), spread=1.2)
    expected = sum(
        6 * np.mean([run_seconds(run, experiment.costs) for run in each]) for each in runs.values()
    )
    assert found.training_hours == pytest.approx(expected / 3600)
    with pytest.raises(ValueError, match=r"budget 1e\+15 is not in the configuration"):
        suite_cost.planned_runs(experiment, [1e15])


def planted_items(table, number=200, slope_sd=0.02):
    """Return items of a planted suite, whose errors change with compute at their own pace.

    The values of the table become those of the items.
    """
    rng = np.random.default_rng(0)
    rows = table[table["family"] == "topics"]
    centre = np.log(rows["training_flops"]).mean()
    slopes = {name: rng.normal(0, slope_sd, number) for name in sorted(rows["domain"].unique())}
    parts = []
    for index, row in zip(rows.index, rows.to_dict("records"), strict=True):
        away = np.log(row["training_flops"]) - centre
        table.loc[index, "value"] *= 1 + slopes[row["domain"]].mean() * away
        keys = {key: row[key] for key in ("corpus", "run", "family", "domain", "metric")}
        parts.append(
            pd.DataFrame(
                {
                    **keys,
                    "stratum": "all",
                    "item": [str(place) for place in range(number)],
                    "numerator": 100 * row["value"] * (1 + slopes[row["domain"]] * away),
                    "denominator": 100.0,
                    "overlaps": False,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_items_of_an_earlier_suite_give_their_part_of_the_variance(tmp_path):
    """The slope of a domain's mean has the variance of its items' slopes over their number.

    The spread of 200 drawn slopes has a relative error of 5 %.
    """
    table = planted_suite(treatments=2, seeds=1)
    items = planted_items(table)
    spec = LawSpec(family="topics", baseline="d0")
    found = components_of(table, spec, items=items, item_bytes=2e6)
    assert found.item == pytest.approx(0.02 * np.sqrt(2 / 200), rel=0.15)
    variance = slope_variance(planned(item_bytes=4e6), found)
    assert variance.items == pytest.approx(found.item**2 / 2)
    losses, file = tmp_path / "losses.csv", tmp_path / "items.parquet"
    table.to_csv(losses, index=False)
    items.to_parquet(file)
    words = ["plan", "design", "--from", losses, "--family", "topics", "--baseline", "d0"]
    words += ["--items", file, "--items-bytes", "2e6", "--dbeta", ".02", "--seeds", "1"]
    words += ["--ladder", "1e18,3e18,1e19,3e19", "--item-bytes", "2e6,2e7"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.exception
    assert "of dbeta at 2e+06 bytes" in done.output


def test_the_command_takes_sizes_and_speed_from_a_configuration(monkeypatch):
    monkeypatch.chdir(ROOT)
    words = ["plan", "design", "--noise", "run=.01,seed=.01", "--dbeta", ".02", "--config"]
    words += ["config.yaml", "--ladder", "1e11,3e11,1e12,3e12", "--sizes", "5"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.exception
    assert "sizes and FLOPs of the recipe" in done.output and "on a CPU" in done.output
    words[words.index("1e11,3e11,1e12,3e12")] = "1e11,3e11,5e12"
    done = CliRunner().invoke(app, words)
    assert "budget 5e+12 is not in the configuration" in str(done.exception)
