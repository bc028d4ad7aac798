import numpy as np
import pandas as pd
import pytest

from relscale.contract.status import Status
from relscale.laws.fit import fit_family
from relscale.laws.fit_error import FitError
from relscale.laws.outside_models import OutsideModel
from relscale.laws.sigmoid import SigmoidForm, draw_sigmoids, fit_sigmoid
from relscale.laws.spec import LawSpec
from relscale.laws.tables.two_stage import Pairs, isotonic_check, sigmoid_columns


def curve(loss, chance=0.25, ceiling=1.0, steepness=5.0, midpoint=0.82):
    """The drawn curve of protocol section 5."""
    return chance + (ceiling - chance) / (1 + np.exp(steepness * (loss - midpoint)))


LOSS = np.linspace(0.4, 1.4, 20)
FREE = SigmoidForm(chance=0.25)
FIXED = SigmoidForm(chance=0.25, floor="chance", ceiling="one")


def test_curve_by_hand():
    # At the midpoint accuracy is half way: .25 + .75 / 2.
    assert fit_sigmoid(LOSS, curve(LOSS), FIXED).predict(0.82) == pytest.approx(0.625)


def test_planted_sigmoid():
    fit = fit_sigmoid(LOSS, curve(LOSS), FIXED)
    assert fit.steepness == pytest.approx(5.0, rel=1e-6)
    assert fit.midpoint == pytest.approx(0.82, rel=1e-6)
    assert fit.ceiling == 1.0
    assert fit.status == "ok"
    assert fit.r2 == pytest.approx(1)


@pytest.mark.parametrize("floor", [0.25, 0.30])
@pytest.mark.parametrize("ceiling", [0.9, 1.0])
def test_planted_floor_and_ceiling_are_recovered(floor, ceiling):
    """Without noise to 1e-8, with noise of .005 within .02: a third of the priors' spread."""
    loss = np.linspace(0.1, 1.6, 40)
    accuracy = curve(loss, chance=floor, ceiling=ceiling)
    exact = fit_sigmoid(loss, accuracy, FREE)
    assert (exact.floor, exact.ceiling) == pytest.approx((floor, ceiling), abs=1e-8)
    assert (exact.steepness, exact.midpoint) == pytest.approx((5.0, 0.82), rel=1e-7)
    noise = np.random.default_rng(0).normal(0, 0.005, 40)
    fit = fit_sigmoid(loss, accuracy + noise, FREE)
    assert (fit.floor, fit.ceiling) == pytest.approx((floor, ceiling), abs=0.02)
    assert (fit.status, fit.remarks) == (Status.OK, ())


def test_fixed_floor_and_ceiling_give_the_figures_of_ordinary_least_squares():
    """Golden figures of the two-parameter fit by scipy's `least_squares`, whose own tolerance is
    1e-7."""
    noise = np.random.default_rng(3).normal(0, 0.02, 20)
    fit = fit_sigmoid(LOSS, curve(LOSS) + noise, FIXED, np.full(20, 800.0))
    assert (fit.floor, fit.ceiling) == (0.25, 1.0)
    assert fit.steepness == pytest.approx(5.153693897580542, rel=1e-6)
    assert fit.midpoint == pytest.approx(0.8196416564365008, rel=1e-6)
    assert fit.steepness_interval(0.95) == pytest.approx(
        (4.630025417059127, 5.677362378101957), rel=1e-6
    )
    assert fit.midpoint_interval(0.95) == pytest.approx(
        (0.7968762601421833, 0.8433883727924448), rel=1e-6
    )
    assert fit.r2 == pytest.approx(0.9860577935244622, rel=1e-6)


def test_a_ceiling_that_no_run_comes_near_is_not_identified():
    """Refits have the spread of its prior: normal about 1 with .2, and never above 1."""
    loss = np.linspace(1.15, 1.6, 30)
    noise = np.random.default_rng(0).normal(0, 0.002, 30)
    fit = fit_sigmoid(loss, curve(loss, chance=0.27) + noise, FREE)
    assert fit.status == Status.FOOT_ONLY
    assert fit.remarks == ("ceiling not identified: no run comes near it",)
    assert fit.floor == pytest.approx(0.27, abs=0.01)
    drawn = draw_sigmoids(fit, 1000, np.random.default_rng(1))
    assert np.quantile(drawn[:, 3], [0.025, 0.1]) == pytest.approx((0.61, 0.74), abs=0.05)
    assert drawn[:, 3].max() == 1.0


