"""Variances over clusters of items, against other formulas and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm

from relscale.compare.variance import ItemDesign
from relscale.evaluation.metrics import mean_over_strata, ratio


def design(denominator, stratum=None, cluster=None, rule="pooled"):
    count = len(denominator)
    return ItemDesign(
        denominator=np.asarray(denominator, dtype=float),
        stratum=np.zeros(count, dtype=int) if stratum is None else np.asarray(stratum),
        cluster=np.arange(count) if cluster is None else np.asarray(cluster),
        rule=rule,
    )


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_single_items_of_one_size_have_the_standard_error_of_the_losses_table(rng):
    numerator = rng.normal(3, 1, 40)
    made = design(np.full(40, 2.0))
    value, standard_error = ratio(numerator, made.denominator)
    variance, dof = made.variance(made.linearised(numerator))
    assert made.value(numerator) == pytest.approx(value)
    assert (variance**0.5, dof) == pytest.approx((standard_error, 39))


def test_strata_have_the_standard_error_of_the_losses_table_also_with_single_items(rng):
    stratum = np.array([0] * 10 + [1] * 10 + [2] * 10 + [3])
    numerator = rng.normal(3, 1, 31)
    made = design(np.ones(31), stratum, rule="strata")
    value, standard_error = mean_over_strata(numerator, made.denominator, stratum)
    variance, dof = made.variance(made.linearised(numerator))
    assert made.value(numerator) == pytest.approx(value)
    assert variance**0.5 == pytest.approx(standard_error)
    assert dof == pytest.approx(27)  # 3 strata of 10 items


def test_clusters_of_one_size_have_the_cluster_robust_error_of_statsmodels(rng):
    cluster = np.repeat(np.arange(12), 5)
    denominator = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 12)
    numerator = denominator * (1 + rng.normal(size=12)[cluster] + rng.normal(size=60))
    made = design(denominator, cluster=cluster)
    fit = sm.WLS(numerator / denominator, np.ones(60), weights=denominator).fit(
        cov_type="cluster", cov_kwds={"groups": cluster}
    )
    variance, dof = made.variance(made.linearised(numerator))
    assert made.value(numerator) == pytest.approx(fit.params[0])
    assert (variance**0.5, dof) == pytest.approx((fit.bse[0], 11))


def test_the_variance_is_unbiased_if_ratios_of_clusters_vary_alike(rng):
    denominator = np.array([1.0, 1.0, 2.0, 4.0, 8.0])
    made = design(denominator)
    draws = rng.normal(size=(20_000, 5)) * denominator
    expected = (denominator**2).sum() / denominator.sum() ** 2
    mean = np.mean([made.variance(made.linearised(draw))[0] for draw in draws])
    # The mean of 20,000 variances, each with a relative spread of about 1.
    assert mean == pytest.approx(expected, rel=0.03)
    # Kish's effective number of clusters, by hand: 16^2 / 86.
    assert made.variance(made.linearised(draws[0]))[1] == pytest.approx(256 / 86 - 1)


def test_clusters_across_strata_are_drawn_as_a_whole(rng):
    stratum, cluster = np.tile([0, 1], 20), np.repeat(np.arange(20), 2)
    shared = rng.normal(size=20)[cluster]
    across = design(np.ones(40), stratum, cluster, rule="strata")
    variance, dof = across.variance(across.linearised(shared))
    # Both items of a cluster are alike, so that 20 numbers are averaged.
    assert variance == pytest.approx(np.var(shared[::2], ddof=1) / 20)
    assert dof == pytest.approx(19)


@pytest.mark.parametrize("rule", ["pooled", "strata"])
def test_one_cluster_has_no_variance(rule):
    made = design([1.0, 2.0], cluster=[0, 0], rule=rule)
    variance, dof = made.variance(made.linearised(np.array([1.0, 3.0])))
    assert np.isnan(variance) and dof == 0
