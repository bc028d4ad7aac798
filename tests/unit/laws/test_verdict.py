import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from relscale.contract.verdicts import GAP_VERDICTS, RISING_VERDICTS
from relscale.laws.gap import gap_fit
from relscale.laws.spec import LawSpec
from relscale.laws.tables.relative import side_tests
from relscale.laws.verdict import (
    add_verdicts,
    faster_of,
    holm,
    p_difference,
    p_equivalence,
    step_down,
    verdict_of,
)

SPEC = LawSpec(family="f")


def verdicts(relative):
    return add_verdicts(relative, SPEC.rises)


def test_p_values_by_hand():
    # t = 2.086 is the two-sided 5 % point at 20 degrees of freedom.
    assert p_difference(-0.02086, 0.01, 20) == pytest.approx(0.05, abs=1e-4)
    # One-sided 5 % point at 20 degrees of freedom: 1.7247. (0.01 - 0.0042753) / 0.00331924 =
    # 1.7247.
    assert p_equivalence(-0.0042753, 0.00331924, 20, 0.01) == pytest.approx(0.05, abs=1e-4)
    # On the margin the one-sided test is a coin toss; outside it speaks for the difference.
    assert p_equivalence(0.01, 0.003, 20, 0.01) == pytest.approx(0.5)
    assert p_equivalence(0.02, 0.003, 20, 0.01) > 0.99
    assert np.isnan(p_difference(0.1, np.nan, 20))
    assert np.isnan(p_equivalence(0.1, 0.1, 0, 0.01))


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04: 4 x .01 = .04, 3 x .02 = .06, 2 x .03 = .06, 1 x .04 -> .06 by
    # monotony.
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.02])), [0.06, 0.04, 0.06, 0.06])
    # A missing p value does not count: 2 tests.
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.9])), [0.02, np.nan, 0.9])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1.0, 1.0])


ERROR, RISING = "bits_per_byte", "accuracy"
YES, NO = 0.001, 0.2


@pytest.mark.parametrize(
    ("change", "tests", "ends", "metric", "verdict", "faster"),
    [
        # change, (difference, equivalence, crosses, side), (first, last) of log G.
        # Treatment harder (log G > 0) and faster: the gap closes.
        (-0.07, (YES, NO, NO, YES), (0.20, 0.13), ERROR, "narrows", "treatment"),
        (-0.07, (YES, YES, NO, YES), (0.20, 0.13), ERROR, "narrows slightly", "treatment"),
        # Treatment harder and slower.
        (0.07, (YES, NO, NO, YES), (0.13, 0.20), ERROR, "widens", "baseline"),
        (0.07, (YES, YES, NO, YES), (0.13, 0.20), ERROR, "widens slightly", "baseline"),
        # Treatment easier (log G < 0) and faster: the gap opens.
        (-0.07, (YES, NO, NO, YES), (-0.10, -0.17), ERROR, "widens", "treatment"),
        # Treatment easier and slower.
        (0.07, (YES, NO, NO, YES), (-0.17, -0.10), "choice_loss_nats", "narrows", "baseline"),
        # The domains change places, and both ends are significantly on their sides.
        (-0.08, (YES, NO, YES, NO), (0.05, -0.03), ERROR, "crosses", "treatment"),
        # A crossing is not slight: the order reverses.
        (-0.08, (YES, YES, YES, NO), (0.05, -0.03), ERROR, "crosses", "treatment"),
        # The fitted gap passes 0, but its far end does not differ significantly from 0.
        (-0.09, (YES, NO, NO, YES), (0.08, -0.01), ERROR, "narrows", "treatment"),
        # The change is significant, but not which domain is harder.
        (-0.08, (YES, NO, NO, NO), (0.05, -0.03), ERROR, "undecided", "treatment"),
        (-0.08, (YES, YES, NO, NO), (0.05, 0.01), ERROR, "undecided", "treatment"),
        # Not significantly different: small or not shown to be small.
        (-0.01, (NO, YES, NO, YES), (0.20, 0.19), ERROR, "parallel", "neither"),
        (-0.07, (NO, NO, NO, YES), (0.20, 0.13), ERROR, "undecided", "undecided"),
        # Without a significant change there is not a crossing.
        (-0.08, (NO, NO, YES, YES), (0.05, -0.03), ERROR, "undecided", "undecided"),
        # Rising metrics: up is rise, whatever the sides, and the one that rises is faster.
        (0.07, (YES, NO, NO, NO), (0.00, 0.07), RISING, "rises", "treatment"),
        (0.07, (YES, YES, NO, NO), (0.00, 0.07), RISING, "rises slightly", "treatment"),
        (-0.2, (YES, NO, YES, NO), (0.1, -0.1), "choice_probability", "falls", "baseline"),
        (-0.2, (YES, YES, NO, YES), (-0.1, -0.3), RISING, "falls slightly", "baseline"),
        (0.001, (NO, YES, NO, NO), (0.0, 0.001), RISING, "parallel", "neither"),
        (0.001, (NO, NO, NO, NO), (0.0, 0.001), RISING, "undecided", "undecided"),
        # No interval, no p values.
        (-0.07, (np.nan,) * 4, (0.20, 0.13), ERROR, "undecided", "undecided"),
        # A metric of other tools.
        (-0.07, (YES, NO, NO, YES), (0.20, 0.13), "cross_entropy", "narrows", "treatment"),
    ],
)
def test_every_row_of_the_table_of_verdicts(change, tests, ends, metric, verdict, faster):
    rising = SPEC.rises(metric)
    assert verdict_of(change, *tests, *ends, rising, 0.05) == verdict
    assert verdict in (RISING_VERDICTS if rising else GAP_VERDICTS)
    assert faster_of(change, *tests[:2], rising, 0.05) == faster


