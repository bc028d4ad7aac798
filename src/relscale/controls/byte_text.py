"""The bytes of tokens: the text that a run reads and the requests that it is scored on.

A control over bytes reads the same windows and scores the same requests as the runs, without a
tokenizer's cuts. The end-of-text token is the symbol between documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from relscale.controls.ngram import BOUNDARY, Sequences
from relscale.text.mixture import Mixture
from relscale.text.tokenizer import end_of_text
from relscale.text.tokenizer_checks import byte_alphabet
from relscale.training.stream import stream

_WINDOWS = 2048
"""Windows that are read together."""


class BytesOfTokens:
    """The symbols of every token of a byte-level tokenizer."""

    def __init__(self, tokenizer: Tokenizer, where: str = "tokenizer") -> None:
        """List the bytes of each token; special tokens other than the end of text have none.

        Raises:
            ValueError: naming its origin `where`, if it has no end-of-text token.
        """
        byte_of = {character: byte for byte, character in enumerate(byte_alphabet())}
        added = tokenizer.get_added_tokens_decoder()
        end = end_of_text(tokenizer, where)[1]
        symbols: list[list[int]] = [[] for _ in range(1 + max(tokenizer.get_vocab().values()))]
        for token, index in tokenizer.get_vocab().items():
            if index == end:
                symbols[index] = [BOUNDARY]
            elif index not in added:
                symbols[index] = [byte_of[character] for character in token]
            elif not added[index].special:
                symbols[index] = list(added[index].content.encode())
        self._flat = np.array([one for each in symbols for one in each], dtype=np.uint16)
        self._length = np.array([len(each) for each in symbols], dtype=np.int64)
        self._start = np.cumsum(self._length) - self._length

    def symbols(self, tokens: npt.NDArray[np.integer]) -> npt.NDArray[np.uint16]:
        """Return the symbols of tokens, (symbol)."""
        lengths = self._length[tokens]
        begin = np.cumsum(lengths) - lengths
        place = np.repeat(self._start[tokens] - begin, lengths)
        return self._flat[place + np.arange(len(place))]

    def lengths(self, tokens: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Return the number of symbols of each token; the shape is that of the tokens."""
        return self._length[tokens]


def training_text(
    tokens: npt.NDArray[np.integer] | Mixture,
    token_bytes: BytesOfTokens,
    *,
    context_length: int,
    seed: int,
    num_bytes: int,
) -> Sequences:
    """Return the windows of a corpus as symbols, in a seeded order, each as one sequence.

    Windows are those that runs are trained on, and their order is a draw like that of a run. No
    window repeats.

    Args:
        tokens: the training tokens of the corpus.
        token_bytes: the tokenizer's bytes.
        context_length: tokens per window.
        seed: of the order.
        num_bytes: bytes at which the text ends, without symbols between documents.

    Returns:
        Sequences with at least `num_bytes` bytes, or all windows of one epoch if these are fewer.
    """
    order, read, per_epoch = stream(tokens, context_length, seed)
    symbols: list[npt.NDArray[np.uint16]] = []
    lengths: list[npt.NDArray[np.int64]] = []
    left, windows = num_bytes, int(per_epoch)
    while left > 0 and windows > 0:
        count = min(_WINDOWS, windows)
        # The last token of a window is the first one of another.
        rows = read(np.fromiter(order, dtype=np.int64, count=count))[:, :-1]
        found = token_bytes.symbols(rows.ravel())
        symbols.append(found)
        lengths.append(token_bytes.lengths(rows).sum(axis=1))
        left -= int((found != BOUNDARY).sum())
        windows -= count
    return Sequences.of(np.concatenate(symbols), np.concatenate(lengths))


def prefix_lengths(text: Sequences, sizes: Sequence[int]) -> list[int | None]:
    """Return the number of symbols with which a text has each number of bytes.

    None for a number of bytes that the text does not have.
    """
    counted = np.cumsum(text.symbols != BOUNDARY)
    places = np.searchsorted(counted, sizes)
    return [int(place) + 1 if place < len(counted) else None for place in places]


@dataclass(frozen=True, kw_only=True)
class RequestBytes:
    """Requests as symbols."""

    text: Sequences
    """Context and continuation of each request, as one sequence."""
    scored: npt.NDArray[np.bool_]
    """(symbol) whether it is in the continuation."""
    lengths: npt.NDArray[np.int64]
    """(request) scored symbols."""

    @classmethod
    def of(
        cls,
        contexts: Sequence[npt.NDArray[np.integer]],
        continuations: Sequence[npt.NDArray[np.integer]],
        token_bytes: BytesOfTokens,
    ) -> "RequestBytes":
        """Return requests, which must not be none, from their tokens."""
        parts = [part for pair in zip(contexts, continuations, strict=True) for part in pair]
        tokens = np.concatenate(parts)
        whole = np.concatenate([[0], np.cumsum(token_bytes.lengths(tokens))])
        ends = whole[np.cumsum([len(part) for part in parts])]
        sizes = np.diff(np.concatenate([[0], ends])).reshape(-1, 2)  # (request, part)
        return cls(
            text=Sequences.of(token_bytes.symbols(tokens), sizes.sum(axis=1)),
            scored=np.repeat(np.tile([False, True], len(sizes)), sizes.ravel()),
            lengths=sizes[:, 1],
        )

    def sums(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return (request) the sums of values of the scored symbols."""
        totals = np.concatenate([[0.0], np.cumsum(values)])
        ends = np.cumsum(self.lengths)
        return np.asarray(totals[ends] - totals[ends - self.lengths])
