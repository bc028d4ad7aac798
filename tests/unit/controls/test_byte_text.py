"""Bytes of tokens: nothing of a text is lost, and requests keep the bytes they are divided by."""

import numpy as np
import pytest
from tokenizers import Tokenizer

from relscale.controls.byte_text import BytesOfTokens, RequestBytes, prefix_lengths, training_text
from relscale.controls.ngram import BOUNDARY
from relscale.evaluation.tokens import TextEncoder

TEXTS = ("a bc bc a", "naïve “quotes” 🙂", "abc" * 20, "")


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_give_the_bytes_of_the_text(
    text: str, tokenizer: Tokenizer, encoder: TextEncoder
) -> None:
    tokens = np.array(encoder.encode(text), dtype=np.int64)
    symbols = BytesOfTokens(tokenizer).symbols(tokens)
    assert bytes(symbols.astype(np.uint8)) == text.encode()
    assert BytesOfTokens(tokenizer).lengths(tokens).sum() == len(text.encode())


def test_the_end_of_a_text_is_the_boundary(tokenizer: Tokenizer, encoder: TextEncoder) -> None:
    symbols = BytesOfTokens(tokenizer).symbols(np.array([encoder.prefix]))
    assert symbols.tolist() == [BOUNDARY]


def test_the_training_text_has_every_window_once(
    tokenizer: Tokenizer, encoder: TextEncoder
) -> None:
    text = "".join(f"{at:010d}" for at in range(41))  # each window of ten tokens is a number
    tokens = np.array(encoder.encode(text), dtype=np.uint16)
    made = training_text(
        tokens, BytesOfTokens(tokenizer), context_length=10, seed=3, num_bytes=10**6
    )
    windows = made.symbols.reshape(-1, 10).astype(np.uint8)
    numbers = [int(bytes(window).decode()) for window in windows]
    # The last token of a window is the first of another, so that 410 tokens hold 40 windows.
    assert sorted(numbers) == list(range(40))
    assert numbers != list(range(40))
    assert np.flatnonzero(made.place == 0).tolist() == list(range(0, 400, 10))


def test_a_smaller_text_is_the_beginning_of_a_larger_one(
    tokenizer: Tokenizer, encoder: TextEncoder
) -> None:
    tokens = np.array(
        [one for text in TEXTS * 9 for one in (*encoder.encode(text), encoder.prefix)]
    )
    made = training_text(
        tokens, BytesOfTokens(tokenizer), context_length=8, seed=0, num_bytes=10**6
    )
    lengths = prefix_lengths(made, [1, 50, 100, 10**5])
    assert lengths[-1] is None
    for size, length in zip((1, 50, 100), lengths, strict=False):
        assert length is not None
        part = made.first(length)
        assert part.num_bytes == size
        assert np.array_equal(part.symbols, made.symbols[:length])


def test_scored_symbols_are_the_bytes_that_scores_are_divided_by(
    tokenizer: Tokenizer, encoder: TextEncoder
) -> None:
    options = [
        encoder.option("a question:", "bc a"),
        encoder.window(encoder.encode("abc bc naïve")),
        encoder.window(encoder.encode("abc bc naïve"), masked=2),
    ]
    found = RequestBytes.of(
        [np.array(option.context) for option in options],
        [np.array(option.continuation) for option in options],
        BytesOfTokens(tokenizer),
    )
    # One space parts a question from its answer, and does not count in the bytes.
    assert found.lengths.tolist() == [
        option.num_bytes + extra for option, extra in zip(options, (1, 0, 0), strict=True)
    ]
    assert found.sums(np.ones(int(found.scored.sum()))).tolist() == found.lengths.tolist()
    scored = bytes(found.text.symbols[found.scored].astype(np.uint8)).decode()
    assert scored.startswith(" bc aabc bc naïve")
