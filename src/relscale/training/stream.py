"""The order in which a run sees the windows of its corpus. Light imports: no torch."""

from collections.abc import Callable, Iterator

import numpy as np

from relscale.text.mixture import Mixture


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
) -> tuple[Iterator[int], Callable[[np.ndarray], np.ndarray], float]:
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
