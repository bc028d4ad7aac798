import numpy as np
import pandas as pd
import pytest

from relscale.laws.gap import gap_fit
from relscale.laws.spec import LawSpec
from relscale.laws.tables.relative import side_tests
from relscale.laws.verdict import (
    add_verdicts,
    faster_of,
    holm,
    p_difference,
    p_equivalence,
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


@pytest.mark.parametrize(
    (
        "dbeta",
        "difference",
        "equivalence",
        "crosses",
        "side",
        "first",
        "last",
        "metric",
        "verdict",
        "faster",
    ),
    [
        # Treatment harder (G > 1) and faster: the gap closes.
        (-0.03, 0.001, 1.0, 1.0, 0.001, 1.22, 1.14, "bits_per_byte", "narrows", "treatment"),
        # Treatment harder and slower.
        (0.03, 0.001, 1.0, 1.0, 0.001, 1.14, 1.22, "bits_per_byte", "widens", "baseline"),
        # Treatment easier (G < 1) and faster: the gap opens.
        (-0.03, 0.001, 1.0, 1.0, 0.001, 0.90, 0.80, "bits_per_byte", "widens", "treatment"),
        # Treatment easier and slower.
        (0.03, 0.001, 1.0, 1.0, 0.001, 0.80, 0.90, "choice_loss_nats", "narrows", "baseline"),
        # G differs from 1 at both ends, on different sides.
        (-0.03, 0.001, 1.0, 0.01, 0.30, 1.05, 0.97, "bits_per_byte", "crosses", "treatment"),
        # The fitted G passes 1, but its far end does not differ significantly from 1; it starts
        # further off than it ends.
        (-0.03, 0.001, 1.0, 0.30, 0.01, 1.08, 0.99, "bits_per_byte", "narrows", "treatment"),
        # The slope is significant, but not which domain is harder: the direction of |log G| is
        # unknown.
        (-0.03, 0.001, 1.0, 0.30, 0.30, 1.05, 0.97, "bits_per_byte", "undecided", "treatment"),
        (-0.03, 0.001, 1.0, 1.00, 0.30, 1.05, 1.01, "bits_per_byte", "undecided", "treatment"),
        # Shown to be within the margin, although it differs from zero.
        (-0.002, 0.001, 0.001, 1.0, 0.001, 1.05, 1.04, "bits_per_byte", "parallel", "neither"),
        (-0.03, 0.20, 1.0, 1.0, 0.001, 1.22, 1.14, "bits_per_byte", "undecided", "undecided"),
        # Without a significant slope there is not a crossing.
        (-0.03, 0.20, 1.0, 0.01, 0.01, 1.05, 0.97, "bits_per_byte", "undecided", "undecided"),
        # Not errors: up is rise, and who rises is the faster one.
        (0.03, 0.001, 1.0, 1.0, 1.0, 1.0, 1.1, "accuracy", "rises", "treatment"),
        (-0.03, 0.001, 1.0, 0.01, 1.0, 1.1, 0.9, "choice_probability", "falls", "baseline"),
        (
            0.001,
            0.2,
            0.01,
            1.0,
            1.0,
            1.0,
            1.0,
            "choice_probability_per_byte",
            "parallel",
            "neither",
        ),
        # No interval, no p values.
        (
            -0.03,
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            1.22,
            1.14,
            "bits_per_byte",
            "undecided",
            "undecided",
        ),
        # A metric of other tools.
        (-0.03, 0.001, 1.0, 1.0, 0.001, 1.22, 1.14, "cross_entropy", "narrows", "treatment"),
    ],
)
def test_verdicts(
    dbeta, difference, equivalence, crosses, side, first, last, metric, verdict, faster
):
    rising = SPEC.rises(metric)
    assert (
        verdict_of(dbeta, difference, equivalence, crosses, side, first, last, rising, 0.05)
        == verdict
    )
    assert faster_of(dbeta, difference, equivalence, rising, 0.05) == faster


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
    base = {
        "corpus": "web",
        "family": "topics",
        "metric": "bits_per_byte",
        "estimator": "joint",
        "treatment": "t",
        "dbeta": -0.03,
        "standard_error": 0.01,
        "dof": 20.0,
        "margin": 0.01,
        "ci_level": 0.95,
        "p_crosses": 1.0,
        "p_side": 0.001,
        "gap_first": 1.2,
        "gap_last": 1.1,
        "status": "ok",
    }
    return {**base, **changes}


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


def test_holm_within_suite_family_metric_estimator():
    table = verdicts(
        pd.DataFrame(
            [
                rows(),
                rows(treatment="u"),
                rows(corpus="other"),
                rows(estimator="vertex"),
                rows(metric="accuracy"),
            ]
        )
    )
    ratio = table["p_difference_adjusted"] / table["p_difference"]
    np.testing.assert_allclose(ratio, [2, 2, 1, 1, 1])


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
