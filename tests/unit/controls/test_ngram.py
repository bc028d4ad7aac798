"""N-gram models: probabilities by hand, by another program, and by another way of counting."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from relscale.controls.ngram import (
    BOUNDARY,
    MOST_ORDER,
    NUM_SYMBOLS,
    Queries,
    Sequences,
    count_text,
)


def sequences(*texts: list[int]) -> Sequences:
    """Return texts as sequences."""
    lengths = np.array([len(text) for text in texts])
    return Sequences.of(np.array([one for text in texts for one in text], dtype=np.uint16), lengths)


def probabilities(trained: Sequences, asked: Sequences, order: int) -> list[np.ndarray]:
    """Return p_n of every symbol of `asked`, for n from 1 to `order`."""
    scored = np.ones(len(asked.symbols), dtype=bool)
    queries = Queries(asked, scored, order)
    return [np.exp(log) for log in queries.log_probabilities(count_text(trained, order))]


def test_probabilities_are_those_counted_by_hand() -> None:
    # The text a b a b a c. After "a": b twice, c once, so c(a) = 3 and T(a) = 2.
    a, b, c = 97, 98, 99
    found = probabilities(sequences([a, b, a, b, a, c]), sequences([a, b], [a, c], [b, c]), 2)
    uniform = Fraction(1, NUM_SYMBOLS)
    one = {  # c(a) = 3, c(b) = 2, c(c) = 1; six symbols, of three types
        symbol: (count + 3 * uniform) / 9 for symbol, count in ((a, 3), (b, 2), (c, 1))
    }
    assert found[0] == pytest.approx([float(one[symbol]) for symbol in (a, b, a, c, b, c)])
    b_after_a = (2 + 2 * one[b]) / 5
    c_after_a = (1 + 2 * one[c]) / 5
    c_after_b = (0 + 1 * one[c]) / 3  # b is followed by a, twice
    assert found[1][[1, 3, 5]] == pytest.approx(
        [float(b_after_a), float(c_after_a), float(c_after_b)]
    )
    # The first symbol of a sequence has no history.
    assert found[1][[0, 2, 4]] == pytest.approx(found[0][[0, 2, 4]])


def random_text(seed: int, *lengths: int) -> Sequences:
    """Return sequences of a Markov chain over a few symbols, the boundary among them."""
    rng = np.random.default_rng(seed)
    texts = []
    for length in lengths:
        text, state = [], 0
        for _ in range(length):
            state = (state + int(rng.choice([0, 1, 1, 3]))) % 7
            text.append([97, 98, 99, 0, 255, BOUNDARY, 101][state])
        texts.append(text)
    return sequences(*texts)


@pytest.mark.parametrize("history", [[], [97], [97, 98], [101, 97, 98], [7, 8, 9], [255, BOUNDARY]])
def test_probabilities_of_all_symbols_sum_to_one(history: list[int]) -> None:
    trained = random_text(1, 400, 300)
    asked = sequences(*([*history, symbol] for symbol in range(NUM_SYMBOLS)))
    last = np.cumsum([len(history) + 1] * NUM_SYMBOLS) - 1
    for of_order in probabilities(trained, asked, 4):
        assert of_order[last].sum() == pytest.approx(1.0, rel=1e-12)
        assert (of_order > 0).all()


def by_dictionaries(trained: Sequences, asked: Sequences, order: int) -> list[float]:
    """Return p_order of every symbol, counted with Python's dictionaries and summed recursively."""

    def split(text: Sequences) -> list[list[int]]:
        starts = [*np.flatnonzero(text.place == 0), len(text.symbols)]
        return [text.symbols[a:b].tolist() for a, b in pairwise(starts)]

    counts: Counter[tuple[int, ...]] = Counter()
    for text in split(trained):
        for length in range(1, order + 1):
            counts.update(tuple(text[at : at + length]) for at in range(len(text) - length + 1))

    def p(history: tuple[int, ...], symbol: int) -> float:
        lower = 1 / NUM_SYMBOLS if not history else p(history[1:], symbol)
        seen = {gram: n for gram, n in counts.items() if gram[:-1] == history}
        total = sum(seen.values())
        if not total:
            return lower
        return (seen.get((*history, symbol), 0) + len(seen) * lower) / (total + len(seen))

    def of_orders(text: list[int]) -> list[float]:
        return [
            # The lowest order is about the unigrams, whose history is empty.
            p(tuple(text[max(0, at - order + 1) : at]), text[at])
            for at in range(len(text))
        ]

    return [value for text in split(asked) for value in of_orders(text)]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_sorted_arrays_count_as_dictionaries_do(order: int) -> None:
    trained, asked = random_text(2, 90, 1, 60), random_text(3, 40, 2, 20)
    found = probabilities(trained, asked, order)[order - 1]
    assert found == pytest.approx(by_dictionaries(trained, asked, order), rel=1e-12)


def test_nltk_finds_the_same_probabilities() -> None:
    nltk = pytest.importorskip("nltk.lm", reason="nltk is an oracle of this test only")

    class WithUniform(nltk.smoothing.WittenBell):  # type: ignore[misc, name-defined]
        """Witten-Bell whose unigrams are mixed with the uniform distribution, as here."""

        def unigram_score(self, word: str) -> float:
            seen = self.counts.unigrams
            types = len(seen)
            return float((seen[word] + types / NUM_SYMBOLS) / (seen.N() + types))

    text = random_text(4, 500)
    words = [str(symbol) for symbol in text.symbols.tolist()]
    grams = [tuple(words[at : at + n]) for n in (1, 2, 3) for at in range(len(words) - n + 1)]
    model = nltk.WittenBellInterpolated(3)
    model.fit([grams], vocabulary_text=words)
    model.estimator = WithUniform(model.vocab, model.counts)
    asked = sequences([97, 98, 99], [98, 98, 0], [255, BOUNDARY, 101], [97, 98, BOUNDARY])
    found = probabilities(text, asked, 3)[2]
    for place, sequence in enumerate(asked.symbols.reshape(-1, 3).tolist()):
        first, second, third = map(str, sequence)
        assert found[3 * place + 2] == pytest.approx(model.score(third, [first, second]), rel=1e-12)


def test_a_text_with_structure_is_predicted_better_by_longer_n_grams() -> None:
    trained, asked = random_text(5, 5000), random_text(6, 500)
    bits = [-np.log2(p).mean() for p in probabilities(trained, asked, 2)]
    # The chain has three choices with probabilities 1/4, 1/2, 1/4: an entropy of 1.5 bits.
    assert bits[1] == pytest.approx(1.5, abs=0.08)
    assert bits[0] > 2.5


@pytest.mark.parametrize("order", [0, MOST_ORDER + 1])
def test_an_order_that_a_key_cannot_hold_is_refused(order: int) -> None:
    with pytest.raises(ValueError, match=f"order {order}: must be from 1 to 7"):
        count_text(random_text(1, 10), order)
