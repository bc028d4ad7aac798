"""Shared parts of requests, which a model computes once.

These are the context of the options of a question, and the prefix of many questions.

A `Bough` is a context with all the continuations that follow it. It is run as one sequence in which
no branch sees another:

    context  branch 1 without its last token  branch 2 without its last token  ...

A `Bundle` is a prefix, run once, and the boughs that begin with it. Only tokens are compared: a
token across the end of a prefix shortens the shared part and does not change a score.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

LEAST_PREFIX = 16
"""Minimum of tokens of a common prefix that is run on its own."""


@dataclass(frozen=True, kw_only=True)
class Bough:
    """A context and its continuations."""

    context: np.ndarray
    """Token ids."""
    branches: list[np.ndarray] = field(default_factory=list)
    """Distinct continuations: token ids."""
    sequences: list[list[int]] = field(default_factory=list)
    """(branch) the requests with this continuation."""

    @property
    def length(self) -> int:
        """Tokens that are run."""
        return len(self.context) + sum(len(branch) - 1 for branch in self.branches)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Boughs that begin alike."""

    prefix: np.ndarray
    """Token ids with which each context begins; may be empty."""
    boughs: list[Bough]
    """Longest first."""

    def batches(self, tokens: int, *, one_length: bool = False) -> Iterator[list[Bough]]:
        """Yield boughs in batches of at most `tokens` tokens, the longest first.

        Padding counts, the prefix does not.

        Args:
            tokens: maximum of tokens.
            one_length: whether all boughs of a batch must have the same length.
        """
        start = 0
        while start < len(self.boughs):
            length = self.boughs[start].length
            end = start + max(1, tokens // (length - len(self.prefix)))
            batch = self.boughs[start:end]
            if one_length:
                batch = [bough for bough in batch if bough.length == length]
            yield batch
            start += len(batch)


def bundles_of(
    contexts: Sequence[np.ndarray],
    continuations: Sequence[np.ndarray],
    group: np.ndarray | None,
    *,
    sharing: bool,
) -> list[Bundle]:
    """Return requests as bundles; each distinct request is there once.

    Args:
        contexts: token ids that are given.
        continuations: token ids that are scored.
        group: (request) number of the prefix that a context is known to begin with, -1 for none;
            none at all if not given.
        sharing: whether the model can run branches and reuse prefixes. If not, each request is a
            bough of its own.
    """
    boughs: dict[tuple[int, bytes, bytes], Bough] = {}
    place: dict[tuple[int, bytes, bytes, bytes], int] = {}
    for index, (context, continuation) in enumerate(zip(contexts, continuations, strict=True)):
        number = int(group[index]) if group is not None and sharing else -1
        ending = _digest(continuation)
        # Branches longer than their shared context would cost more in attention than they save:
        # documents share their first token only.
        key = (
            number,
            _digest(context),
            b"" if sharing and len(context) >= len(continuation) else ending,
        )
        bough = boughs.setdefault(key, Bough(context=context))
        branch = place.setdefault((*key, ending), len(bough.branches))
        if branch == len(bough.branches):
            bough.branches.append(continuation)
            bough.sequences.append([])
        bough.sequences[branch].append(index)
    by_group: dict[int, list[Bough]] = {}
    for (number, _, _), bough in boughs.items():
        by_group.setdefault(number, []).append(bough)
    alone = by_group.pop(-1, [])
    bundles = []
    for members in by_group.values():
        prefix = _common(members)
        if len(members) > 1 and len(prefix) >= LEAST_PREFIX:
            bundles.append(Bundle(prefix=prefix, boughs=_longest_first(members)))
        else:
            alone += members
    # Branching needs a mask and a single continuation none: they are not mixed.
    for members in (
        [bough for bough in alone if len(bough.branches) > 1],
        [bough for bough in alone if len(bough.branches) == 1],
    ):
        if members:
            bundles.append(
                Bundle(prefix=np.empty(0, dtype=np.int64), boughs=_longest_first(members))
            )
    return bundles


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Boughs laid out as arrays, padded on the right."""

    tokens: np.ndarray
    """(bough, time) token ids; 0 where padded."""
    positions: np.ndarray
    """(bough, time) place of each token in its own sequence."""
    branch: np.ndarray
    """(bough, time) 0 for the context, 1 and up for the branches, -1 where padded."""
    scored: np.ndarray
    """(scored place) index into the flattened (bough, time): the places after which a token is
    scored."""
    place: np.ndarray
    """(target) index into `scored`."""
    target: np.ndarray
    """(target) the token whose probability is computed; the targets of a branch are adjacent."""
    first: np.ndarray
    """(branch of the batch) its first target."""
    sequences: list[list[int]]
    """(branch of the batch) the requests that it is."""


def lay_out(boughs: Sequence[Bough], prefix: int) -> Batch:
    """Build the batch of boughs whose first `prefix` tokens have been run."""
    longest = max(bough.length for bough in boughs) - prefix
    tokens = np.zeros((len(boughs), longest), dtype=np.int64)
    positions = np.zeros_like(tokens)
    branch = np.full_like(tokens, -1)
    scored: list[np.ndarray] = []
    place: list[np.ndarray] = []
    first, sequences = [], []
    places = targets = 0
    for row, bough in enumerate(boughs):
        size, total = len(bough.context) - prefix, len(bough.context)
        tokens[row, :size] = bough.context[prefix:]
        positions[row, :size] = np.arange(prefix, total)
        branch[row, :size] = 0
        origin, end = places, size
        scored.append(np.array([row * longest + size - 1]))
        places += 1
        for number, continuation in enumerate(bough.branches, start=1):
            inner = len(continuation) - 1
            tokens[row, end : end + inner] = continuation[:-1]
            positions[row, end : end + inner] = np.arange(total, total + inner)
            branch[row, end : end + inner] = number
            scored.append(row * longest + np.arange(end, end + inner))
            place.append(np.concatenate([[origin], np.arange(places, places + inner)]))
            first.append(targets)
            places, targets, end = places + inner, targets + inner + 1, end + inner
        sequences += bough.sequences
    target = np.concatenate([continuation for bough in boughs for continuation in bough.branches])
    return Batch(
        tokens=tokens,
        positions=positions,
        branch=branch,
        scored=np.concatenate(scored),
        place=np.concatenate(place),
        target=target,
        first=np.array(first),
        sequences=sequences,
    )


def visible(branch: np.ndarray) -> np.ndarray:
    """Return (bough, time, time) whether a token sees another.

    It sees earlier tokens of the context and of its branch, and itself.
    """
    earlier = np.tri(branch.shape[1], dtype=bool)
    return earlier & ((branch[:, None, :] == 0) | (branch[:, None, :] == branch[:, :, None]))


def _digest(tokens: np.ndarray) -> bytes:
    """Return a short digest that identifies a row of tokens."""
    return hashlib.blake2b(tokens.astype(np.int64).tobytes(), digest_size=16).digest()


def _common(boughs: Sequence[Bough]) -> np.ndarray:
    """Return the tokens with which all contexts begin.

    The last token of a context is not among them, since the first score is read there.
    """
    shared = boughs[0].context
    for bough in boughs:
        size = min(len(shared), len(bough.context) - 1)
        differ = np.flatnonzero(shared[:size] != bough.context[:size])
        shared = shared[: differ[0] if len(differ) else size]
    return shared


def _longest_first(boughs: list[Bough]) -> list[Bough]:
    return sorted(boughs, key=lambda bough: -bough.length)
