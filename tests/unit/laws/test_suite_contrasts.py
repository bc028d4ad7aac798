"""Contrasts between suites: planted slopes, shared items, and wrong input."""

import numpy as np
import pandas as pd
import pytest

from relscale.config.analysis import Laws, SuiteContrast
from relscale.contract.io import read_table
from relscale.contract.tables.suite_contrast_points import SUITE_CONTRAST_POINTS
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.laws.run import fit_laws
from relscale.laws.spec import LawSpec
from relscale.laws.suite_contrasts.fit import fit_suite_contrasts
from relscale.laws.suite_contrasts.named import contrasts_of

SPEC = LawSpec(family="topics", draws=400, estimators=("joint",))
PAIR = SuiteContrast(treatment="new", baseline="old")
OLD = {"x": (2.0, 0.10, 0.0), "y": (2.4, 0.13, 0.05), "z": (2.2, 0.08, -0.03)}
NEW = {"x": (2.1, 0.12, 0.02), "y": (2.2, 0.13, 0.0), "z": (2.3, 0.05, 0.0)}
"""Level at 1e11 FLOPs, exponent, tilt."""
SLOPES = {name: OLD[name][1] - NEW[name][1] for name in OLD}
LEVELS = {name: NEW[name][0] / OLD[name][0] for name in OLD}


def two_suites(plant, new=NEW, old=OLD, seed=0, **noise):
    """Return the losses of two suites on one grid of budgets with independent noise."""
    frames = [
        plant(corpus=name, domains=domains, seed=1000 * seed + place, **noise)
        for place, (name, domains) in enumerate((("new", new), ("old", old)))
    ]
    return pd.concat(frames, ignore_index=True)


def contrasts(losses, items=None, spec=SPEC, pair=PAIR):
    """Return the laws of the ratio by domain."""
    return fit_suite_contrasts(losses, spec, [pair], items).ratio.set_index("domain")


def test_planted_slopes_and_levels_are_recovered_without_noise(plant):
    found = contrasts(two_suites(plant))
    for name in OLD:
        # Tokens are whole numbers, so that the optima are planted to seven digits.
        assert found.loc[name, "dbeta"] == pytest.approx(SLOPES[name], abs=1e-6)
        at = np.log(found.loc[name, "reference_compute"] / 1e11)
        expected = LEVELS[name] * np.exp(SLOPES[name] * at)
        assert found.loc[name, "gamma"] == pytest.approx(expected, rel=1e-6)


def test_each_suite_is_read_at_its_own_optimum(plant):
    # The grid of one suite is off its optimum by .2 decades: values of equal sizes would differ.
    moved = plant(corpus="new", domains=OLD, offset=0.2)
    found = contrasts(pd.concat([moved, plant(corpus="old", domains=OLD)]))
    assert found["dbeta"].abs().max() < 1e-6
    assert (found["gamma"] - 1).abs().max() < 1e-6


def test_suites_of_any_law_have_a_straight_gap_if_it_is_planted(plant):
    # A common factor per budget, far from a power law, cancels.
    losses = two_suites(plant)
    bend = {"5e10": 1.0, "1e11": 0.7, "2e11": 0.66, "5e11": 0.5}
    factor = losses["budget"].map(bend)
    bent = contrasts(losses.assign(value=losses["value"] * factor))
    straight = contrasts(losses)
    np.testing.assert_allclose(bent["dbeta"], straight["dbeta"], atol=1e-9)
    assert (bent["budget_sd"] < 1e-6).all()


def test_intervals_of_planted_slopes_cover_them(plant):
    suites, inside, of_levels = 60, [], []
    for seed in range(suites):
        losses = two_suites(plant, seed=seed, run_sd=0.01, domain_sd=0.004, budget_sd=0.003)
        found = contrasts(losses)
        for name, row in found.iterrows():
            inside.append(row["ci_low"] <= SLOPES[name] <= row["ci_high"])
            at = np.log(row["reference_compute"] / 1e11)
            true = LEVELS[name] * np.exp(SLOPES[name] * at)
            of_levels.append(row["gamma_ci_low"] <= true <= row["gamma_ci_high"])
    # 60 suites of three domains that share the runs' noise: three standard errors of 60.
    assert 0.95 - 3 * np.sqrt(0.05 * 0.95 / suites) <= np.mean(inside) <= 0.995
    assert np.mean(of_levels) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / suites)