@given(
    change=st.floats(-1, 1).filter(bool),
    difference=st.floats(0, 0.0499),
    others=st.tuples(*[st.floats(0, 1)] * 3),
    middle=st.floats(-1, 1),
    rising=st.booleans(),
)
def test_a_change_that_differs_significantly_is_never_parallel(
    change, difference, others, middle, rising
):
    ends = middle - change / 2, middle + change / 2
    verdict = verdict_of(change, difference, *others, *ends, rising, 0.05)
    assert verdict != "parallel"
    if not rising and verdict not in ("crosses", "undecided"):
        # The direction of the size of the gap, whose sign is that of the middle.
        assert verdict.startswith("narrows") == (abs(ends[1]) < abs(ends[0]))
    assert faster_of(change, difference, others[0], rising, 0.05) in ("treatment", "baseline")


def test_of_each_gap_one_hypothesis_at_most_is_true_so_the_multiplier_is_the_number_of_gaps():
    # Two gaps with a test of difference and one of equivalence each. Sorted: .01 (two gaps left),
    # .02 (two: the first gap's other hypothesis is not rejected yet), .03 (two), and .04 (one: the
    # second gap is done).
    p_values = np.array([[0.01, 0.04], [0.02, 0.03]])
    np.testing.assert_allclose(step_down(p_values), [[0.02, 0.06], [0.04, 0.06]])
    np.testing.assert_allclose(step_down(np.array([[0.01, 0.07], [0.02, 0.03]]))[0, 1], 0.07)
    # A missing p value does not count.
    p_values = np.array([[0.01, np.nan], [np.nan, np.nan]])
    np.testing.assert_allclose(step_down(p_values), p_values)


def law(log_first, log_last, standard_error, dof=20.0):
    """A law over two decades whose level has that standard error at every compute (the slope's is
    negligible)."""
    compute = np.log(np.array([1e10, 1e11, 1e12]))
    line = np.linspace(log_first, log_last, 3)
    return gap_fit(
        estimator="joint",
        budgets=np.arange(3),
        log_compute=compute,
        points=line,
        law=np.array([line[1], (log_last - log_first) / (compute[2] - compute[0])]),
        covariance=np.diag([standard_error**2, 1e-20]),
        point_variance=np.zeros(3),
        dof=dof,
        ci_method="runs",
        num_runs=18,
        notes=(),
    )


