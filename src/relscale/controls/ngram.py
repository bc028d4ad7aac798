r"""Back-off n-gram models over bytes, with interpolated Witten-Bell smoothing.

With c(h w) the count of symbol w after history h, c(h) = sum over w of c(h w), T(h) the number of
different symbols seen after h, and h' the history without its first symbol:

    p_n(w | h) = (c(h w) + T(h) p_{n-1}(w | h')) / (c(h) + T(h)),    p_0(w) = 1 / 257

An unseen history gives the probability of the lower order. This is Witten and Bell (1991), IEEE
Trans. Inf. Theory 37:1085-1094, method C, in the interpolated form of Chen and Goodman (1998), An
empirical study of smoothing techniques for language modeling, Harvard TR-10-98, section 2.5. As a
compressor it is PPM's method C without exclusion.

The 257 symbols are the bytes and the boundary between documents, which a language model also has to
predict. An n-gram is one integer of 9 bits per symbol, so that counting is sorting and looking up
is a binary search: no Python object per n-gram. Light imports.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NUM_SYMBOLS = 257
"""The bytes and the boundary between documents."""
BOUNDARY = 256
"""The symbol between documents."""
BITS = np.uint64(9)
"""Bits per symbol of a key."""
MOST_ORDER = 7
"""The longest n-gram that a key of 64 bits can hold."""
Symbols = npt.NDArray[np.uint16]
Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Sequences of symbols, one after another; no n-gram spans two of them."""

    symbols: Symbols
    """(symbol) all symbols."""
    place: npt.NDArray[np.int32]
    """(symbol) number of symbols before it in its sequence."""

    @classmethod
    def of(cls, symbols: Symbols, lengths: npt.NDArray[np.integer]) -> "Sequences":
        """Return sequences from their symbols and lengths, which must add up."""
        starts = np.cumsum(lengths) - lengths
        place = np.arange(len(symbols), dtype=np.int32)
        place -= np.repeat(starts, lengths).astype(np.int32)
        return cls(symbols=symbols, place=place)

    @property
    def num_bytes(self) -> int:
        """Number of symbols that are bytes."""
        return int((self.symbols != BOUNDARY).sum())

    def first(self, count: int) -> "Sequences":
        """Return the first symbols; the last sequence may be cut."""
        return Sequences(symbols=self.symbols[:count], place=self.place[:count])

    def keys(self, order: int) -> Iterator[Keys]:
        """Yield, for n from 1 to `order`, the n-gram that ends at each symbol.

        It has no meaning where the sequence has fewer than n symbols up to there.
        """
        keys = self.symbols.astype(np.uint64)
        symbols = keys
        yield keys
        for _ in range(1, order):
            longer = symbols.copy()
            longer[1:] |= keys[:-1] << BITS
            keys = longer
            yield keys


@dataclass(frozen=True, kw_only=True)
class Grams:
    """The n-grams of one length in a text, with their counts, and the histories that they have."""

    grams: Keys
    """(n-gram) keys, rising."""
    counts: npt.NDArray[np.int64]
    """(n-gram) occurrences, c(h w)."""
    histories: Keys
    """(history) keys, rising."""
    totals: npt.NDArray[np.int64]
    """(history) occurrences followed by a symbol, c(h)."""
    types: npt.NDArray[np.int64]
    """(history) different symbols that follow, T(h)."""


def count_grams(keys: Keys) -> Grams:
    """Count n-grams of one length.

    Args:
        keys: (occurrence) n-grams in any order; the array is sorted in place.
    """
    keys.sort()
    grams, counts = _runs(keys)
    first = _firsts(grams >> BITS)
    histories = grams[first] >> BITS
    if not len(first):
        return Grams(grams=grams, counts=counts, histories=histories, totals=counts, types=counts)
    return Grams(
        grams=grams,
        counts=counts,
        histories=histories,
        totals=np.add.reduceat(counts, first),
        types=np.diff(np.append(first, len(grams))),
    )


