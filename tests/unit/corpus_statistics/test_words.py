"""Exponents of words: planted laws, a count by hand, and simulated random orders."""

import numpy as np
import pyarrow as pa
import pytest
from planted_texts import zipf_shares
from scipy import optimize, stats

from relscale.corpus_statistics.words import (
    heaps_exponent,
    vocabulary,
    words_of,
    zipf_exponent,
)
from relscale.evaluation.byte_buckets import count_words


def drawn_counts(words, size, exponent, seed):
    rng = np.random.default_rng(seed)
    return np.bincount(rng.choice(words, size, p=zipf_shares(words, exponent)))


@pytest.mark.parametrize("exponent", [0.8, 1.0, 1.3])
def test_a_planted_zipf_exponent_is_found(exponent):
    # The standard error of the maximum likelihood estimate with 60,000 words is below 0.007.
    counts = drawn_counts(5000, 60_000, exponent, 0)
    assert zipf_exponent(counts) == pytest.approx(exponent, abs=0.02)


def test_the_exponent_maximises_the_likelihood_of_counts_by_rank():
    counts = drawn_counts(400, 3000, 1.1, 1)
    top, ranks = np.sort(counts)[::-1][:50], np.arange(1, 51)
    best = optimize.minimize_scalar(
        lambda exponent: -stats.zipfian.logpmf(ranks, exponent, 50) @ top,
        bounds=(0.1, 3),
        method="bounded",
    ).x
    assert zipf_exponent(counts) == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize(("exponent", "bias"), [(0.8, 0.05), (1.0, 0.02), (1.2, 0.02)])
def test_in_a_sample_of_usual_size_the_exponent_is_a_little_too_low(exponent, bias):
    # 3,400 words, as in 20,000 bytes of English; the mean of 60 samples has a standard error of
    # 0.004. Words of equal share are ranked by chance, from the largest count to the smallest.
    found = [zipf_exponent(drawn_counts(20_000, 3400, exponent, seed)) for seed in range(60)]
    assert -bias < np.mean(found) - exponent < 0.008


def test_a_text_with_few_words_has_no_zipf_exponent():
    assert np.isnan(zipf_exponent(np.array([3] * 49)))
    assert np.isfinite(zipf_exponent(np.array([3] * 50)))
    assert np.isnan(zipf_exponent(np.array([], dtype=np.int64)))


def test_the_vocabulary_is_the_mean_over_all_sets_of_passages():
    rng = np.random.default_rng(3)
    passages = [set(rng.integers(30, size=8).tolist()) for _ in range(12)]
    index = sorted(set().union(*passages))
    occurs_in = np.array([sum(one in each for each in passages) for one in index])
    drawn = [
        [len(set().union(*(passages[i] for i in order[:size]))) for size in (1, 3, 7, 12)]
        for order in (rng.permutation(12) for _ in range(4000))
    ]
    exact = vocabulary(occurs_in, 12, np.array([1.0, 3.0, 7.0, 12.0]))
    # 4,000 orders: standard errors of the means are below 0.04.
    assert exact == pytest.approx(np.mean(drawn, axis=0), abs=0.15)
    assert exact[-1] == pytest.approx(len(index))


@pytest.mark.parametrize("exponent", [0.5, 0.65, 0.8])
def test_a_planted_heaps_exponent_is_found(exponent):
    # Words by Zipf's law with exponent 1 / b without an end have a vocabulary that grows as n^b
    # (van Leijenhorst and van der Weide 2005, Information Sciences 170, 263).
    rng = np.random.default_rng(4)
    shares = zipf_shares(2_000_000, 1 / exponent)
    words = np.searchsorted(np.cumsum(shares), rng.random(100_000))
    passage = np.arange(100_000) // 100
    pairs = np.unique(passage * 2_000_001 + words) % 2_000_001
    occurs_in = np.bincount(pairs)
    found = heaps_exponent(occurs_in[occurs_in > 0], 1000)
    # The end of the list of words bends the curve, the more so the larger b.
    assert found == pytest.approx(exponent, abs=0.04)


def test_without_words_or_passages_there_is_no_heaps_exponent():
    assert np.isnan(heaps_exponent(np.array([], dtype=np.int64), 20))
    assert np.isnan(heaps_exponent(np.array([1, 2]), 7))


def test_words_are_those_that_corpora_are_counted_by():
    text = "The sea, the SEA! naïve 3rd don't snake_case Straße 2019 x"
    counted = count_words([pa.array([text])])
    found = words_of(text)
    assert {one: found.count(one) for one in found} == counted
