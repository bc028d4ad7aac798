"""Entropies of planted sources, and compressed sizes."""

import random
import zlib

import numpy as np
import pytest

from relscale.corpus_statistics.entropy import (
    conditional_entropy,
    lzma_bits_per_byte,
    ngram_ids,
    zlib_bits_per_byte,
)


def chain(transitions, size, rng):
    """Return bytes of a first-order Markov chain over the letters from a."""
    cumulative = np.cumsum(transitions, axis=1)
    state, found = 0, bytearray()
    for draw in rng.random(size):
        state = int(np.searchsorted(cumulative[state], draw))
        found.append(97 + state)
    return bytes(found)


def test_the_entropies_of_a_markov_source_are_found():
    transitions = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    values, vectors = np.linalg.eig(transitions.T)
    stationary = np.real(vectors[:, np.argmax(np.real(values))])
    stationary /= stationary.sum()
    first = -stationary @ np.log2(stationary)
    rate = -stationary @ (transitions * np.log2(transitions)).sum(axis=1)
    text = chain(transitions, 40_000, np.random.default_rng(0))
    passages = [text[start : start + 500] for start in range(0, len(text), 500)]
    found = [conditional_entropy(ngram_ids(passages, order)) for order in (1, 2, 3, 4)]
    # Beyond the first order of the source the entropy stays at its rate. Standard errors are about
    # 0.005 bits; the plug-in bias of order 4 is below 54 / (2 ln 2 * 40,000) = 0.001.
    assert found == pytest.approx([first, rate, rate, rate], abs=0.015)


def test_high_orders_of_a_sample_of_usual_size_fall_far_below_those_of_the_source():
    # A source without memory: all conditional entropies are 4.5 bits. In 20,000 bytes those of
    # orders 3 to 5 are not the source's, so that no exponent of their decay is fitted.
    rng = np.random.default_rng(1)
    letters = rng.integers(round(2**4.5), size=20_000).astype(np.uint8).tobytes()
    passages = [letters[start : start + 500] for start in range(0, 20_000, 500)]
    found = [conditional_entropy(ngram_ids(passages, order)) for order in (1, 2, 3, 4, 5)]
    assert found[0] == pytest.approx(np.log2(round(2**4.5)), abs=0.01)
    assert found[2] < 4.1 and found[4] < 0.5
    assert found == sorted(found, reverse=True)


def test_ngrams_stay_within_passages_and_can_be_counted_for_some_of_them():
    ids = ngram_ids([b"abab", b"a", b"ba"], 2)
    assert ids.passage.tolist() == [0, 0, 0, 2]
    # a is followed by b twice; b by a twice: nothing is left to chance.
    assert conditional_entropy(ids) == pytest.approx(0.0)
    # aa, ab, ba, bb once each: one bit.
    four = ngram_ids([b"aa", b"ab", b"ba", b"bb"], 2)
    assert conditional_entropy(four) == pytest.approx(1.0)
    assert conditional_entropy(four, np.array([True, True, False, False])) == pytest.approx(1.0)
    assert conditional_entropy(four, np.array([True, False, True, False])) == pytest.approx(0.0)
    assert np.isnan(conditional_entropy(four, np.zeros(4, dtype=bool)))


def test_random_bytes_do_not_compress_and_repeated_ones_do():
    noise = random.Random(0).randbytes(20_000)
    for compressed in (lzma_bits_per_byte, zlib_bits_per_byte):
        assert 8.0 <= compressed(noise) < 8.02
        assert compressed(b"the sea " * 2500) < 0.1


def test_deflate_is_that_of_the_zlib_format_without_its_six_bytes():
    text = b"She sells sea shells by the sea shore. " * 20
    assert zlib_bits_per_byte(text) == 8 * (len(zlib.compress(text, 9)) - 6) / len(text)
