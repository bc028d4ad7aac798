import pytest

from relscale.contract.directions import (
    HIGHER,
    LOWER,
    known_direction,
    lower_is_better,
    plain_name,
    stated_directions,
)
from relscale.contract.metrics import METRICS, metric_of


@pytest.mark.parametrize(
    "name",
    [
        "acc", "acc,none", "acc_norm,none", "Accuracy", "ACC", "exact_match,strict-match", "f1",
        "Exact Match", "rouge1", "rougeL", "rouge-2", "mcc", "bleu", "accuracy", "pass@1", "em",
    ],
)  # fmt: skip
def test_metrics_whose_larger_values_are_better(name):
    assert known_direction(name) is True


@pytest.mark.parametrize(
    "name",
    [
        "bits_per_byte", "bits_per_byte,none", "word_perplexity,none", "byte_perplexity",
        "brier_score", "Perplexity", "loss", "CrossEntropyLoss", "likelihood_diff,none", "error",
        "Bits per Byte", "WER",
    ],
)  # fmt: skip
def test_metrics_whose_smaller_values_are_better(name):
    assert known_direction(name) is False


@pytest.mark.parametrize("name", ["foo", "acc_stderr,none", "ter", "", "accurate", "len_norm"])
def test_the_direction_of_other_metrics_is_not_known(name):
    assert known_direction(name) is None


def test_names_are_listed_once_and_as_they_are_looked_up():
    assert not HIGHER & LOWER
    for name in HIGHER | LOWER:
        assert plain_name(name) == name
        assert name not in METRICS or METRICS[name].lower_is_better == (name in LOWER)


def test_the_workflow_has_no_metric_that_is_not_known():
    assert lower_is_better("bits_per_byte") and not lower_is_better("accuracy")
    with pytest.raises(ValueError, match="metric 'acc' is not known; the choices are"):
        metric_of("acc")


def test_a_table_states_the_directions_of_metrics_whose_names_say_nothing():
    with pytest.raises(ValueError, match=r"metric 'points': .* state it \(higher_is_better"):
        lower_is_better("points")
    with stated_directions(["points", "loss"], ["misses"]):
        assert not lower_is_better("points") and lower_is_better("misses")
        assert lower_is_better("loss")  # what is known cannot be stated otherwise
        with stated_directions([], ["points"]):
            assert lower_is_better("points")
        assert not lower_is_better("points")
    with pytest.raises(ValueError, match="points"):
        lower_is_better("points")