def test_a_low_ceiling_is_called_observed_only_where_its_interval_is_low():
    loss = np.linspace(2.4, 3.1, 47)
    true = curve(loss, chance=0.22, ceiling=0.42, steepness=3.6, midpoint=2.95)
    spec = LawSpec(family="continuation", chance=0.25, draws=200)
    found = {}
    for noise in (0.0005, 0.012):
        rows = []
        for seed in range(8):
            accuracy = true + np.random.default_rng(seed).normal(0, noise, len(loss))
            pairs = Pairs(loss=loss, accuracy=accuracy, budget=np.arange(47) // 12)
            rows.append(sigmoid_columns(pairs, spec))
        found[noise] = pd.DataFrame(rows)
    assert (found[0.0005]["status"] == Status.OK).all()
    wide = found[0.012].query("ceiling < 0.6 and ceiling_ci_high > 0.7")
    assert len(wide) >= 2
    assert (wide["status"] == Status.FOOT_ONLY).all()
    assert wide["remarks"].str.contains("the ceiling may be as high as").all()


def test_few_runs_keep_floor_and_ceiling_fixed():
    fit = fit_sigmoid(LOSS[:7], curve(LOSS[:7], ceiling=0.8), FREE)
    assert (fit.floor, fit.ceiling) == (0.25, 1.0)
    assert fit.remarks == ("floor and ceiling fixed: fewer than 8 runs",)


def test_intervals_of_free_floor_and_ceiling_cover():
    """60 draws: each of four parameters held 95 % of the time (three standard errors: .084)."""
    rng = np.random.default_rng(6)
    loss = np.linspace(0.2, 1.5, 24)
    truth = np.array([0.29, 0.9, 5.0, 0.82])
    hits = np.zeros(4)
    for _ in range(60):
        accuracy = curve(loss, chance=0.29, ceiling=0.9) + rng.normal(0, 0.01, 24)
        drawn = draw_sigmoids(fit := fit_sigmoid(loss, accuracy, FREE), 300, rng)
        steepness = drawn[:, 1] / fit.data.spread
        midpoint = fit.center - drawn[:, 0] / steepness
        values = np.stack([drawn[:, 2], drawn[:, 3], steepness, midpoint])
        low, high = np.quantile(values, [0.025, 0.975], axis=1)
        hits += (low <= truth) & (truth <= high)
    assert np.all(hits / 60 >= 0.866)


def test_foot_only():
    loss = np.linspace(1.2, 1.4, 20)
    fit = fit_sigmoid(loss, curve(loss) + np.random.default_rng(0).normal(0, 0.002, 20), FIXED)
    assert fit.status == "foot_only"
    assert fit.losses.min() > fit.midpoint


@pytest.mark.parametrize("form", [FIXED, FREE])
def test_no_relation(form):
    """Accuracies that do not fall with loss, whatever the floor is."""
    flat = 0.3 + np.random.default_rng(1).normal(0, 0.01, 20)
    assert fit_sigmoid(LOSS, flat, form).status == "no_relation"
    assert fit_sigmoid(LOSS, np.sort(flat), form).status == "no_relation"


def test_no_relation_has_an_unbounded_midpoint():
    fit = fit_sigmoid(LOSS, 0.3 + np.random.default_rng(1).normal(0, 0.01, 20), FIXED)
    assert fit.midpoint_interval(0.95) == (float("-inf"), float("inf"))


def test_more_items_weigh_more():
    loss = np.append(LOSS, 0.82)
    accuracy = np.append(curve(LOSS), 0.3)  # one badly measured run far below the curve
    items = np.append(np.full(20, 2000.0), 2.0)
    assert fit_sigmoid(loss, accuracy, FIXED, items).predict(0.82) == pytest.approx(
        0.625, abs=0.005
    )
    assert fit_sigmoid(loss, accuracy, FIXED).predict(0.82) < 0.615


def test_intervals_cover():
    """150 draws: steepness and midpoint held 95 % of the time (three standard errors: .053)."""
    rng = np.random.default_rng(5)
    hits = np.zeros(2)
    for _ in range(150):
        fit = fit_sigmoid(LOSS, curve(LOSS) + rng.normal(0, 0.02, 20), FIXED)
        (low, high), (left, right) = fit.steepness_interval(0.95), fit.midpoint_interval(0.95)
        hits += [low <= 5.0 <= high, left <= 0.82 <= right]
    assert np.all(hits / 150 >= 0.897)


def test_too_few_runs():
    with pytest.raises(FitError, match=r"too_few_runs: 3 run\(s\), the sigmoid needs 4"):
        fit_sigmoid(LOSS[:3], LOSS[:3], FIXED)


def test_rows_of_a_family(plant):
    frame = plant(run_sd=0.01)
    topics = frame[frame["family"] == "topics"]
    loss = topics.assign(metric="choice_loss_nats", value=topics["value"] / 2)
    accuracy = topics.assign(
        metric="accuracy", value=curve(topics["value"] / 2, steepness=3.0), num_items=800
    )
    everything = pd.concat([frame, loss, accuracy], ignore_index=True)
    settings = LawSpec(
        family="topics",
        baseline="base",
        metrics=("choice_loss_nats", "accuracy"),
        chance=0.25,
        draws=200,
        loss_metric="choice_loss_nats",
    )
    table = fit_family(everything, settings).two_stage
    assert list(table["domain"]) == ["base", "treat"]
    np.testing.assert_allclose(table["steepness"], 3.0, rtol=1e-4)
    np.testing.assert_allclose(table["midpoint"], 0.82, rtol=1e-4)
    assert set(table["num_runs"]) == {24}
    # Without a chance level there is no floor to fit from.
    assert fit_family(
        everything, LawSpec(family="topics", baseline="base", draws=200)
    ).two_stage.empty


def test_isotonic_check_passes_a_sigmoid_and_catches_a_step():
    rng = np.random.default_rng(0)
    loss = np.linspace(0.2, 1.6, 60)
    noise = rng.normal(0, 0.01, 60)
    good = curve(loss) + noise
    check = isotonic_check(fit_sigmoid(loss, good, FIXED), loss, good)
    assert check.p_value > 0.05
    assert check.isotonic_rms_residual < check.rms_residual == pytest.approx(0.01, rel=0.3)
    # A plateau half way up: no sigmoid has one.
    step = 0.3 + 0.25 * (loss < 1.3) + 0.4 * (loss < 0.5) + noise
    check = isotonic_check(fit_sigmoid(loss, step, FIXED), loss, step)
    assert check.p_value == pytest.approx(1 / 401)
    assert check.isotonic_rms_residual < 0.3 * check.rms_residual


def test_isotonic_p_keeps_its_level():
    """60 sigmoids with noise: p below .05 in at most 13.4 % (the level and three standard
    errors)."""
    rng = np.random.default_rng(3)
    p = []
    for seed in range(60):
        values = curve(LOSS) + rng.normal(0, 0.02, 20)
        p.append(isotonic_check(fit_sigmoid(LOSS, values, FIXED), LOSS, values, seed).p_value)
    assert np.mean(np.array(p) < 0.05) <= 0.134


def test_badly_measured_losses_weigh_less():
    """Five losses measured to .3 nats only, and displaced by as much: with their errors told, the
    curve hardly sees them."""
    rng = np.random.default_rng(1)
    items = np.full(20, 4000.0)
    accuracy = curve(LOSS) + rng.normal(0, 0.007, 20)
    loss, error = LOSS.copy(), np.full(20, 0.002)
    loss[::4] += rng.choice([-0.3, 0.3], 5)
    error[::4] = 0.3
    told = fit_sigmoid(loss, accuracy, FIXED, items, loss_error=error)
    untold = fit_sigmoid(loss, accuracy, FIXED, items)
    assert abs(told.steepness - 5) < 0.5 < abs(untold.steepness - 5)


def test_slope_is_the_derivative():
    fit = fit_sigmoid(LOSS, curve(LOSS), FIXED)
    step = 1e-6
    numeric = (fit.predict(0.7 + step) - fit.predict(0.7 - step)) / (2 * step)
    assert float(fit.slope(0.7)) == pytest.approx(float(numeric), rel=1e-6)


def test_predictions_of_a_held_out_budget_and_beyond(plant):
    frame = plant(run_sd=0.004, domain_sd=0.004, budgets=("2e10", "5e10", "1e11", "2e11", "5e11"))
    topics = frame[frame["family"] == "topics"]
    loss = topics.assign(metric="choice_loss_nats", value=topics["value"] / 2)
    noise = np.random.default_rng(0).normal(0, 0.004, len(topics))
    accuracy = topics.assign(
        metric="accuracy", value=curve(topics["value"] / 2, steepness=3.0) + noise, num_items=20_000
    )
    settings = LawSpec(
        family="topics",
        baseline="base",
        metrics=("choice_loss_nats",),
        chance=0.25,
        loss_metric="choice_loss_nats",
        draws=200,
        estimators=("joint", "vertex"),
    )
    table = fit_family(pd.concat([frame, loss, accuracy]), settings).predictions.set_index(
        ["domain", "kind", "from_budget"]
    )
    assert len(table) == 6 and set(table["estimator"]) == {"joint"}
    for domain, level, exponent in (("base", 2.0, 0.10), ("treat", 2.4, 0.13)):
        truth = [float(curve(level / 2 * factor**-exponent, steepness=3.0)) for factor in (5, 50)]
        for used, horizon in (("1e11", 5), ("2e11", 2.5)):
            held_out = table.loc[(domain, "held_out", used)]
            assert held_out["budget"] == "5e11" and held_out["compute"] == pytest.approx(5e11)
            assert held_out["horizon"] == pytest.approx(horizon)
            assert held_out["observed"] == pytest.approx(truth[0], abs=0.01)
            assert held_out["accuracy"] == pytest.approx(truth[0], abs=0.06)
        # The last row is that of all budgets but the highest.
        assert held_out["ci_low"] < held_out["observed"] < held_out["ci_high"]
        beyond = table.loc[(domain, "extrapolation", "5e11")]
        assert beyond["compute"] == pytest.approx(5e12)
        assert beyond["horizon"] == pytest.approx(10)
        assert beyond["calibration"] >= 1
        assert beyond["ci_low"] < truth[1] < beyond["ci_high"]
        assert np.isnan(beyond["observed"])
    assert table["status"].isin(["ok", "foot_only"]).all()


def test_two_budgets_predict_without_an_interval(plant):
    frame = plant(run_sd=0.004, budgets=("1e11", "2e11"))
    topics = frame[frame["family"] == "topics"]
    loss = topics.assign(metric="choice_loss_nats", value=topics["value"] / 2)
    accuracy = topics.assign(metric="accuracy", value=curve(topics["value"] / 2, steepness=3.0))
    settings = LawSpec(
        family="topics",
        metrics=("choice_loss_nats",),
        chance=0.25,
        loss_metric="choice_loss_nats",
        draws=200,
        estimators=("vertex",),
    )
    table = fit_family(pd.concat([frame, loss, accuracy]), settings).predictions.set_index(
        ["domain", "kind"]
    )
    assert table.loc[("base", "held_out"), "status"] == "too_few_budgets"
    beyond = table.loc[("base", "extrapolation")]
    assert np.isnan(beyond["ci_low"]) and "no interval: two budgets" in beyond["remarks"]


def two_metrics(plant, steepness=3.0, noise=0.0, **kwargs):
    """Bits per byte as planted, and an accuracy that is a sigmoid of them about 2 bits."""
    frame = plant(**kwargs)
    topics = frame[frame["family"] == "topics"]
    accuracy = curve(topics["value"], steepness=steepness, midpoint=2.0) + np.random.default_rng(
        0
    ).normal(0, noise, len(topics))
    return pd.concat(
        [frame, topics.assign(metric="accuracy", value=accuracy, num_items=20_000)],
        ignore_index=True,
    )


def test_bits_per_byte_is_the_loss_axis_unless_another_is_named(plant):
    table = fit_family(
        two_metrics(plant), LawSpec(family="topics", baseline="base", chance=0.25, draws=200)
    ).two_stage
    assert set(table["loss_metric"]) == {"bits_per_byte"}
    np.testing.assert_allclose(table["steepness"], 3.0, rtol=1e-4)
    np.testing.assert_allclose(table["midpoint"], 2.0, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (
            {"loss_metric": "choice_loss_nats"},
            "loss_metric is 'choice_loss_nats': family 'topics' has no such metric for its "
            "two-stage law",
        ),
        (
            {"accuracy_metric": "accuracy_per_byte"},
            "accuracy_metric is 'accuracy_per_byte': .* it has accuracy, bits_per_byte",
        ),
        (
            {"loss_metric": "accuracy"},
            "loss_metric is 'accuracy': an error that falls with compute is needed",
        ),
        (
            {"accuracy_metric": "bits_per_byte"},
            "accuracy_metric is 'bits_per_byte': an accuracy is needed",
        ),
    ],
)
def test_metrics_that_cannot_be_the_axes(plant, settings, match):
    with pytest.raises(ValueError, match=match):
        fit_family(two_metrics(plant), LawSpec(family="topics", chance=0.25, draws=200, **settings))