def test_sides_by_hand():
    # Two-sided 5 % point at 20 degrees of freedom: 2.086 standard errors. The nearer end decides
    # about the crossing.
    crosses, side = side_tests(law(0.04, -0.02086, 0.01))
    assert crosses == pytest.approx(0.05, abs=1e-4)
    # In the middle log G is .00957, .957 standard errors: p = .350 (Student t).
    assert side == pytest.approx(0.350, abs=1e-3)
    # Both ends on one side: no crossing, however near to 1 the far end is.
    crosses, side = side_tests(law(0.04, 0.00172, 0.01))
    assert crosses == 1.0
    assert side == pytest.approx(0.05, abs=1e-4)
    # No interval, no test.
    assert np.isnan(side_tests(law(0.04, -0.02, np.nan))).all()
    assert np.isnan(side_tests(law(0.04, 0.02, np.nan))).all()


def rows(**changes):
    """A law over a range of 5 in log compute."""
    base = {
        "corpus": "web",
        "family": "topics",
        "metric": "bits_per_byte",
        "baseline": "b",
        "estimator": "joint",
        "scale": "ratio",
        "path": "optimal",
        "treatment": "t",
        "dbeta": -0.03,
        "standard_error": 0.01,
        "dof": 20.0,
        "margin": 0.05,
        "ci_level": 0.95,
        "p_crosses": 1.0,
        "p_side": 0.001,
        "gap_first": 1.2,
        "gap_last": 1.1,
        "status": "ok",
    }
    row = {**base, **changes}
    found = {"change": 5 * row["dbeta"], "change_standard_error": 5 * row["standard_error"]}
    return {**found, **row}


def test_at_chance_gets_no_verdict_and_does_not_count():
    table = verdicts(
        pd.DataFrame(
            [
                rows(),
                rows(treatment="u", status="at_chance"),
                rows(treatment="v", status="too_few_budgets"),
            ]
        )
    )
    assert list(table["verdict"]) == ["narrows", "", ""]
    assert list(table["faster"]) == ["treatment", "", ""]
    assert table["p_difference"].isna().tolist() == [False, True, True]
    # Alone in its family, so Holm changes nothing.
    assert table.loc[0, "p_difference_adjusted"] == table.loc[0, "p_difference"]


def test_tests_of_all_treatments_and_corpora_are_adjusted_together():
    table = verdicts(
        pd.DataFrame(
            [
                rows(),
                rows(treatment="u"),
                rows(corpus="other"),
                rows(estimator="vertex"),
                rows(metric="accuracy"),
                rows(scale="difference"),
                rows(path="observed"),
                rows(baseline="c"),
            ]
        )
    )
    ratio = table["p_difference_adjusted"] / table["p_difference"]
    np.testing.assert_allclose(ratio, [3, 3, 3, 1, 1, 1, 1, 1])


def test_adjustment_decides():
    # p about .03 alone; with two equal ones Holm doubles it past .05.
    one = {"dbeta": -0.0234}
    assert verdicts(pd.DataFrame([rows(**one)]))["verdict"].tolist() == ["narrows"]
    assert (
        verdicts(pd.DataFrame([rows(**one), rows(treatment="u", **one)]))["verdict"].tolist()
        == ["undecided"] * 2
    )


def test_sides_are_adjusted_too():
    # p = .03 at the ends: significant for one gap, not after adjustment for two; nor is the
    # middle then.
    one = {"gap_last": 0.9, "p_crosses": 0.03, "p_side": 0.03}
    assert verdicts(pd.DataFrame([rows(**one, dbeta=-0.1)]))["verdict"].tolist() == ["crosses"]
    both = verdicts(pd.DataFrame([rows(**one, dbeta=-0.1), rows(treatment="u", **one, dbeta=-0.1)]))
    assert both["verdict"].tolist() == ["undecided"] * 2
    np.testing.assert_allclose(both["p_crosses_adjusted"], 0.06)
    np.testing.assert_allclose(both["p_side_adjusted"], 0.06)
    # Rows that are not tested have no p value and do not count.
    half = verdicts(
        pd.DataFrame([rows(**one, dbeta=-0.1), rows(treatment="u", **one, status="at_chance")])
    )
    assert half["verdict"].tolist() == ["crosses", ""]
    assert half["p_crosses"].isna().tolist() == [False, True]


