"""The interface of causal language models that score token sequences. Light imports: no torch.

The rest of the evaluation knows models only as `LanguageModel`. `trained.read_run` reads one from
the folder of a trained run; `torch_model.CausalModel` wraps any module that maps token ids to
logits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Tokens = Sequence[int] | np.ndarray


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of continuations by a model."""

    log_likelihood: np.ndarray
    """(request) sum of the natural logarithms of the continuation's token probabilities,
    float64."""
    greedy: np.ndarray
    """(request) whether each token of the continuation is the most likely one, bool."""
    by_token: np.ndarray | None = None
    """(token) natural logarithm of the probability of each token of the continuations, one
    continuation after another in the order of the requests, float64; None unless asked for."""


class LanguageModel(Protocol):
    """A model that scores continuations."""

    def score(
        self,
        contexts: Sequence[Tokens],
        continuations: Sequence[Tokens],
        *,
        by_token: bool = False,
    ) -> Scores:
        """Score each continuation after its context; results are in the order given.

        Args:
            contexts: token ids that are given.
            continuations: token ids that are scored.
            by_token: whether to return the score of each token as well; it changes no sum.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class DistinctRequests:
    """Requests as token sequences, equal ones once, longest first."""

    rows: list[np.ndarray]
    """Token ids of context and continuation together, int64."""
    given: np.ndarray
    """(row) tokens of the context."""
    source: np.ndarray
    """(request) the row that it is."""

    @property
    def scored(self) -> np.ndarray:
        """(row) tokens of the continuation."""
        return np.array([len(row) for row in self.rows], dtype=np.int64) - self.given

    def in_given_order(
        self, log_likelihood: np.ndarray, greedy: np.ndarray, by_token: np.ndarray | None = None
    ) -> Scores:
        """Return the requests' scores from those of the rows.

        Args:
            log_likelihood: (row) sums.
            greedy: (row) whether each token is the most likely one.
            by_token: (token) of all rows, one row after another; None if not asked for.
        """
        tokens = None
        if by_token is not None:
            tokens = by_token[ranges(self.scored, self.source)]
        return Scores(
            log_likelihood=log_likelihood[self.source], greedy=greedy[self.source], by_token=tokens
        )


def ranges(sizes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the places of the entries of chosen groups, which are stored one after another.

    Args:
        sizes: (group) entries of each group.
        chosen: groups, in the order wanted; a group may occur more than once.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])[chosen]
    wanted = sizes[chosen]
    begins = np.concatenate([[0], np.cumsum(wanted)[:-1]])
    return np.asarray(np.repeat(starts - begins, wanted) + np.arange(int(wanted.sum())))


def distinct_requests(
    contexts: Sequence[Tokens],
    continuations: Sequence[Tokens],
    *,
    vocab_size: int,
    context_length: int,
) -> DistinctRequests:
    """Check requests and return each distinct one once; those of equal length keep their order.

    Raises:
        ValueError: naming the request, if its context or continuation is empty, it is longer than
            the model allows, or a token is not in the vocabulary.
    """
    rows = [
        np.concatenate(pair).astype(np.int64) for pair in zip(contexts, continuations, strict=True)
    ]
    given = np.array([len(context) for context in contexts], dtype=np.int64)
    for index, (row, start) in enumerate(zip(rows, given, strict=True)):
        if start < 1 or len(row) <= start:
            raise ValueError(
                f"request {index}: context and continuation must each have a token; they have "
                f"{start} and {len(row) - start}"
            )
        if len(row) - 1 > context_length:
            raise ValueError(
                f"request {index}: {len(row) - 1} tokens exceed the model's context of "
                f"{context_length}"
            )
        if row.min() < 0 or row.max() >= vocab_size:
            raise ValueError(
                f"request {index}: token {row.max()} is not in the model's vocabulary of "
                f"{vocab_size} entries"
            )
    unique: dict[tuple[int, bytes], int] = {}
    keys = [(int(start), row.tobytes()) for start, row in zip(given, rows, strict=True)]
    for index, key in enumerate(keys):
        unique.setdefault(key, index)
    order = sorted(unique.values(), key=lambda index: (-len(rows[index]), index))
    place = {index: number for number, index in enumerate(order)}
    return DistinctRequests(
        rows=[rows[index] for index in order],
        given=given[order],
        source=np.array([place[unique[key]] for key in keys], dtype=np.int64),
    )
