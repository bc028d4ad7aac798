"""The order in which a run sees the windows of its corpus. Light imports: no torch."""

from collections.abc import Callable, Iterator

import numpy as np

from relscale.plan.run_spec import TrainingData
from relscale.text.mixture import Mixture

Read = Callable[[np.ndarray], np.ndarray]
"""A function from window numbers to their tokens, (windows, context_length + 1)."""
PERMUTATION_SEED = 2510_03313
"""Seed of the permuted windows. It is the same for all runs: permuted windows are a property of the
arm's data."""


def windows(num_tokens: int, context_length: int, seed: int, skip: int = 0) -> Iterator[int]:
    """Yield window numbers without end: each epoch is a seeded permutation of all windows.

    Window w holds the context_length + 1 tokens from w * context_length on; the last one is only
    predicted.

    Args:
        num_tokens: tokens of the corpus.
        context_length: tokens per window.
        seed: of the permutations.
        skip: windows to leave out at the beginning (those that an interrupted run has seen).

    Raises:
        ValueError: if there are too few tokens for one window.
    """
    count = (num_tokens - 1) // context_length
    if count < 1:
        raise ValueError(f"{num_tokens} tokens hold no window of {context_length} + 1")
    epoch, begin = divmod(skip, count)
    while True:
        yield from np.random.default_rng((seed, epoch)).permutation(count)[begin:]
        epoch, begin = epoch + 1, 0


def stream(
    tokens: np.ndarray | Mixture, context_length: int, seed: int, skip: int = 0
) -> tuple[Iterator[int], Read, float]:
    """Return the order in which a run reads its tokens, and a function that reads them.

    Args:
        tokens: token ids of one file, read in the order of `windows`, or a weighted mixture, read
            in the order of the mixture.
        context_length: tokens per window.
        seed: of the order.
        skip: windows to leave out at the beginning.

    Returns:
        The window numbers, without end; a function from window numbers to their tokens, (windows,
        context_length + 1); the number of windows per epoch (for a mixture, of the component with
        the most epochs).

    Raises:
        ValueError: if there are too few tokens for one window.
    """
    if isinstance(tokens, Mixture):
        order = tokens.order(context_length, seed, skip)
        return (
            order,
            lambda numbers: tokens.read(numbers, context_length),
            tokens.windows_per_epoch(context_length),
        )
    offsets = np.arange(context_length + 1)

    def read(numbers: np.ndarray) -> np.ndarray:
        return tokens[numbers[:, None] * context_length + offsets].astype(np.int64)

    return (
        windows(len(tokens), context_length, seed, skip),
        read,
        max(1, (len(tokens) - 1) // context_length),
    )


def changed_stream(
    tokens: np.ndarray | Mixture,
    context_length: int,
    seed: int,
    *,
    skip: int = 0,
    data: TrainingData | None = None,
) -> tuple[Iterator[int], Read, float]:
    """Return order, reader and windows per epoch of the tokens as an arm changes them.

    Args:
        tokens: token ids of one file, or a weighted mixture.
        context_length: tokens per window.
        seed: of the order.
        skip: windows to leave out at the beginning.
        data: changes of the tokens; None for none.

    Raises:
        ValueError: if there are too few tokens for one window, or fewer than the arm reads.
    """
    if data is None:
        return stream(tokens, context_length, seed, skip)
    if data.unique_tokens is not None:
        tokens = first_tokens(tokens, data.unique_tokens)
    order, read, windows_per_epoch = stream(tokens, context_length, seed, skip)
    if data.permuted_share is not None:
        read = with_permuted_windows(read, data.permuted_share)
    return order, read, windows_per_epoch


def first_tokens(tokens: np.ndarray | Mixture, number: int) -> np.ndarray:
    """Return the first tokens of a corpus that is one file, (number,).

    Raises:
        ValueError: if the corpus is a mixture or has fewer tokens.
    """
    if isinstance(tokens, Mixture):
        raise ValueError("unique_tokens: a sharded corpus has no first tokens")
    if len(tokens) < number:
        raise ValueError(f"unique_tokens = {number}: the corpus has {len(tokens)} tokens")
    return tokens[:number]


def with_permuted_windows(read: Read, share: float) -> Read:
    """Return a function that reads windows, some with their tokens in random order.

    The number of a window decides whether and how it is permuted, so that each epoch and each run
    sees the same data; a larger share permutes the same windows and more.

    Args:
        read: reads windows by number.
        share: expected share of permuted windows.
    """

    def changed(numbers: np.ndarray) -> np.ndarray:
        batch = read(numbers)
        for row, number in enumerate(numbers):
            generator = np.random.default_rng((PERMUTATION_SEED, int(number)))
            if generator.random() < share:
                batch[row] = generator.permutation(batch[row])
        return batch

    return changed