@pytest.mark.parametrize("shared", [0.0, 0.9])
@pytest.mark.parametrize("true", ["no change", "on the margin", "half and half"])
def test_tests_of_difference_and_equivalence_together_are_wrong_in_one_family_of_twenty(
    true, shared
):
    """Ten gaps whose estimates share a part of their noise, as a noisy baseline gives them; of
    either kind of hypothesis, those that are true must be kept in 95 % of families."""
    gaps, suites, dof, margin = 10, 1500, 20, 3.0
    rng = np.random.default_rng(5)
    is_flat = {
        "no change": np.ones(gaps, bool),
        "on the margin": np.zeros(gaps, bool),
        "half and half": np.arange(gaps) % 2 == 0,
    }[true]
    noise = np.sqrt(shared) * rng.standard_normal((suites, 1))
    noise = noise + np.sqrt(1 - shared) * rng.standard_normal((suites, gaps))
    change = np.where(is_flat, 0.0, margin) + noise
    error = np.sqrt(rng.chisquare(dof, (suites, gaps)) / dof)
    difference = 2 * stats.t.sf(np.abs(change) / error, dof)
    equivalence = stats.t.sf((margin - np.abs(change)) / error, dof)
    wrong = 0
    for pair in np.stack([difference, equivalence], axis=-1):
        adjusted = step_down(pair)
        wrong += bool(np.any(np.where(is_flat, adjusted[:, 0], adjusted[:, 1]) < 0.05))
    # Three standard errors of a share of .05 are .017.
    assert wrong / suites < 0.05 + 0.017
    # Holm's method over all tests would use half the level at the first step.
    assert np.nanmin(step_down(np.array([[0.004, 0.9]] * 10))) == pytest.approx(0.04)


def test_a_significant_change_within_the_margin_is_slight_in_the_table():
    # p = .006 for the change of .05, and a margin of .2 is 9 standard errors away.
    small = {"dbeta": -0.01, "standard_error": 0.00325, "margin": 0.2}
    table = verdicts(pd.DataFrame([rows(**small)]))
    assert table["verdict"].tolist() == ["narrows slightly"]
    assert table["faster"].tolist() == ["treatment"]


def test_changes_that_are_rounding_are_none():
    # A suite without noise: 1e-12 counts as 0, though its error is smaller still.
    exact = {"dbeta": 2e-13, "standard_error": 2e-15}
    assert verdicts(pd.DataFrame([rows(**exact)]))["verdict"].tolist() == ["parallel"]


def test_scales_agree_where_the_directions_do():
    flat = {"dbeta": 0.0, "margin": 0.5}
    table = verdicts(
        pd.DataFrame(
            [
                rows(),
                rows(scale="difference", gap_first=0.3, gap_last=0.2, margin=1.0),
                rows(treatment="u"),
                rows(treatment="u", scale="difference", gap_first=0.2, gap_last=0.2, **flat),
                rows(treatment="v"),
                rows(treatment="v", scale="difference", standard_error=1.0, gap_last=0.2),
                rows(treatment="w"),
                rows(scale="gain"),
                rows(treatment="x"),
                rows(treatment="x", scale="difference", gap_first=0.2, gap_last=0.2, **flat),
                rows(treatment="x", scale="reducible", standard_error=1.0),
            ]
        )
    )
    assert table["verdict"].tolist() == [
        "narrows",
        "narrows slightly",
        "narrows",
        "parallel",
        "narrows",
        "undecided",
        "narrows",
        "",
        "narrows",
        "parallel",
        "undecided",
    ]
    agree = table["scales_agree"].tolist()
    # An undecided scale cannot mend two that differ.
    assert agree == ["true", "true", "false", "false", "", "", "", "true", *["false"] * 3]


def test_the_detectable_slope_is_that_of_the_adjusted_test():
    # Three gaps: the first step compares p with .05 / 3. At 20 degrees of freedom t is 2.613 there,
    # and .8 of the t distribution is below .860.
    table = verdicts(pd.DataFrame([rows(), rows(treatment="u"), rows(corpus="other")]))
    np.testing.assert_allclose(table["detectable_dbeta"], 0.01 * (2.6126 + 0.8600), rtol=1e-3)
