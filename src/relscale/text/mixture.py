"""Read several token files as one weighted stream of windows, in constant memory.

Light imports: no tokenizer. Read `Mixture.order` and `Mixture.read` first. The order of the windows
depends only on its seed and the mixture, and each run has its own seed
(`relscale.training.seeds.order_seed`). Windows come in blocks of `BLOCK`: each block holds the
components by weight, in a random order. A component yields its windows in the order of a seeded
permutation, so that none repeats before all have been seen; then the next permutation begins. Both
are computed, not stored, so that a permutation of 10^9 windows needs no memory: it is a Feistel
network on the next power of four, iterated until the result is in range (Black and Rogaway 2002,
Ciphers with arbitrary finite domains).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK = 4096
"""Number of windows in a block."""
ROUNDS = 6
"""Rounds of the Feistel network."""
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component of a mixture."""

    name: str
    """Its name, for messages."""
    weight: float
    """Its share of the windows is its weight over the sum of all weights."""
    shards: Sequence[npt.NDArray[np.unsignedinteger]]
    """Its tokens, (tokens,) each, usually memory maps; windows do not cross their boundaries."""


class Mixture:
    """Weighted components, read window by window."""

    def __init__(self, components: Sequence[Component]) -> None:
        """Store the components; their order affects the order of the windows.

        Raises:
            ValueError: if there is none, a weight is not positive, or there are more than a block
                can hold by weight.
        """
        for component in components:
            if not (math.isfinite(component.weight) and component.weight > 0):
                raise ValueError(
                    f"component {component.name}: weight = {component.weight}; it must be above 0"
                )
        if not 0 < len(components) <= math.isqrt(BLOCK) - 1:
            raise ValueError(
                f"{len(components)} components; a mixture must have 1 to {math.isqrt(BLOCK) - 1}"
            )
        self.components = list(components)
        """Components, in order."""
        whole = math.fsum(component.weight for component in components)
        self.shares = [component.weight / whole for component in components]
        """Each component's share of the windows."""
        self._largest = max(range(len(components)), key=lambda index: self.shares[index])
        self._starts: dict[int, list[Numbers]] = {}

    def __len__(self) -> int:
        """Return the number of tokens of all components."""
        return sum(len(shard) for component in self.components for shard in component.shards)

    def num_windows(self, context_length: int) -> list[int]:
        """Return the number of windows of each component.

        Raises:
            ValueError: naming a component that is shorter than one window.
        """
        counts = [int(starts[-1]) for starts in self._shard_starts(context_length)]
        for component, count in zip(self.components, counts, strict=True):
            if count < 1:
                tokens = sum(len(shard) for shard in component.shards)
                raise ValueError(
                    f"component {component.name}: {tokens} tokens hold no window of"
                    f" {context_length} + 1"
                )
        return counts

    def windows_per_epoch(self, context_length: int) -> float:
        """Return the number of windows after which the first component has been seen completely."""
        return min(
            count / share
            for share, count in zip(self.shares, self.num_windows(context_length), strict=True)
        )

    def order(self, context_length: int, seed: int, skip: int = 0) -> Iterator[int]:
        """Yield window numbers without end, starting after the first `skip`.

        The number of a window is its component's first number plus its index in the component.
        """
        counts = self.num_windows(context_length)
        first = np.concatenate([[0], np.cumsum(counts)])
        block, begin = divmod(skip, BLOCK)
        while True:
            seen, until = np.array(self._seen(block)), np.array(self._seen(block + 1))
            # This shuffles the turns of the components. The windows of a component keep the order
            # of their permutation.
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
        """Return the tokens of windows by number, (windows, context_length + 1)."""
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
        """Return the first window number of each shard of each component.

        The last entry of each component is its number of windows.
        """
        if context_length not in self._starts:
            self._starts[context_length] = [
                np.cumsum(
                    [0, *(max(0, (len(shard) - 1) // context_length) for shard in component.shards)]
                )
                for component in self.components
            ]
        return self._starts[context_length]

    def _seen(self, blocks: int) -> list[int]:
        """Return the number of windows of each component in the first blocks.

        It is the share, rounded; the largest component fills up the rest.
        """
        windows = blocks * BLOCK
        seen = [math.floor(share * windows + 0.5) for share in self.shares]
        seen[self._largest] = windows - sum(
            count for index, count in enumerate(seen) if index != self._largest
        )
        return seen


def _permuted(places: Numbers, count: int, seed: tuple[int, int]) -> Numbers:
    """Return values of an endless sequence of permutations of range(count)."""
    epochs, inside = np.divmod(places, count)
    out = np.empty_like(places)
    for epoch in np.unique(epochs):
        chosen = epochs == epoch
        out[chosen] = permutation_at(inside[chosen], count, (*seed, int(epoch)))
    return out


def permutation_at(places: Numbers, count: int, seed: Sequence[int]) -> Numbers:
    """Return the values at some positions of a seeded permutation of range(count).

    The rest of the permutation is not computed.

    Args:
        places: positions in range(count), (positions,).
        count: length of the permutation, below 2^62.
        seed: seed of the permutation.
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
    # Values out of range are mapped again, along their cycle, until they are in range. This takes
    # fewer than three more steps on average.
    while len(outside := np.flatnonzero(values >= np.uint64(count))):
        values[outside] = once(values[outside])
    return values.astype(np.int64)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Mix 64-bit numbers so that each output bit depends on all input bits.

    This is the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