def test_equal_suites_seldom_have_a_direction(plant):
    directed = 0
    for seed in range(40):
        losses = two_suites(plant, new=OLD, seed=seed, run_sd=0.01, domain_sd=0.004)
        found = contrasts(losses)
        directed += bool(set(found["verdict"]) - {"parallel", "undecided"})
    # The adjusted level is .05 per contrast: with 40 contrasts, more than 6 occur once in 300.
    assert directed <= 6


def test_the_same_losses_twice_have_no_gap_and_no_direction(plant):
    old = plant(corpus="old", domains=OLD, run_sd=0.002, domain_sd=0.001)
    twice = pd.concat([old, old.assign(corpus="new")])
    found = contrasts(twice)
    np.testing.assert_allclose(found["dbeta"], 0, atol=1e-12)
    np.testing.assert_allclose(found["gamma"], 1, atol=1e-12)
    assert set(found["verdict"]) <= {"parallel", "undecided"}
    exact = contrasts(pd.concat([plant(corpus=name, domains=OLD) for name in ("new", "old")]))
    assert set(exact["verdict"]) == {"parallel"}


def test_a_swap_of_the_suites_changes_signs_alone(plant):
    losses = two_suites(plant, run_sd=0.01, domain_sd=0.004)
    forward = contrasts(losses)
    back = contrasts(losses, pair=SuiteContrast(treatment="old", baseline="new"))
    np.testing.assert_allclose(back["dbeta"], -forward["dbeta"], rtol=1e-9)
    np.testing.assert_allclose(back["standard_error"], forward["standard_error"], rtol=1e-9)
    assert back["verdict"].tolist() == forward["verdict"].tolist()


def with_items(losses, common_sd, own_sd, names=lambda corpus, item: item, items=120, seed=5):
    """Return losses that are sums over items, and the items.

    An item has a difficulty that both suites share, which grows or shrinks with compute, and one
    that is the suite's.
    """
    rng = np.random.default_rng(seed)
    rows = []
    domains = losses[losses["family"] == "topics"]
    common = {name: rng.normal(0, common_sd, (2, items)) for name in domains["domain"].unique()}
    own = {
        (corpus, name): rng.normal(0, own_sd, (2, items))
        for corpus in domains["corpus"].unique()
        for name in common
    }
    losses = losses.copy()
    for index, row in domains.iterrows():
        level, slope = common[row["domain"]] + own[row["corpus"], row["domain"]]
        away = np.log(row["training_flops"] / 1e11)
        value = row["value"] * np.exp(level + 0.3 * slope * away)
        losses.loc[index, "value"] = value.mean()
        keys = {key: row[key] for key in ("corpus", "run", "family", "domain", "metric")}
        rows.append(
            pd.DataFrame(
                {
                    **keys,
                    "stratum": "all",
                    "item": [names(row["corpus"], str(each)) for each in range(items)],
                    "numerator": value,
                    "denominator": 1.0,
                }
            )
        )
    return losses, pd.concat(rows, ignore_index=True)


def test_the_noise_of_shared_items_cancels(plant):
    losses = two_suites(plant, run_sd=0.003, domain_sd=0.002)
    apart, alone = with_items(losses, 0.3, 0.0, names=lambda corpus, item: f"{corpus} {item}")
    shared, items = with_items(losses, 0.3, 0.0)
    one, other = contrasts(shared, items), contrasts(apart, alone)
    assert set(one["ci_method"]) == {"runs+items"}
    # The same numbers: only the names say whether an item is one of both suites or two.
    np.testing.assert_allclose(one["dbeta"], other["dbeta"], rtol=1e-12)
    assert (one["item_share"] < 0.02).all()
    assert (other["item_share"] > 0.5).all()
    assert other["remarks"].str.contains("the suites share no item").all()
    assert not one["remarks"].str.contains("share no item").any()


