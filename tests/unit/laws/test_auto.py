"""The estimator `auto`, its curves, forecasts and predictions on planted suites."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from relscale.laws.auto_choice import losses_rise, trials_of
from relscale.laws.auto_model import auto_model
from relscale.laws.calibration import Calibration, back_tests
from relscale.laws.cells import suites_of
from relscale.laws.fit import fit_family
from relscale.laws.gap import line_rows
from relscale.laws.inputs import prepare
from relscale.laws.metric_fits import CorpusFits
from relscale.laws.predict import Request, model_of, subjects_of
from relscale.laws.predicted_table import predicted
from relscale.laws.predicted_text import predicted_text
from relscale.laws.run import fit_laws
from relscale.laws.spec import LawSpec
from relscale.laws.tables import curves as curves_table
from relscale.laws.tables import forecast as forecast_table
from relscale.laws.tables.forecast import horizon_class

SPEC = LawSpec(family="topics", baseline="base", draws=200, estimators=("auto", "joint"))
FLOORS = {
    "own": (1.7, 406.0, 0.34, 411.0, 0.28),
    "base": (1.2, 406.0, 0.34, 411.0, 0.28),
    "high": (2.0, 406.0, 0.34, 411.0, 0.28),
    "low": (0.8, 500.0, 0.34, 411.0, 0.28),
    "steep": (1.5, 900.0, 0.38, 700.0, 0.31),
    "flat": (1.5, 200.0, 0.31, 250.0, 0.26),
}
"""Surfaces with different irreducible losses."""


def ratio_row(laws, estimator="auto", treatment="treat"):
    table = laws.relative
    rows = table[
        (table["estimator"] == estimator)
        & (table["treatment"] == treatment)
        & (table["scale"] == "ratio")
    ]
    assert len(rows) == 1
    return rows.iloc[0]


def ladder(noise=0.0, sizes=(1e8, 2e8, 4e8, 8e8), ratios=(20.0,), surfaces=FLOORS, seed=0):
    """One run per size and ratio of tokens to parameters, each its own budget."""
    rng = np.random.default_rng(seed)
    rows = []
    for params in sizes:
        for ratio in ratios:
            tokens = ratio * params
            shared = rng.normal(0, noise)
            row = {
                "corpus": "web",
                "run": f"{params:g}-{ratio:g}",
                "budget": f"{6 * params * tokens:.4e}",
                "training_flops": 6 * params * tokens,
                "num_params_total": params,
                "tokens": tokens,
                "metric": "bits_per_byte",
            }
            for name, (e, a, alpha, b, beta) in surfaces.items():
                value = e + a / params**alpha + b / tokens**beta
                family = "validation" if name == "own" else "topics"
                value *= np.exp(shared + rng.normal(0, noise / 2))
                rows.append({**row, "family": family, "domain": name, "value": value})
    return pd.DataFrame(rows)


def rows_of(frame, law):
    """The rows of one table, without fitting the others."""
    family, optimum = prepare(frame, SPEC, None)
    runs = suites_of(family, optimum, SPEC)[0]
    return pd.DataFrame(law.fit(CorpusFits(family=family, runs=runs, spec=SPEC)))


def true_gap(name, params, tokens):
    losses = [
        e + a / params**alpha + b / tokens**beta
        for e, a, alpha, b, beta in (FLOORS[name], FLOORS["base"])
    ]
    return losses[0] / losses[1]


def test_a_straight_line_on_isoflop_curves_is_that_of_joint(plant):
    laws = fit_family(plant(run_sd=0.01, domain_sd=0.008), SPEC)
    auto, joint = ratio_row(laws), ratio_row(laws, "joint")
    assert (auto["law"], auto["path"]) == ("line", "optimal")
    for name in ("gamma", "dbeta", "ci_low", "ci_high", "change", "gap_last", "num_runs"):
        assert auto[name] == joint[name], name
    assert "law line" in auto["remarks"]


def test_domains_that_differ_in_their_floor_alone_have_no_straight_line(plant_surface):
    """log G bends where floors differ: the law is a ratio of surfaces, and its ends are true."""
    frame = plant_surface(surfaces=FLOORS, domain_sd=0.0005, run_sd=0.002, seed=1)
    laws = fit_family(frame, SPEC)
    row = ratio_row(laws, treatment="high")
    assert row["law"] == "surfaces" and row["path"] == "optimal"
    assert row["ci_low"] < row["dbeta"] < row["ci_high"]
    curve = laws.curves
    curve = curve[(curve["domain"] == "high") & (curve["quantity"] == "gap")]
    truth = true_gap("high", curve["params"], curve["tokens"])
    np.testing.assert_allclose(curve["value"], truth, rtol=4e-3)


def test_the_interval_of_a_curved_law_has_the_spread_over_laws(plant_surface):
    """The variance of dbeta is larger than that of the law alone by the spread."""
    frame = plant_surface(surfaces=FLOORS, domain_sd=0.002, run_sd=0.004, seed=1)
    family, optimum = prepare(frame, SPEC, None)
    runs = suites_of(family, optimum, SPEC)[0]
    fits = CorpusFits(family=family, runs=runs, spec=SPEC).metrics[0]
    model = auto_model(fits.quantity_of("high", "base"))
    assert not model.is_joint
    fit = model.fit()
    slope = line_rows(fit.log_compute, fit.log_reference)[1]
    places = model.paths.places(model.path, fit.log_compute)
    laws = [trial.fitted.log_gap(places)[0] @ slope for trial in model.choice.contenders]
    spread = model.choice.spread(np.array(laws)[:, None])[0]
    alone = replace(model.choice, contenders=(model.choice.taken,), weights=np.ones(1))
    without = replace(model, choice=alone).fit()
    assert spread > 0
    assert fit.slope == without.slope
    assert fit.covariance[1, 1] - without.covariance[1, 1] == pytest.approx(spread)


def test_bands_one_decade_beyond_the_data_hold_the_truth(plant_surface):
    """Eight suites x four gaps at ten times the compute; nominal .95, at least 27 of 32
    (binomial .1 % point at .95). Straight lines hold 0 to 38 %."""
    inside = total = 0
    for seed in range(8):
        frame = plant_surface(surfaces=FLOORS, domain_sd=0.002, run_sd=0.004, seed=seed)
        curves = rows_of(frame, curves_table.LAW)
        last = curves[curves["quantity"] == "gap"].groupby("domain").tail(1)
        assert last["beyond"].all()
        for row in last.to_dict("records"):
            truth = true_gap(row["domain"], row["params"], row["tokens"])
            inside += row["ci_low"] <= truth <= row["ci_high"]
            total += 1
    assert total == 32 and inside >= 27


def test_curves_have_horizon_and_factor_beyond_the_data_only(plant_surface):
    curves = rows_of(plant_surface(domain_sd=0.004), curves_table.LAW)
    gap = curves[curves["quantity"] == "gap"].sort_values("compute")
    inside, beyond = gap[~gap["beyond"]], gap[gap["beyond"]]
    assert (inside["horizon"] == 1).all() and (inside["factor"] == 1).all()
    assert (beyond["horizon"] > 1).all() and (beyond["factor"] >= 1).all()
    assert beyond["horizon"].max() == pytest.approx(10, rel=0.01)
    width = (gap["ci_high"] - gap["ci_low"]).to_numpy()
    assert width[-1] > width[len(inside) - 1]


@pytest.mark.parametrize("sizes", [(1e8, 4e8), (1e8, 2e8, 4e8), (1e8, 2e8, 4e8, 8e8, 1.6e9)])
def test_a_ladder_with_a_constant_ratio_gets_an_answer(sizes):
    """One run per budget: four of the classical estimators have no optimum there."""
    spec = LawSpec(family="topics", baseline="base", draws=100)
    laws = fit_family(ladder(sizes=sizes), spec)
    row = ratio_row(laws, treatment="high")
    assert row["path"] == "fixed_ratio:20" and row["status"] == "ok"
    ends = [true_gap("high", params, 20 * params) for params in (sizes[0], sizes[-1])]
    # Two or three points leave nothing but a line.
    np.testing.assert_allclose([row["gap_first"], row["gap_last"]], ends, rtol=2e-3)
    assert np.isnan(row["ci_low"]) == (len(sizes) == 2)


def test_no_run_is_beyond_the_runs():
    # 20 runs without a budget in common are sorted into 8 groups of compute for back-tests.
    frame = ladder(noise=0.002, sizes=(1e8, 2e8, 4e8, 8e8), ratios=(5.0, 10.0, 20.0, 40.0, 80.0))
    frame = frame.assign(budget=frame["run"])
    laws = fit_laws(frame, family="topics", baseline="base", draws=100, estimators=("auto",)).laws
    row, curve = ratio_row(laws, treatment="high"), laws.curves
    curve = curve[(curve["domain"] == "high") & (curve["quantity"] == "gap")]
    inside = curve[curve["compute"] < frame["training_flops"].max() * (1 + 1e-9)]
    assert len(inside) >= 13
    np.testing.assert_allclose(inside[["horizon", "factor"]], 1, rtol=1e-9)
    ends = inside["value"].iloc[[0, 12]].tolist()
    assert ends == pytest.approx(row[["gap_first", "gap_last"]].tolist(), rel=1e-5)


def test_a_ladder_of_sizes_and_tokens_gets_a_law_of_both():
    laws = fit_family(ladder(ratios=(5.0, 20.0, 80.0), noise=0.001), SPEC)
    row = ratio_row(laws, treatment="steep")
    assert row["status"] == "ok" and row["law"] in ("loss_to_loss", "line", "plane", "surfaces")
    assert np.isfinite(row["ci_low"]) and row["num_runs"] == 12


APART = (5.0, 17.0, 80.0)
"""Tokens per parameter of ladders whose runs have no compute in common."""


def names_tried(frame):
    laws = fit_family(frame, SPEC)
    fits = laws.corpora[0].metrics[0]
    gap = next(each for each in subjects_of(fits) if each.baseline)
    return {trial.name for trial in model_of(fits, gap).choice.trials.trials}


def test_surfaces_that_share_exponents_are_tried_on_sizes_and_tokens_without_optima(plant):
    shared = {"shared_surfaces", "shared_kappa"}
    assert shared < names_tried(ladder(ratios=APART, noise=0.001))
    assert not shared & names_tried(ladder(noise=0.001))
    assert not shared & names_tried(plant(run_sd=0.001))


@pytest.mark.parametrize(
    ("ratios", "noise"),
    [(APART, 0.002), (APART, 0.0), ((5.0, 20.0, 80.0), 0.002), ((20.0,), 0.002)],
)
@pytest.mark.parametrize("treatment", ["low", "steep"])
def test_a_swap_of_the_domains_changes_the_sign_of_a_difference_alone(ratios, noise, treatment):
    frame = ladder(ratios=ratios, noise=noise)
    pair = frame[frame["domain"].isin(["own", "base", treatment])]
    found, mirrored = (
        fit_family(
            pair, LawSpec(family="topics", baseline=name, draws=100, estimators=("auto",))
        ).relative.set_index("scale")
        for name in ("base", treatment)
    )
    ours, theirs = found.loc["difference"], mirrored.loc["difference"]
    signed = ["gamma", "dbeta", "change", "gap_first", "gap_last"]
    # Bootstrap and search are the same up to the rounding of sums in another order.
    np.testing.assert_allclose(
        ours[signed].astype(float), -theirs[signed].astype(float), rtol=1e-6, atol=1e-9
    )
    np.testing.assert_allclose(
        ours[["ci_low", "ci_high"]].astype(float),
        -theirs[["ci_high", "ci_low"]].astype(float),
        rtol=1e-6,
        atol=1e-9,
    )
    assert (ours["law"], ours["verdict"]) == (theirs["law"], theirs["verdict"])


def test_one_budget_has_no_law_and_the_row_says_what_to_add(plant):
    laws = fit_family(plant(budgets=("1e11",)), SPEC)
    row = ratio_row(laws)
    assert row["status"] == "too_few_budgets" and "add runs" in row["remarks"]
    assert laws.forecast.empty
    assert set(laws.curves["status"]) == {"too_few_budgets"}


@pytest.mark.parametrize("table", ["two runs", "two budgets"])
def test_a_law_without_an_interval_predicts_without_one(plant, table):
    frame = plant(budgets=("5e10", "2e11"), run_sd=0.01, domain_sd=0.004)
    if table == "two runs":
        frame = ladder(sizes=(1e8, 8e8)).assign(family="topics")
    domains = [name for name in frame["domain"].unique() if name not in ("own", "base")]
    laws = fit_laws(frame, family="topics", baseline="base", draws=100, estimators=("auto",))
    row = ratio_row(laws.laws, treatment=domains[0])
    assert np.isnan(row["ci_low"]) and row["verdict"] == "undecided"
    found = laws.predict(Request(at=(float(frame["training_flops"].max()),), beyond=True))
    assert found["value"].notna().all()
    assert found[["ci_low", "ci_high"]].isna().all(axis=None)
    assert found["remarks"].str.contains("no interval").all()
    assert laws.laws.curves["ci_low"].isna().all()
    assert "nan" not in predicted_text(found)


def test_equal_domains_are_named_as_such(plant):
    frame = plant(domains={"base": (2.0, 0.1, 0.0), "treat": (2.0, 0.1, 0.0)})
    assert ratio_row(fit_family(frame, SPEC))["status"] == "identical"


def test_a_metric_that_rises_has_no_law_of_a_loss(plant):
    frame = plant(run_sd=0.01)
    accuracy = frame[frame["family"] == "topics"].assign(metric="accuracy")
    accuracy = accuracy.assign(value=1 / (1 + accuracy["value"]))
    spec = SPEC.model_copy(update={"metrics": ("accuracy",)})
    laws = fit_family(pd.concat([frame, accuracy], ignore_index=True), spec)
    assert set(laws.curves["law"]) <= {"line", "plane"}


def test_the_same_suite_has_the_same_bytes(plant_surface):
    frame = plant_surface(surfaces=FLOORS, domain_sd=0.002, run_sd=0.004)
    for table in (curves_table, forecast_table):
        first, second = (rows_of(frame, table.LAW) for _ in range(2))
        pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_forecasts_are_next_to_those_without_a_law(plant):
    """A planted line: its own forecast is exact, `the gap stays` is off by the slope times the
    horizon, and the line through the last budgets is exact, too."""
    table = rows_of(plant(), forecast_table.LAW)
    rows = table[table["quantity"] == "gap"]
    assert set(rows["horizon_class"]) == {"next", "3x"}
    np.testing.assert_allclose(rows["error_percent"], 0, atol=1e-6)
    np.testing.assert_allclose(rows["error_last_four_percent"], 0, atol=1e-6)
    stays = 100 * np.expm1(0.03 * np.log(rows["horizon"]))  # dbeta = -(.13 - .10)
    np.testing.assert_allclose(rows["error_constant_percent"], stays, rtol=1e-6)


def test_a_forecast_knows_nothing_of_later_budgets(plant_surface):
    """The highest budget changes; what was predicted for the one below it does not."""
    frame = plant_surface(
        surfaces=FLOORS, domain_sd=0.002, budgets=("1e18", "3e18", "1e19", "3e19")
    )
    changed = frame.copy()
    changed.loc[(changed["budget"] == "3e19") & (changed["family"] == "topics"), "value"] *= 1.1
    rows = []
    for each in (frame, changed):
        table = rows_of(each, forecast_table.LAW)
        chosen = table[(table["quantity"] == "gap") & (table["held_out_budget"] == "1e19")]
        rows.append(chosen[["law", "factor", "predicted", "ci_low"]].reset_index(drop=True))
    # The law's own noise, which is in the interval, is that of all runs about it.
    pd.testing.assert_frame_equal(rows[0][["law", "factor"]], rows[1][["law", "factor"]])
    np.testing.assert_allclose(rows[0]["predicted"], rows[1]["predicted"], rtol=1e-6)


def test_back_tests_at_the_next_budget_are_covered(plant_surface):
    """Ten suites x four gaps x two budgets; nominal .95, at least 68 of 80 (binomial .1 %)."""
    inside = total = 0
    for seed in range(10):
        frame = plant_surface(surfaces=FLOORS, domain_sd=0.003, run_sd=0.006, seed=100 + seed)
        table = rows_of(frame, forecast_table.LAW)
        rows = table[(table["quantity"] == "gap") & (table["horizon_class"] == "next")]
        inside += int(rows["observed"].between(rows["ci_low"], rows["ci_high"]).sum())
        total += len(rows)
    assert total == 80 and inside >= 68


@pytest.mark.parametrize(
    ("times", "name"), [(1.5, "3x"), (3.0, "3x"), (9.0, "10x"), (20.0, "30x"), (500.0, "30x")]
)
def test_horizons_have_classes(times, name):
    assert horizon_class(times) == name


def test_the_factor_is_that_of_errors_at_the_same_horizon():
    calibration = Calibration(
        horizon=np.array([0.5, 0.5, 1.0, 1.0]), z=np.array([1.0, -1.0, 3.0, -3.0])
    )
    assert calibration.factor(0.0) == 1.0
    assert calibration.factor(0.5) == 1.0
    assert calibration.factor(1.0) == pytest.approx(3.0)
    assert calibration.factor(2.0) == pytest.approx(6.0)  # twice as far as any back-test
    assert Calibration(horizon=np.zeros(0), z=np.zeros(0)).factor(1.0) == 1.0


def test_errors_smaller_than_allowed_for_do_not_narrow_an_interval():
    calibration = Calibration(horizon=np.array([0.5, 1.0]), z=np.array([0.1, 0.1]))
    assert calibration.factor(1.0) == 1.0


@pytest.fixture(name="fitted", scope="module")
def fitted_fixture():
    frame = ladder(ratios=(5.0, 20.0, 80.0), noise=0.001)
    settings = {"family": "topics", "baseline": "base", "draws": 100, "estimators": ("auto",)}
    return fit_laws(frame, **settings)


def test_a_named_model_between_the_runs_is_predicted(fitted):
    table = fitted.predict(Request(params=3e8, tokens=6e9))
    gaps = table[table["quantity"] == "gap"].set_index("domain")
    assert list(gaps.index) == ["flat", "high", "low", "steep"] and not gaps["beyond"].any()
    for name, row in gaps.iterrows():
        truth = true_gap(name, 3e8, 6e9)
        assert row["ci_low"] < row["value"] < row["ci_high"], name
        assert row["value"] == pytest.approx(truth, rel=1e-2), name
    assert (gaps["compute"] / (6 * 3e8 * 6e9)).to_numpy() == pytest.approx(1)
    losses = table[table["quantity"] == "value"].set_index("domain")
    np.testing.assert_allclose(
        gaps["value"], losses.loc[gaps.index, "value"] / losses.loc["base", "value"], rtol=1e-2
    )


def test_models_beyond_the_runs_need_the_option_and_get_their_horizon(fitted):
    request = {"params": 2e9, "tokens": 4e10}
    with pytest.raises(ValueError, match=r"--beyond"):
        fitted.predict(Request(**request))
    table = fitted.predict(Request(**request, beyond=True))
    assert table["beyond"].all()
    top = 6 * 8e8 * 80 * 8e8
    assert table["horizon"].to_numpy() == pytest.approx(6 * 2e9 * 4e10 / top, rel=1e-6)


def test_compute_alone_is_read_on_the_path_that_is_named(fitted):
    table = fitted.predict(Request(at=(5e18,), path="fixed_ratio:20"))
    np.testing.assert_allclose(table["tokens"] / table["params"], 20, rtol=1e-9)
    assert set(table["path"]) == {"fixed_ratio:20"}
    by_tokens = fitted.predict(Request(at=(5e18,), tokens=4e9))
    np.testing.assert_allclose(by_tokens["params"], 5e18 / 6 / 4e9, rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"at": (-1.0,)}, "--at"),
        ({"params": 1e9}, "--tokens"),
        ({"at": (1e20,), "params": 1e9, "tokens": 1e10}, "leave --at out"),
        ({"at": (1e20,), "path": "optimal", "params": 1e9}, "two ways"),
        ({"at": (1e20,), "path": "shortest"}, "choices"),
    ],
)
def test_requests_that_contradict_themselves_are_refused(wrong, word):
    with pytest.raises(ValueError, match=word):
        Request(**wrong)


def test_predictions_are_on_the_terminal_and_in_a_file(tmp_path):
    found = fit_laws(
        ladder(ratios=(5.0, 20.0, 80.0), noise=0.001),
        family="topics",
        baseline="base",
        draws=100,
        estimators=("auto",),
        request=Request(at=(5e18,)),
        out=tmp_path,
    )
    assert "high / base" in found.summary() and "inside" in found.summary()
    assert len(pd.read_csv(tmp_path / "predicted.csv")) == 5 + 4


def test_a_law_is_kept_between_tables(fitted):
    """The model behind a row of relative.csv is the one that curves and predictions read."""
    fits = fitted.laws.corpora[0].metrics[0]
    subject = next(each for each in subjects_of(fits) if each.baseline)
    model = model_of(fits, subject)
    assert model is auto_model(fits.quantity_of(subject.domain, subject.baseline))
    assert back_tests(model) is back_tests(model)
    assert len(predicted(fitted.laws.corpora, Request(at=(5e18,)))) == 9


@pytest.mark.parametrize("exponent", [0.13, -0.08])
def test_a_loss_that_rises_with_compute_has_no_law_of_losses(plant, exponent):
    """Old spelling becomes less probable as models learn the corpus: its gap has a law alone."""
    domains = {"base": (2.0, 0.10, 0.0), "treat": (3.0, exponent, 0.05)}
    frame = plant(domains=domains, run_sd=0.01, domain_sd=0.005)
    laws = fit_family(frame, SPEC)
    quantity = laws.corpora[0].metrics[0].quantity_of("treat", "base")
    names = {trial.name for trial in trials_of(quantity).trials}
    assert losses_rise(quantity) == (exponent < 0)
    assert ({"surfaces", "loss_to_loss"} & names == set()) == (exponent < 0)
    row = ratio_row(laws)
    assert row["ci_low"] < 0.10 - exponent < row["ci_high"]