def test_intervals_cover_with_noise_in_both_axes():
    """100 suites of 50 runs like the default's: losses known to 2 % (told), 800 items behind an
    accuracy of which only the foot is seen.

    The steepness held 95 % of the time (less three standard errors: .885).
    """
    rng = np.random.default_rng(11)
    true = np.linspace(2.3, 3.2, 50)
    accuracy = curve(true, steepness=2.0, midpoint=1.8)
    items, error = np.full(50, 800.0), np.full(50, 0.02)
    hits, statuses = 0, set()
    for _ in range(100):
        fit = fit_sigmoid(
            true + rng.normal(0, 0.02, 50),
            rng.binomial(800, accuracy) / 800,
            FIXED,
            items,
            loss_error=error,
        )
        low, high = fit.steepness_interval(0.95)
        hits += low <= 2.0 <= high
        statuses.add(fit.status)
    assert hits / 100 >= 0.885
    assert statuses == {"foot_only"}


def constant_ratio(rows):
    """Return runs of 20 tokens per parameter, one budget each."""
    params = rows["num_params_total"]
    compute = 120.0 * params**2
    return rows.assign(
        tokens=20 * params,
        training_flops=compute,
        forward_flops=compute / 3,
        budget=[f"{value:.3e}" for value in compute],
    )


