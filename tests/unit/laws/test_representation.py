"""Difference in differences of shares: planted truths, noise, floors, expectations."""

import doctest

import numpy as np
import pytest
from planted_shares import ODDS, Planted, spec_of
from pydantic import ValidationError

from relscale.laws import share_rows
from relscale.laws.representation import fit_representation
from relscale.laws.share_rows import agreement

NOISE = {"run": 0.006, "size": 0.004, "item": 0.2, "interaction": 0.03}
EXPECTED = {
    "written": "2026-11-29",
    "level": "negative",
    "slope_ratio": "zero",
    "slope_reducible": "zero",
    "reason": "planted",
}


def fitted(planted, seed=0, **changes):
    losses, items = planted.tables(seed)
    return fit_representation(losses, spec_of(**changes), items)


def row_of(table, quantity, kind="difference", scale="ratio", floors="none", subject="a / b"):
    found = table[
        (table["quantity"] == quantity)
        & (table["kind"] == kind)
        & (table["scale"] == scale)
        & (table["floors"] == floors)
        & (table["subject"] == subject)
        & (table["estimator"] == "joint")
    ]
    assert len(found) == 1
    return found.iloc[0]


@pytest.fixture(scope="module", name="noisy")
def noisy_fixture():
    """A suite with all kinds of noise, whose shares move only the level."""
    return fitted(Planted(**NOISE))


def test_examples_of_docstrings_run():
    failed, tried = doctest.testmod(share_rows)
    assert tried and not failed


def test_the_planted_difference_in_differences_is_recovered():
    planted = Planted(level=-0.05, slope=-0.004)
    table = fitted(planted)
    assert row_of(table, "level")["value"] == pytest.approx(planted.level_difference, abs=1e-9)
    assert row_of(table, "slope")["value"] == pytest.approx(planted.slope_difference, abs=1e-9)
    dose = row_of(table, "slope", kind="dose")["value"]
    assert dose == pytest.approx(planted.slope, abs=1e-9)
    assert row_of(table, "level", kind="middle")["value"] == pytest.approx(0, abs=1e-9)


def test_the_line_of_the_dose_response_is_least_squares_through_the_corpora(noisy):
    for quantity in ("level", "slope"):
        every = noisy[(noisy["quantity"] == quantity) & (noisy["estimator"] == "joint")]
        every = every[(every["scale"] == "ratio") & (every["subject"] == "a / b")]
        points = every[every["kind"] == "corpus"].set_index("corpus")
        line = every[every["kind"] == "line"].set_index("corpus").loc[points.index]
        slope, height = np.polyfit(points["log_share"], points["value"], 1)
        np.testing.assert_allclose(line["log_share"], points["log_share"])
        np.testing.assert_allclose(line["value"], height + slope * points["log_share"], rtol=1e-9)
        assert row_of(noisy, quantity, kind="dose")["value"] == pytest.approx(slope, rel=1e-9)
        assert (line["ci_low"] < line["value"]).all() and (line["value"] < line["ci_high"]).all()
        # The mean of three corpora is known better than any of them.
        assert line.loc["even", "standard_error"] < points["standard_error"].max()


def test_the_dose_response_of_a_domain_is_in_its_own_log_share():
    planted = Planted(level=-0.05, slope=-0.004)
    table = fitted(planted)
    for domain in ("a", "b"):
        level = row_of(table, "level", kind="dose", scale="loss", subject=domain)
        slope = row_of(table, "slope", kind="dose", scale="loss", subject=domain)
        assert level["value"] == pytest.approx(planted.level, abs=1e-9)
        assert slope["value"] == pytest.approx(planted.slope, abs=1e-9)


def test_a_share_that_moves_only_the_level_leaves_a_slope_of_zero(noisy):
    level, slope = row_of(noisy, "level"), row_of(noisy, "slope")
    assert level["ci_high"] < 0
    assert level["ci_low"] < Planted().level_difference < level["ci_high"]
    assert slope["ci_low"] < 0 < slope["ci_high"]


def test_the_difficulty_of_shared_items_cancels_between_corpora(noisy):
    one = row_of(noisy[noisy["corpus"] == "even"], "level", kind="corpus")
    both = row_of(noisy, "level")
    assert one["item_share"] > 0.95 and both["item_share"] < 0.5
    assert both["standard_error"] < one["standard_error"] / 3


def test_items_that_differ_between_corpora_do_not_cancel():
    losses, items = Planted(**NOISE).tables()
    renamed = items["item"].where(items["corpus"] != "lean_b", items["item"] + "x")
    apart = fit_representation(losses, spec_of(), items.assign(item=renamed))
    shared = fit_representation(losses, spec_of(), items)
    error = row_of(apart, "level")["standard_error"]
    assert error > 3 * row_of(shared, "level")["standard_error"]


def test_with_floors_the_ratio_moves_and_the_reducible_losses_do_not():
    planted = Planted(level=-0.06, floor=1.0)
    table = fitted(planted)
    assert row_of(table, "slope")["value"] > 0.003
    # An assumed floor below the true one takes a part of that away, one above it too much.
    slopes = [
        row_of(table, "slope", scale="reducible", floors=f"assumed {share}")["value"]
        for share in (0.25, 0.5, 0.75)
    ]
    assert row_of(table, "slope")["value"] > slopes[0] > slopes[1]
    assert slopes[2] < 0


def test_the_margin_is_a_share_of_the_level_over_the_range_of_compute(noisy):
    level, slope = row_of(noisy, "level"), row_of(noisy, "slope")
    margin = max(0.1 * abs(level["value"]), 0.005)
    assert level["margin"] == pytest.approx(margin)
    assert slope["margin"] == pytest.approx(margin / np.log(30))


