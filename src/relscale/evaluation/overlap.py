"""Which items' texts stand in a corpus: they share a window of consecutive lower-cased words with
one of its documents."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from relscale.text.windows import WordHasher, window_hashes

WINDOW_WORDS = 13


def overlapping(
    items: Mapping[str, str], batches: Iterable[Sequence[str]], size: int = WINDOW_WORDS
) -> tuple[list[str], int]:
    """Return the names of the items that overlap with a corpus, sorted, and the number of items too
    short to be searched for.

    Args:
        items: text of each item by name; one with fewer than `size` words has no window.
        batches: the corpus's documents, a batch at a time.
        size: words in a window.
    """
    hasher = WordHasher()
    hashes = {name: window_hashes(hasher(text), size) for name, text in items.items()}
    wanted = np.unique(np.concatenate([np.empty(0, np.uint64), *hashes.values()]))
    found = np.zeros(len(wanted), dtype=bool)
    if len(wanted):
        for batch in batches:
            for text in batch:
                windows = window_hashes(hasher(text), size)
                places = np.minimum(np.searchsorted(wanted, windows), len(wanted) - 1)
                found[places[wanted[places] == windows]] = True
    shared = wanted[found]
    return sorted(name for name, some in hashes.items() if np.isin(some, shared).any()), sum(
        not len(some) for some in hashes.values()
    )