def _firsts(sorted_keys: Keys) -> npt.NDArray[np.int64]:
    """Return the places at which a new key begins."""
    if not len(sorted_keys):
        return np.empty(0, dtype=np.int64)
    new = np.empty(len(sorted_keys), dtype=bool)
    new[0] = True
    np.not_equal(sorted_keys[1:], sorted_keys[:-1], out=new[1:])
    return np.flatnonzero(new)


def _runs(sorted_keys: Keys) -> tuple[Keys, npt.NDArray[np.int64]]:
    """Return the different keys and how often each occurs."""
    first = _firsts(sorted_keys)
    return sorted_keys[first], np.diff(np.append(first, len(sorted_keys)))


def count_text(text: Sequences, order: int) -> list[Grams]:
    """Return the n-grams of a text for n from 1 to `order`.

    Memory is about 50 bytes per symbol of the text, at most.

    Raises:
        ValueError: if the order is below 1 or above `MOST_ORDER`.
    """
    if not 1 <= order <= MOST_ORDER:
        raise ValueError(f"order {order}: must be from 1 to {MOST_ORDER}")
    return [
        count_grams(keys[text.place >= length - 1])
        for length, keys in enumerate(text.keys(order), start=1)
    ]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The n-grams of one length that are looked up."""

    at: npt.NDArray[np.intp]
    """(occurrence) places among the scored symbols."""
    grams: Keys
    """(n-gram) each different one once, rising."""
    inverse: npt.NDArray[np.intp]
    """(occurrence) which of them it is."""


class Queries:
    """Symbols to score after the symbols before them, prepared once for any number of models."""

    def __init__(self, text: Sequences, scored: npt.NDArray[np.bool_], order: int) -> None:
        """Find the different n-grams of each length that end at a scored symbol.

        Args:
            text: contexts and continuations, one sequence each.
            scored: (symbol) whether it is scored.
            order: the longest n-grams.
        """
        self.num_scored = int(scored.sum())
        """Number of scored symbols."""
        place = text.place[scored]
        self._asked: list[_Asked] = []
        for length, keys in enumerate(text.keys(order), start=1):
            at = np.flatnonzero(place >= length - 1)
            grams, inverse = np.unique(keys[scored][at], return_inverse=True)
            self._asked.append(_Asked(at=at, grams=grams, inverse=inverse))

    def log_probabilities(self, model: list[Grams]) -> Iterator[npt.NDArray[np.float64]]:
        """Yield log p_n of each scored symbol, for n from 1 to the order, in nats.

        Near the beginning of a sequence the history is shorter than n - 1.

        Args:
            model: the counts of a text, as `count_text` returns them.
        """
        p = np.full(self.num_scored, 1 / NUM_SYMBOLS)
        for asked, grams in zip(self._asked, model, strict=True):
            count, total, types = (found[asked.inverse] for found in _look_up(asked.grams, grams))
            lower = p[asked.at]
            with np.errstate(invalid="ignore"):
                mixed = (count + types * lower) / (total + types)
            p[asked.at] = np.where(total > 0, mixed, lower)
            yield np.log(p)


def _look_up(asked: Keys, grams: Grams) -> tuple[npt.NDArray[np.int64], ...]:
    """Return c(h w), c(h) and T(h) of n-grams; 0 for those that the text does not have."""
    history, inverse = np.unique(asked >> BITS, return_inverse=True)
    total, types = _values(history, grams.histories, (grams.totals, grams.types))
    (count,) = _values(asked, grams.grams, (grams.counts,))
    return count, total[inverse], types[inverse]


def _values(
    asked: Keys, known: Keys, columns: tuple[npt.NDArray[np.int64], ...]
) -> list[npt.NDArray[np.int64]]:
    """Return the values of keys in sorted columns; 0 for keys that are not there."""
    if not len(known):
        return [np.zeros(len(asked), dtype=np.int64) for _ in columns]
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    found = known[place] == asked
    return [np.where(found, column[place], 0) for column in columns]
