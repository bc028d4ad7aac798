"""Smooth and broken truths of accuracy over loss."""

import numpy as np
import pytest

from relscale.laws.emergence import Emergence, emergence, runs_outside
from relscale.laws.sigmoid import SigmoidForm, fit_sigmoid
from relscale.laws.spec import LawSpec
from relscale.laws.tables.two_stage import Pairs, sigmoid_columns

LOSS = np.linspace(0.4, 1.6, 40)
SPEC = LawSpec(family="tasks", chance=0.25, draws=100)


def smooth(loss):
    return 0.25 + 0.7 / (1 + np.exp(8 * (loss - 0.9)))


def word(accuracy, loss=LOSS, **options):
    """Return the columns of a task."""
    pairs = Pairs(loss=loss, accuracy=accuracy, budget=np.arange(len(loss)) // 4)
    return sigmoid_columns(pairs, SPEC, draws=100, **options)


def noisy(accuracy, seed=0):
    return accuracy + np.random.default_rng(seed).normal(0, 0.01, len(accuracy))


def test_a_smooth_truth_is_explained():
    found = [word(noisy(smooth(LOSS), seed))["emergence"] for seed in range(20)]
    assert found.count(Emergence.EXPLAINED) >= 18


def test_a_steep_rise_over_a_smooth_loss_is_explained():
    """From guessing to mastery within a small fall of the loss: steep, and no jump of its own."""
    steep = 0.25 + 0.7 / (1 + np.exp(60 * (LOSS - 0.9)))
    assert word(noisy(steep))["emergence"] == Emergence.EXPLAINED


def test_two_plateaus_are_not_explained():
    stairs = 0.25 + 0.35 * (LOSS < 1.2) + 0.35 * (LOSS < 0.7)
    assert word(noisy(stairs))["emergence"] == Emergence.NOT_EXPLAINED


def test_one_run_that_jumps_is_not_explained():
    accuracy = noisy(smooth(LOSS))
    accuracy[30] += 0.15
    found = word(accuracy)
    assert found["runs_outside"] == 1 and found["emergence"] == Emergence.NOT_EXPLAINED


def test_chance_and_few_runs_have_words_of_their_own():
    accuracy = noisy(np.full(40, 0.25))
    assert word(accuracy, all_at_chance=True)["emergence"] == Emergence.AT_CHANCE
    few = slice(0, 40, 7)
    assert word(noisy(smooth(LOSS))[few], LOSS[few])["emergence"] == Emergence.NOT_ENOUGH
    assert word(smooth(LOSS)[:2], LOSS[:2])["emergence"] == Emergence.NOT_ENOUGH


def test_the_band_holds_all_runs_as_often_as_it_says():
    """200 tasks of 40 runs; a simultaneous band of 95 % is left in 5 % of them at most, up to a
    Monte Carlo error of .015."""
    left = 0
    for seed in range(200):
        fit = fit_sigmoid(LOSS, noisy(smooth(LOSS), seed), SigmoidForm(chance=0.25))
        left += runs_outside(fit, 0.95) > 0
    assert left / 200 <= 0.08


def test_without_a_fit_there_is_not_enough():
    assert emergence(None, float("nan"), 0, False) == Emergence.NOT_ENOUGH
    assert emergence(None, float("nan"), 0, True) == Emergence.AT_CHANCE


@pytest.mark.parametrize("member", Emergence)
def test_words_are_lower_case(member):
    assert member.value == member.name.lower()
