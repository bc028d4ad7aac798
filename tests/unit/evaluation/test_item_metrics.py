import math

import numpy as np
import pytest

from relscale.config.families import DocumentFamily
from relscale.contract.directions import lower_is_better
from relscale.contract.metric_labels import METRIC_LABELS, metric_label
from relscale.contract.metrics import METRICS, metric_of
from relscale.evaluation.metrics import (
    FORMULAS,
    OptionScores,
    contains_chance,
    item_metrics,
    mean_over_strata,
    ratio,
)

LN2 = math.log(2)
# Two items: three options with weights 4 : 2 : 2 (right: the first) and two with weights 1 : 3
# (right: the first).
LOG_LIKELIHOOD = np.log([0.04, 0.02, 0.02, 0.1, 0.3])
NUM_BYTES = np.array([8.0, 2.0, 4.0, 5.0, 1.0])
FIRST = np.array([0, 3, 5])
GOLD = np.array([0, 3])


def scores(log_likelihood, num_bytes, first, gold):
    return OptionScores(
        log_likelihood=np.asarray(log_likelihood),
        num_bytes=np.asarray(num_bytes),
        first=np.asarray(first),
        gold=np.asarray(gold),
    )


def values(metric):
    numerator, denominator = item_metrics([metric], scores(LOG_LIKELIHOOD, NUM_BYTES, FIRST, GOLD))[
        metric
    ]
    return numerator / denominator


def test_choice_metrics_by_hand():
    np.testing.assert_allclose(values("choice_probability"), [0.5, 0.25])
    np.testing.assert_allclose(values("choice_loss_nats"), [math.log(2), math.log(4)])
    np.testing.assert_allclose(values("accuracy"), [1, 0])
    np.testing.assert_allclose(values("bits_per_byte"), [-math.log2(0.04) / 8, -math.log2(0.1) / 5])


def test_per_byte_metrics_by_hand():
    bits = [-math.log2(0.04) / 8, -math.log2(0.02) / 2, -math.log2(0.02) / 4]
    expected = math.exp(-bits[0]) / sum(math.exp(-bit) for bit in bits)
    second = [-math.log2(0.1) / 5, -math.log2(0.3)]
    np.testing.assert_allclose(
        values("choice_probability_per_byte"), [expected, 1 / (1 + math.exp(second[0] - second[1]))]
    )
    np.testing.assert_allclose(
        values("accuracy_per_byte"), [1, 1]
    )  # the second item: .66 bits a byte against 1.74


def test_first_option_wins_ties():
    two = np.array([-1.0, -1.0, -1.0, -1.0])
    numerator, _ = item_metrics(["accuracy"], scores(two, np.ones(4), [0, 2, 4], [0, 3]))[
        "accuracy"
    ]
    assert numerator.tolist() == [1, 0]


def test_very_unlikely_options_do_not_overflow():
    found = item_metrics(
        ["choice_loss_nats", "choice_probability"],
        scores([-4000.0, -4000.0 + LN2], np.ones(2), [0, 2], [0]),
    )
    assert found["choice_loss_nats"][0][0] == pytest.approx(math.log(3))
    assert found["choice_probability"][0][0] == pytest.approx(1 / 3)


def test_unusable_metrics():
    with pytest.raises(
        ValueError, match="metric 'perplexity' is not known; the choices are bits_per_byte"
    ):
        values("perplexity")
    with pytest.raises(ValueError, match="metric 'accuracy' needs items with two or more options"):
        item_metrics(["accuracy"], scores(LOG_LIKELIHOOD[:1], NUM_BYTES[:1], [0, 1], [0]))


def test_ratio_by_hand():
    # 12 bits over 6 bytes = 2; residuals 2 - 2*2 = -2 and 10 - 2*4 = 2, so sqrt(2/1 * 8) / 6 = 4/6.
    value, error = ratio(np.array([2.0, 10.0]), np.array([2.0, 4.0]))
    assert (value, error) == (2.0, pytest.approx(4 / 6))
    # With equal denominators it is the standard error of a mean: sd 1 over sqrt(3).
    assert ratio(np.array([1.0, 2.0, 3.0]), np.ones(3)) == (2.0, pytest.approx(1 / math.sqrt(3)))
    assert math.isnan(ratio(np.array([1.0]), np.ones(1))[1])


def test_mean_over_strata_by_hand():
    strata = np.array(["a", "a", "b", "b", "b", "c"])
    value, error = mean_over_strata(np.array([0.0, 2.0, 3.0, 4.0, 5.0, 9.0]), np.ones(6), strata)
    # Means 1, 4 and 9; variances of the first two 2/2 and 1/3; the third has one item: pooled (2 +
    # 2) / (1 + 2) = 4/3.
    assert value == pytest.approx(14 / 3)
    assert error == pytest.approx(math.sqrt(1 + 1 / 3 + 4 / 3) / 3)
    assert math.isnan(mean_over_strata(np.ones(2), np.ones(2), np.array(["a", "b"]))[1])


def test_contains_chance():
    # Wilson's interval of 31 in 100 is .2278 to .4063, of 35 in 100 it is .2636 to .4475 (Newcombe
    # 1998's formula, method 3).
    assert contains_chance(31, 100, 0.25)
    assert not contains_chance(35, 100, 0.25)
    assert not contains_chance(35, 100, 0.4476)
    assert contains_chance(35, 100, 0.4474)
    assert contains_chance(0, 3, 0.5)
    assert not contains_chance(0, 16, 0.25)  # clearly below chance is not at chance


def test_each_metric_has_a_formula_and_a_label():
    assert list(FORMULAS) == list(METRICS) == list(METRIC_LABELS)


def test_each_metric_names_an_accuracy_that_exists_as_its_chance_level():
    for metric in METRICS.values():
        assert metric.chance_of is None or METRICS[metric.chance_of].needs == "options"
        assert (metric.chance_of is None) == (metric.needs == "documents")


def test_a_metric_that_nobody_declared_is_refused_by_the_configuration():
    with pytest.raises(ValueError, match="metric 'perplexity' is not known; the choices are bits"):
        metric_of("perplexity")
    assert metric_label("perplexity_per_word") == "Perplexity per word"
    with pytest.raises(ValueError, match="metric 'perplexity' is not known; the choices are bits"):
        DocumentFamily.model_validate(
            {
                "kind": "documents",
                "source": "dictionary",
                "reader": {"kind": "text_files", "files": ["*.txt"]},
                "domains": {"own": ["a"]},
                "metrics": ["perplexity"],
            }
        )


@pytest.mark.parametrize("name", list(METRICS))
def test_the_declared_direction_is_that_of_the_formula(name):
    # A model that finds the right option (or text) more likely is better.
    worse = scores([-3.0, -1.0, -3.0, -1.0], np.ones(4), [0, 2, 4], [0, 2])
    better = scores([-0.5, -1.0, -0.5, -1.0], np.ones(4), [0, 2, 4], [0, 2])
    (low, ones), (high, _) = (item_metrics([name], each)[name] for each in (worse, better))
    assert (high.sum() < low.sum()) == lower_is_better(name)
    assert ones.sum() == 2
