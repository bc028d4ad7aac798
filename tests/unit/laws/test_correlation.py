import numpy as np
import pandas as pd
import pytest
from scipy import stats

from relscale.contract.tables.correlation import CORRELATION
from relscale.laws.correlation import correlate, correlation, permutation_p


def relative(slopes, estimator="joint"):
    rows = [
        {
            "corpus": "web",
            "family": "language",
            "metric": "bits_per_byte",
            "estimator": estimator,
            "baseline": "US",
            "scale": "ratio",
            "path": "optimal",
            "treatment": name,
            "dbeta": slope,
        }
        for name, slope in slopes.items()
    ]
    return pd.DataFrame(rows)


def covariates(values):
    return pd.DataFrame({"domain": list(values), "value": list(values.values())})


def test_permutations_by_hand():
    # Three rising pairs: of the six orders only the observed one has r = 1, and only its mirror has
    # r = -1.
    assert permutation_p(np.array([1.0, 2, 3]), np.array([1.0, 2, 3])) == pytest.approx(
        (1.0, 2 / 6)
    )
    assert permutation_p(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(
        (1 / 6, 2 / 6)
    )


def test_agrees_with_scipy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=12)
    y = -0.5 * x + rng.normal(size=12)
    row = correlation(x, y)
    reference = stats.pearsonr(x, y)
    assert row["pearson_r"] == pytest.approx(reference.statistic)
    assert row["p_two_sided"] == pytest.approx(reference.pvalue)
    assert row["p_one_sided"] == pytest.approx(reference.pvalue / 2)
    assert row["ci_low"] < reference.statistic < row["ci_high"]
    assert row["status"] == "ok"
    # 20,000 random orders here and 9,999 in scipy: two shares differ by at most .006 (a standard
    # deviation), whatever p is; three of those.
    assert row["p_permutation_two_sided"] == pytest.approx(
        stats.permutation_test(
            (x, y), lambda a, b: stats.pearsonr(a, b).statistic, permutation_type="pairings", rng=1
        ).pvalue,
        abs=0.02,
    )


def test_permutation_p_keeps_its_level():
    """1,000 pairs of six unrelated numbers: p below .05 in at most 7 % (the level and three
    standard errors)."""
    rng = np.random.default_rng(1)
    p = [permutation_p(*rng.normal(size=(2, 6)))[1] for _ in range(1000)]
    assert np.mean(np.array(p) < 0.05) <= 0.071


def test_few_domains_are_an_illustration_and_fewer_are_none():
    values = {name: 10.0**k for k, name in enumerate("abcdef")}
    slopes = {name: -0.01 * k for k, name in enumerate("abcdef")} | {"unknown": 0.5, "none": np.nan}
    table = correlate(relative(slopes), covariates(values | {"empty": np.nan}), "users")
    assert tuple(table.columns) == CORRELATION.names
    row = table.iloc[0]
    assert (row["n"], row["covariate"]) == (6, "users")
    assert row["pearson_r"] == pytest.approx(-1)
    assert row["p_permutation_one_sided"] == pytest.approx(1 / 720)
    assert row["status"] == "illustration"
    assert row["remarks"] == "1 domain(s) without a slope; 1 domain(s) without a covariate"
    two = correlate(relative({"a": 0.1, "b": 0.2}), covariates(values), "users").iloc[0]
    assert two["status"] == "too_few_domains" and np.isnan(two["pearson_r"])
    flat = correlate(relative(dict.fromkeys("abcd", 0.1)), covariates(values), "users").iloc[0]
    assert flat["status"] == "no_variation"


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"a": 0.0, "b": 1.0}, "value of a must be a number above 0"),
        ({"a": -2.0}, "value of a"),
        ({"a": "many"}, "value of a"),
    ],
)
def test_bad_covariates(values, match):
    with pytest.raises(ValueError, match=match):
        correlate(relative({"a": 0.1}), covariates(values), "users")


def test_a_domain_stands_once():
    with pytest.raises(ValueError, match="a more than once"):
        correlate(
            relative({"a": 0.1}), pd.DataFrame({"domain": ["a", "a"], "value": [1.0, 2.0]}), "users"
        )
    with pytest.raises(ValueError, match=r"covariates: missing column\(s\) value"):
        correlate(relative({"a": 0.1}), pd.DataFrame({"domain": ["a"]}), "users")
