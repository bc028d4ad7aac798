"""Search for the text of items in a corpus.

An item overlaps if it shares a window of consecutive lower-cased words with a document.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from relscale.text.windows import WordHasher, window_hashes

WINDOW_WORDS = 13
BATCH_DOCUMENTS = 1024
"""Documents that are read at a time."""


def overlapping(
    items: Mapping[str, Sequence[str]], batches: Iterable[Sequence[str]], size: int = WINDOW_WORDS
) -> tuple[list[str], int]:
    """Return the sorted names of items that overlap with a corpus, and the number of short items.

    Args:
        items: texts of each item by name, one per domain that has another text under the name. An
            item without a text of `size` words has no window and is counted as short.
        batches: documents of the corpus, in batches.
        size: words of a window.
    """
    hasher = WordHasher()
    hashes = {
        name: np.concatenate([window_hashes(hasher(text), size) for text in texts])
        for name, texts in items.items()
    }
    wanted = np.unique(np.concatenate([np.empty(0, np.uint64), *hashes.values()]))
    found = np.zeros(len(wanted), dtype=bool)
    if len(wanted):
        for batch in batches:
            for text in batch:
                windows = window_hashes(hasher(text), size)
                places = np.minimum(np.searchsorted(wanted, windows), len(wanted) - 1)
                found[places[wanted[places] == windows]] = True
    shared = wanted[found]
    too_short = sum(not len(some) for some in hashes.values())
    return sorted(name for name, some in hashes.items() if np.isin(some, shared).any()), too_short


def item_texts(requests: Path) -> dict[str, list[str]]:
    """Return the texts of each item by name.

    An item of several domains occurs once, with one text unless its texts differ, as those of a
    verse in several translations do.
    """
    table = pq.read_table(requests, columns=["item", "text"])
    pairs = zip(table["item"].to_pylist(), table["text"].to_pylist(), strict=True)
    texts: dict[str, dict[str, None]] = {}
    for item, text in pairs:
        if text:
            texts.setdefault(item, {})[text] = None
    return {item: list(some) for item, some in texts.items()}


def document_batches(train: Path) -> Iterator[list[str]]:
    """Yield the documents of a corpus in batches."""
    with pq.ParquetFile(train) as table:
        for batch in table.iter_batches(batch_size=BATCH_DOCUMENTS, columns=["text"]):
            yield batch["text"].to_pylist()
