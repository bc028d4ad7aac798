"""Estimates of one domain: answers, ratios, runs, and what cannot be tested."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from relscale.compare.domain import answers, compared, difference, p_of_answers
from relscale.compare.spec import CompareSettings
from relscale.contract.comparison_tables import ComparisonStatus

SETTINGS = CompareSettings()


@pytest.fixture(scope="module", name="benchmark_module")
def benchmark_module_fixture():
    place = Path(__file__).parents[3] / "benchmarks/compare.py"
    spec = importlib.util.spec_from_file_location("compare_benchmark", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def paired(benchmark_module):
    def made(a, b, denominator=None, cluster=None):
        a, b = np.atleast_2d(np.asarray(a, float)), np.atleast_2d(np.asarray(b, float))
        count = a.shape[1]
        one = np.ones(count) if denominator is None else np.asarray(denominator, float)
        codes = np.arange(count) if cluster is None else np.asarray(cluster)
        return benchmark_module.paired(a, b, one, np.zeros(count), codes)

    return made


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 6), (9, 9), (40, 20)])
def test_answers_are_tested_by_mcnemar_s_exact_test(only_a, only_b):
    change = np.array([1] * only_a + [-1] * only_b + [0] * 30)
    expected = mcnemar([[10, only_a], [only_b, 20]], exact=True).pvalue
    assert p_of_answers(change) == pytest.approx(expected)


def test_the_interval_of_answers_adds_half_an_item_to_each_kind_of_pair():
    change = np.array([1] * 3 + [-1] * 7 + [0] * 90)
    found = answers(change)
    assert found.value == pytest.approx((3.5 - 7.5) / 102)
    by_hand = ((3.5 + 7.5) - (3.5 - 7.5) ** 2 / 102) / 102**2
    assert found.variance == pytest.approx(by_hand)


def test_answers_that_are_all_alike_have_an_interval_and_no_difference(paired):
    row = compared(paired([1, 0] * 4, [1, 0] * 4), SETTINGS, logarithm=False)
    assert row["status"] == "ok" and row["difference"] == 0 and row["p_difference"] == 1
    assert row["ci_low"] < 0 < row["ci_high"]


def test_clustered_answers_are_not_tested_one_by_one(paired):
    row = compared(
        paired([1, 0, 1, 1, 0, 0], [0, 0, 1, 0, 0, 1], cluster=[0, 0, 1, 1, 2, 2]),
        SETTINGS,
        logarithm=False,
    )
    assert row["method"] == "linearised" and row["status"] == ComparisonStatus.FEW_CLUSTERS


def test_a_paired_t_test_of_items_of_one_size(paired, rng):
    a, b = rng.normal(1, 0.3, 50), rng.normal(1.1, 0.3, 50)
    row = compared(paired(a, b), SETTINGS, logarithm=True)
    test = stats.ttest_rel(a, b)
    low, high = test.confidence_interval(0.95)
    assert row["p_difference"] == pytest.approx(test.pvalue)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high))
    unpaired = math.sqrt(a.var(ddof=1) / 50 + b.var(ddof=1) / 50)
    assert row["unpaired_standard_error"] == pytest.approx(unpaired)


def test_the_ratio_has_the_interval_of_its_logarithm(paired, rng):
    a = rng.normal(2, 0.01, 400)
    row = compared(paired(a, a * rng.normal(0.9, 0.01, 400)), SETTINGS, logarithm=True)
    assert row["ratio"] == pytest.approx(1 / 0.9, rel=2e-3)  # 400 items with a spread of 1 %
    half = (math.log(row["ratio_ci_high"]) - math.log(row["ratio_ci_low"])) / 2
    assert half == pytest.approx(1.96 * 0.01 / 0.9 / 20, rel=0.1)


def test_a_margin_as_a_share_is_one_of_the_value_of_b(paired, rng):
    a = rng.normal(2, 0.1, 60)
    settings = CompareSettings(margin="2%")
    row = compared(paired(a, a + rng.normal(0, 0.01, 60)), settings, logarithm=True)
    assert row["margin"] == pytest.approx(0.02 * row["value_b"])
    assert row["p_equivalence"] < 1e-6


def test_runs_add_their_noise(paired, rng):
    items = rng.normal(0, 0.05, 200)
    runs = rng.normal(0, 0.2, (10, 1))
    both = rng.normal(0, 0.01, (10, 200))
    found, noise = difference(paired(1.0 + items + runs + both, np.ones((10, 200))))
    assert noise == "items and runs"
    by_run = (items + runs + both).mean(axis=1)
    expected = by_run.var(ddof=1) / 10 + items.var(ddof=1) / 200
    assert found.variance == pytest.approx(expected, rel=1e-3)  # less items x runs
    assert 9 <= found.dof < 10  # nearly all of the noise is that of ten runs


@pytest.mark.parametrize(
    ("a", "b", "cluster", "status"),
    [
        ([1.5, 2.5, 3.5], [1.5, 2.5, 3.5], [0, 1, 2], "identical"),
        ([1.5, 2.5, 3.5], [1.0, 2.0, 3.0], [0, 1, 2], "constant"),
        ([1.5, 2.5, 3.5], [1.0, 2.5, 3.0], [0, 0, 0], "one_cluster"),
        ([1.5], [1.0], [0], "one_cluster"),
    ],
)
def test_what_cannot_be_tested_has_a_difference_and_a_status(paired, a, b, cluster, status):
    row = compared(paired(a, b, cluster=cluster), SETTINGS, logarithm=True)
    assert row["status"] == status and "ci_low" not in row
    assert row["difference"] == pytest.approx(np.mean(a) - np.mean(b))


@pytest.mark.parametrize("scenario", ["20_unequal_0.5", "questions_100_0.3"])
def test_planted_differences_are_in_the_intervals(benchmark_module, scenario):
    row = benchmark_module.measured(benchmark_module.scenarios()[scenario], 600, 1)
    # 600 intervals: the standard error of a coverage of 0.95 is 0.009; three of them either way.
    assert 0.923 <= row["coverage"] <= 0.98
    assert row["false_family"] <= 0.05 + 3 * 0.022  # of 100 families
