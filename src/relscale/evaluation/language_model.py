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


class LanguageModel(Protocol):
    """A model that scores continuations."""

    def score(self, contexts: Sequence[Tokens], continuations: Sequence[Tokens]) -> Scores:
        """Score each continuation after its context; results are in the order given."""
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

    def in_given_order(self, log_likelihood: np.ndarray, greedy: np.ndarray) -> Scores:
        """Return the requests' scores from those of the rows."""
        return Scores(log_likelihood=log_likelihood[self.source], greedy=greedy[self.source])


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