def test_intervals_hold_the_items_that_one_suite_finds_easier(plant):
    inside = []
    for seed in range(20):
        losses = two_suites(plant, seed=seed, run_sd=0.003, domain_sd=0.002)
        shared, items = with_items(losses, 0.2, 0.15, seed=seed)
        found = contrasts(shared, items)
        assert (found["item_share"] > 0.2).all()
        inside += [row["ci_low"] <= SLOPES[at] <= row["ci_high"] for at, row in found.iterrows()]
    # The mean over items of e to a slope times compute is not quite a line: within .0005 here.
    assert np.mean(inside) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 20)


def test_the_difference_is_in_the_unit_of_the_metric(plant):
    losses = two_suites(plant)
    unit = fit_suite_contrasts(losses, SPEC, [PAIR]).laws.query("scale == 'difference'")
    ten = fit_suite_contrasts(losses.assign(value=losses["value"] * 10), SPEC, [PAIR])
    ten = ten.laws.query("scale == 'difference'")
    np.testing.assert_allclose(ten["dbeta"], 10 * unit["dbeta"], rtol=1e-9)
    np.testing.assert_allclose(ten["margin"], 10 * unit["margin"], rtol=1e-9)
    at = unit.set_index("domain")
    points = fit_suite_contrasts(losses, SPEC, [PAIR]).points.query("domain == 'x'")
    difference = points["treatment_value"] - points["baseline_value"]
    reference = np.exp(np.log(points["compute"]).mean())
    line = at.loc["x", "gamma"] + at.loc["x", "dbeta"] * np.log(points["compute"] / reference)
    # Two power laws differ by no straight line: to a tenth of the smallest difference here.
    np.testing.assert_allclose(line, difference, atol=0.1 * difference.abs().min() + 0.01)


def test_the_gain_is_the_compute_that_the_treatment_needs(plant):
    # L_new = 0.9 L_old at exponent .1: the same loss at e to (log .9 / .1) times the compute.
    new = {"x": (1.8, 0.10, 0.0)}
    losses = two_suites(plant, new=new, old={"x": (2.0, 0.10, 0.0)})
    gain = fit_suite_contrasts(losses, SPEC, [PAIR]).laws.query("scale == 'gain'").iloc[0]
    assert gain["gamma"] == pytest.approx(np.exp(np.log(0.9) / 0.1), rel=1e-5)
    assert gain["verdict"] == ""


def test_budgets_are_matched_by_compute_not_by_label(plant):
    old = plant(corpus="old", domains=OLD)
    new = plant(corpus="new", domains=NEW, budgets=("1e11", "2e11", "5e11", "2e12"))
    new["budget"] = "B" + new["budget"]
    found = fit_suite_contrasts(pd.concat([new, old]), SPEC, [PAIR])
    assert found.ratio["num_budgets"].tolist() == [3, 3, 3]
    assert found.points["budget"].unique().tolist() == ["B1e11", "B2e11", "B5e11"]
    assert found.ratio["remarks"].str.contains("budget.s. of new without a partner: B2e12").all()
    assert found.ratio["remarks"].str.contains("budget.s. of old without a partner: 5e10").all()
    slopes = found.ratio.set_index("domain")["dbeta"]
    assert slopes["x"] == pytest.approx(SLOPES["x"], abs=1e-6)


def test_suites_with_one_size_per_budget_are_compared_by_their_runs(plant):
    losses = two_suites(plant, run_sd=0.002, domain_sd=0.001)
    middle = losses[losses["run"].str.contains("-n2-")]
    found = contrasts(middle)
    # Sizes are off the optimum by .12 decades in both suites: a tilt of .05 moves log G by .006.
    for name in OLD:
        assert found.loc[name, "dbeta"] == pytest.approx(SLOPES[name], abs=0.006)
    assert found["remarks"].str.contains("interval from the budgets' scatter alone").all()
    assert (found["dof"] == 2).all()


def test_a_domain_of_one_suite_is_a_row_with_its_reason(plant):
    losses = two_suites(plant)
    lost = losses[~((losses["corpus"] == "new") & (losses["domain"] == "y"))]
    found = contrasts(lost)
    assert found.loc["y", "status"] == "domain_missing"
    assert found.loc["y", "remarks"] == "no usable value in suite new"
    assert found.loc["x", "status"] == "ok"


