"""Reading several files of tokens as one weighted stream of windows, in memory that does not grow
with them. Light imports: no tokenizer.

    mixture = Mixture([Component(name="news", weight=2.0, shards=[tokens, ...]), ...])
    for number in mixture.order(context_length, seed, skip): ...      which window comes next, for
    ever mixture.read(numbers, context_length)                             their tokens

The order depends on the seed and the mixture alone: all models that are trained on a mixture see
the same windows in the same order, and a larger one only sees more of them. Windows come in blocks
of `BLOCK`: a block holds each component by its weight, and whose turn it is in a block is random. A
component gives its windows by a seeded permutation, none twice before all have come; then by the
next one. Both are computed, not stored: a permutation of 10^9 windows costs nothing (a Feistel
network on the next power of four, walked until it lands inside; Black, Rogaway 2002, Ciphers with
arbitrary finite domains).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK = 4096
"""Windows of a block."""
ROUNDS = 6
"""Rounds of the Feistel network."""
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Component:
    """One ingredient of a mixture."""

    name: str
    """Its name, for messages."""
    weight: float
    """Its share of the windows is this over the sum of all weights."""
    shards: Sequence[npt.NDArray[np.unsignedinteger]]
    """Its tokens, usually memory maps; no window reaches over the end of one."""


class Mixture:
    """Weighted components, read window by window."""

    def __init__(self, components: Sequence[Component]) -> None:
        """Take the components; their order is part of what decides the order of windows.

        Raises:
            ValueError: where there is none, a weight is not above 0, or there are more than `BLOCK`
                can hold by weight.
        """
        for component in components:
            if not (math.isfinite(component.weight) and component.weight > 0):
                raise ValueError(
                    f"component {component.name}: weight = {component.weight}; it must be above 0"
                )
        if not 0 < len(components) <= math.isqrt(BLOCK) - 1:
            raise ValueError(
                f"{len(components)} components; a mixture has from 1 to {math.isqrt(BLOCK) - 1}"
            )
        self.components = list(components)
        """The components, in order."""
        whole = math.fsum(component.weight for component in components)
        self.shares = [component.weight / whole for component in components]
        """Share of the windows that are each component's."""
        self._largest = max(range(len(components)), key=lambda index: self.shares[index])
        self._starts: dict[int, list[Numbers]] = {}

    def __len__(self) -> int:
        """Tokens of all components, each once."""
        return sum(len(shard) for component in self.components for shard in component.shards)

    def num_windows(self, context_length: int) -> list[int]:
        """Return how many windows each component has.

        Raises:
            ValueError: naming a component without a whole window.
        """
        counts = [int(starts[-1]) for starts in self._shard_starts(context_length)]
        for component, count in zip(self.components, counts, strict=True):
            if count < 1:
                tokens = sum(len(shard) for shard in component.shards)
                raise ValueError(
                    f"component {component.name}: {tokens} tokens hold no window of {context_length} + 1"
                )
        return counts

    def windows_per_epoch(self, context_length: int) -> float:
        """Return after how many windows of the mixture a component has been seen whole for the
        first time."""
        return min(
            count / share
            for share, count in zip(self.shares, self.num_windows(context_length), strict=True)
        )

    def order(self, context_length: int, seed: int, skip: int = 0) -> Iterator[int]:
        """Yield the numbers of windows for ever, after the first `skip`: the component's first
        number plus the window's place in it."""
        counts = self.num_windows(context_length)
        first = np.concatenate([[0], np.cumsum(counts)])
        block, begin = divmod(skip, BLOCK)
        while True:
            seen, until = np.array(self._seen(block)), np.array(self._seen(block + 1))
            # Only whose turn it is is shuffled: a component's own windows keep the order of their
            # permutation.
            turns = np.random.default_rng((seed, block)).permutation(
                np.repeat(np.arange(len(counts)), until - seen)
            )
            numbers = np.empty(BLOCK, dtype=np.int64)
            for index, count in enumerate(counts):
                places = np.arange(seen[index], until[index], dtype=np.int64)
                numbers[turns == index] = first[index] + _permuted(places, count, (seed, index))
            yield from numbers[begin:].tolist()
            block, begin = block + 1, 0

    def read(self, numbers: Numbers, context_length: int) -> Numbers:
        """Return the tokens of windows, (windows, context_length + 1)."""
        starts = self._shard_starts(context_length)
        first = np.cumsum([0, *(int(some[-1]) for some in starts)])
        out = np.empty((len(numbers), context_length + 1), dtype=np.int64)
        for row, number in enumerate(numbers):
            index = int(np.searchsorted(first, number, side="right")) - 1
            place = number - first[index]
            shard = int(np.searchsorted(starts[index], place, side="right")) - 1
            start = int(place - starts[index][shard]) * context_length
            out[row] = self.components[index].shards[shard][start : start + context_length + 1]
        return out

    def _shard_starts(self, context_length: int) -> list[Numbers]:
        """Return, for each component, the number of the first window of each of its shards, and at
        the end how many there are."""
        if context_length not in self._starts:
            self._starts[context_length] = [
                np.cumsum(
                    [0, *(max(0, (len(shard) - 1) // context_length) for shard in component.shards)]
                )
                for component in self.components
            ]
        return self._starts[context_length]

    def _seen(self, blocks: int) -> list[int]:
        """Return how many windows of each component the first blocks hold: within one of its share,
        the largest makes up the rest."""
        windows = blocks * BLOCK
        seen = [math.floor(share * windows + 0.5) for share in self.shares]
        seen[self._largest] = windows - sum(
            count for index, count in enumerate(seen) if index != self._largest
        )
        return seen


def _permuted(places: Numbers, count: int, seed: tuple[int, int]) -> Numbers:
    """Return what stands at places of an endless sequence of permutations of range(count), one
    after the other."""
    epochs, inside = np.divmod(places, count)
    out = np.empty_like(places)
    for epoch in np.unique(epochs):
        chosen = epochs == epoch
        out[chosen] = permutation_at(inside[chosen], count, (*seed, int(epoch)))
    return out


def permutation_at(places: Numbers, count: int, seed: Sequence[int]) -> Numbers:
    """Return what stands at some places of a seeded permutation of range(count), without making the
    rest of it.

    Args:
        places: from range(count).
        count: how many there are, below 2^62.
        seed: of the permutation.
    """
    half = max(1, math.ceil((count - 1).bit_length() / 2))
    keys = np.random.SeedSequence(list(seed)).generate_state(ROUNDS, np.uint64)
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)

    def once(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        left, right = values >> shift, values & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        return (left << shift) | right

    values = once(places.astype(np.uint64))
    # What lands outside walks on along its cycle, which leads back inside; on average less than
    # three steps more.
    while len(outside := np.flatnonzero(values >= np.uint64(count))):
        values[outside] = once(values[outside])
    return values.astype(np.int64)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return 64-bit numbers mixed until each bit depends on all (the finaliser of SplitMix64;
    Steele, Lea, Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