@pytest.mark.parametrize(
    ("change", "statuses"),
    [
        (lambda rows: rows.assign(accuracy=0.25), {"no_relation"}),
        (lambda rows: rows.assign(accuracy=rows["accuracy"] * 0 + 1.0), {"no_relation"}),
        (
            lambda rows: rows.groupby(["budget", "domain"]).head(1),
            {"ok", "foot_only", "too_few_runs"},
        ),
        (lambda rows: rows[rows["budget"] == "5e10"], {"ok", "foot_only", "too_few_budgets"}),
        (lambda rows: rows[rows["run"].isin(rows["run"].unique()[:3])], {"too_few_runs"}),
        (constant_ratio, {"ok", "foot_only"}),
    ],
    ids=["at chance", "all right", "one per budget", "one budget", "three runs", "constant ratio"],
)
def test_tables_that_tell_little_have_a_status(plant, change, statuses):
    """No table ends in an error: every domain keeps its rows, and outside models theirs."""
    frame = plant(run_sd=0.004, budgets=("2e10", "5e10", "1e11", "2e11"))
    topics = frame[frame["family"] == "topics"]
    noise = np.random.default_rng(0).normal(0, 0.004, len(topics))
    wide = topics.assign(accuracy=curve(topics["value"], steepness=3.0, midpoint=2.0) + noise)
    wide = change(wide)
    losses = pd.concat(
        [wide, wide.assign(metric="accuracy", value=wide["accuracy"])], ignore_index=True
    )
    spec = LawSpec(family="topics", chance=0.25, draws=100, optimum_by="family_mean")
    model = OutsideModel(name="big", compute=1e13, loss=1.5, accuracy=0.7, params=1e4, tokens=1e8)
    laws = fit_family(losses, spec, outside_models=[model])
    assert list(laws.two_stage["domain"]) == ["base", "treat"]
    assert set(laws.two_stage["status"]) <= statuses
    predicted = laws.predictions
    assert {"held_out", "extrapolation"} <= set(predicted["kind"])
    assert set(predicted.loc[predicted["model"] == "big", "domain"]) == {"base", "treat"}
    inside = predicted.dropna(subset=["ci_low"])
    assert (inside["ci_low"] <= inside["accuracy"]).all()
    assert (inside["accuracy"] <= inside["ci_high"]).all()