def test_one_common_budget_is_a_row_with_its_reason(plant):
    new = plant(corpus="new", domains=NEW, budgets=("5e11", "2e12", "5e12"))
    found = contrasts(pd.concat([new, plant(corpus="old", domains=OLD)]))
    assert set(found["status"]) == {"too_few_budgets"}
    assert set(found["num_runs"]) == {0}


def test_the_tables_have_the_columns_of_their_contract(plant):
    found = fit_suite_contrasts(two_suites(plant), SPEC, [PAIR])
    assert tuple(found.laws) == SUITE_CONTRASTS.names
    assert tuple(found.points) == SUITE_CONTRAST_POINTS.names
    assert not found.laws.duplicated(list(SUITE_CONTRASTS.key)).any()
    assert not found.points.duplicated(list(SUITE_CONTRAST_POINTS.key)).any()


def test_an_unknown_suite_is_named_with_the_choices(plant):
    losses = two_suites(plant)
    with pytest.raises(
        ValueError, match=r"table\.csv: contrast web/old: no suite 'web' .* new, old"
    ):
        fit_suite_contrasts(
            losses, SPEC, [SuiteContrast(treatment="web", baseline="old")], where="table.csv"
        )


def test_a_suite_without_the_metric_is_named_with_its_metrics(plant):
    losses = two_suites(plant)
    losses.loc[(losses["corpus"] == "old") & (losses["family"] == "topics"), "metric"] = (
        "choice_loss_nats"
    )
    with pytest.raises(ValueError, match="suite 'old' has no metric bits_per_byte; it has choice"):
        contrasts(losses)


def test_suites_without_common_compute_are_named_with_their_compute(plant):
    new = plant(corpus="new", domains=NEW, budgets=("1e13", "1e14"))
    with pytest.raises(ValueError, match=r"no budget of the same training_flops: new has 1e\+13"):
        contrasts(pd.concat([new, plant(corpus="old", domains=OLD)]))


def test_a_suite_is_not_compared_with_itself():
    with pytest.raises(ValueError, match="treatment and baseline are both 'web': must differ"):
        SuiteContrast(treatment="web", baseline="web")
    pairs = [PAIR, SuiteContrast(treatment="old", baseline="new")]
    with pytest.raises(ValueError, match="old/new is there more than once"):
        Laws(suite_contrasts=pairs)


def test_contrasts_are_fitted_with_the_laws_of_a_table_and_written(plant, tmp_path):
    losses = two_suites(plant, run_sd=0.01, domain_sd=0.004)
    found = fit_laws(
        losses,
        family="topics",
        estimators=("joint",),
        classical=("kaplan_compute",),
        draws=100,
        contrasts=["suite:new/old"],
        out=tmp_path,
    )
    assert "Suite new against suite old" in found.summary()
    written = {path.stem for path in tmp_path.glob("*.csv")}
    assert {"relative", "contrasts"} <= written, "tables without rows are written"
    assert not written & {"buckets", "documents", "positions", "position_laws"}
    laws = read_table(tmp_path / "suite_contrasts.csv", SUITE_CONTRASTS.names)
    assert laws["domain"].unique().tolist() == ["x", "y", "z"]
    np.testing.assert_allclose(laws["dbeta"], found.suite_contrasts.laws["dbeta"], rtol=1e-6)
    points = read_table(tmp_path / "suite_contrast_points.csv", SUITE_CONTRAST_POINTS.names)
    np.testing.assert_allclose(points["gap"], points["treatment_value"] / points["baseline_value"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("new/old", "must be suite:TREATMENT/BASELINE"),
        ("suite:new", "must be suite:TREATMENT/BASELINE"),
        ("suite:web/old", "names a corpus that the table lacks; the choices are a/b, b, new, old"),
        ("suite:old/old", "treatment and baseline must differ"),
        ("suite:a/b/b", ""),
    ],
)
def test_a_contrast_is_named_by_two_corpora(name, message):
    known = ("new", "old", "a/b", "b")
    if not message:
        assert contrasts_of([name], known) == (SuiteContrast(treatment="a/b", baseline="b"),)
        return
    with pytest.raises(ValueError, match=message):
        contrasts_of([name], known)