def test_an_expectation_is_printed_next_to_the_result():
    planted = Planted(**NOISE)
    table = fitted(planted, representation={"expectation": EXPECTED})
    level, slope = row_of(table, "level"), row_of(table, "slope")
    assert (level["expected"], level["agreement"]) == ("negative", "agrees")
    assert (slope["expected"], slope["written"]) == ("zero", "2026-11-29")
    reducible = row_of(table, "slope", scale="reducible", floors="surface")
    if reducible["status"] != "ok":
        assert reducible["agreement"] == "undecided"
    others = table[(table["kind"] != "difference") | (table["scale"] == "loss")]
    assert (others["expected"] == "").all()


@pytest.mark.parametrize(
    ("expected", "low", "high", "answer"),
    [
        ("negative", -3, -1, "agrees"),
        ("negative", 1, 3, "contradicts"),
        ("negative", -1, 3, "undecided"),
        ("positive", 1, 3, "agrees"),
        ("positive", -3, -1, "contradicts"),
        ("zero", -0.1, 0.2, "agrees"),
        ("zero", -0.1, 3, "undecided"),
        ("zero", 0.1, 0.2, "contradicts"),
        ("zero", float("nan"), 1, "undecided"),
    ],
)
def test_an_interval_answers_an_expectation(expected, low, high, answer):
    assert agreement(expected, low, high, 0.5) == answer


def test_without_items_the_noise_is_that_of_the_runs():
    losses, _ = Planted(**NOISE).tables()
    table = fit_representation(losses, spec_of())
    slope = row_of(table, "slope")
    assert slope["item_share"] == 0 and slope["standard_error"] > 0


def test_two_budgets_have_a_difference_without_an_interval_and_say_why():
    losses, items = Planted(slope=-0.004).tables()
    few = losses[losses["training_flops"] < 1e12]
    table = fit_representation(few, spec_of(), items[items["run"].isin(few["run"])])
    slope = row_of(table, "slope")
    assert slope["value"] == pytest.approx(-0.004 * 2 * ODDS, abs=1e-9)
    assert np.isnan(slope["ci_low"]) and np.isnan(slope["dof"])
    assert "no interval: two budgets" in slope["remarks"]


def test_two_corpora_have_a_difference_and_no_dose_response():
    losses, items = Planted(**NOISE).tables()
    shares = {"lean_a": {"a": 0.6, "b": 0.04}, "lean_b": {"a": 0.04, "b": 0.6}}
    table = fit_representation(losses, spec_of(representation={"corpora": shares}), items)
    assert set(table["kind"]) == {"corpus", "difference"}


def test_the_order_of_the_corpora_does_not_matter(noisy):
    losses, items = Planted(**NOISE).tables()
    shares = dict(reversed(spec_of().representation.corpora.items()))
    table = fit_representation(losses, spec_of(representation={"corpora": shares}), items)
    again, before = row_of(table, "slope"), row_of(noisy, "slope")
    assert again["corpus"] == before["corpus"] == "lean_a - lean_b"
    assert again["value"] == pytest.approx(before["value"])
    assert again["standard_error"] == pytest.approx(before["standard_error"], rel=0.02)


def test_a_corpus_or_domain_that_the_table_lacks_is_named():
    losses, items = Planted().tables()
    fewer = losses[losses["corpus"] != "even"]
    with pytest.raises(ValueError, match="names even; the corpora of family 'strata' are"):
        fit_representation(fewer, spec_of(), items)
    gone = losses[(losses["corpus"] != "even") | (losses["domain"] != "a")]
    with pytest.raises(
        ValueError, match=r"domain 'a' .* no value of bits_per_byte in corpus 'even'"
    ):
        fit_representation(gone, spec_of())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treatments": ("a", "a")}, "'a' twice"),
        ({"corpora": {"x": {"a": 0.6}, "y": {"a": 0.1, "b": 0.2}}}, "give those of a and b"),
        ({"corpora": {"x": {"a": 0.6, "b": 0.5}, "y": {"a": 0.1, "b": 0.2}}}, "more than 1"),
        ({"corpora": {"x": {"a": 0.2, "b": 0.1}, "y": {"a": 0.4, "b": 0.2}}}, "the same shares"),
    ],
)
def test_a_question_that_has_no_answer_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        spec_of(representation=changes)


@pytest.mark.soak
def test_intervals_of_the_difference_in_differences_cover_the_truth():
    """40 suites: at a coverage of .95 fewer than 34 hits have a probability of .005."""
    planted = Planted(slope=-0.002, **NOISE)
    truth = {"level": planted.level_difference, "slope": planted.slope_difference}
    hits = dict.fromkeys(truth, 0)
    for seed in range(40):
        losses, items = planted.tables(seed)
        table = fit_representation(losses, spec_of(draws=100, metrics=("bits_per_byte",)), items)
        for quantity, value in truth.items():
            row = row_of(table, quantity)
            hits[quantity] += row["ci_low"] < value < row["ci_high"]
    assert min(hits.values()) >= 34, hits


def test_log_odds_of_the_shares_are_the_doses(noisy):
    doses = noisy[(noisy["kind"] == "corpus") & (noisy["scale"] == "ratio")]
    found = dict(zip(doses["corpus"], doses["log_share"], strict=True))
    assert found == pytest.approx({"lean_a": ODDS, "even": 0.0, "lean_b": -ODDS})
