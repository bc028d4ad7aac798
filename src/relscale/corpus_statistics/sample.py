"""Samples of equal size: passages of documents in a random order, up to a number of bytes.

Statistics of text depend on its size, so that only samples of the same size can be compared. A
sample consists of passages rather than whole documents: some corpora have books, others headlines,
and one book is not a sample of a corpus.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Array = npt.NDArray[np.float64]
_SPACE = re.compile(rb"[ \t\n\r\x0b\x0c]")


@dataclass(frozen=True, kw_only=True)
class PassageSample:
    """A sample of a text."""

    passages: tuple[bytes, ...]
    """Parts of documents in UTF-8, none of them empty, in random order."""
    units: npt.NDArray[np.int64]
    """(passage) index of the document, or of the group of documents, that it comes from."""

    @property
    def num_bytes(self) -> int:
        """Bytes of all passages."""
        return sum(map(len, self.passages))

    @property
    def num_units(self) -> int:
        """Documents that passages come from."""
        return len(np.unique(self.units))

    @property
    def effective_units(self) -> float:
        """Documents of equal size with the same spread: (sum of w)^2 / sum of w^2.

        w are the bytes of each document (Kish 1965).
        """
        sizes = np.bincount(self.units, weights=[len(passage) for passage in self.passages])
        return float(sizes.sum() ** 2 / np.square(sizes).sum())


def draw_sample(
    texts: pa.ChunkedArray,
    *,
    num_bytes: int,
    passage_bytes: int,
    rng: np.random.Generator,
    units: Sequence[int] | None = None,
) -> PassageSample:
    """Draw passages of documents without replacement until they have a number of bytes.

    Args:
        texts: (document) texts.
        num_bytes: bytes of the sample; the last passage is cut. All of a smaller text is taken.
        passage_bytes: bytes of a passage; passages begin and end at white space.
        rng: source of the random order.
        units: (document) index of the group of documents that vary together; by default each
            document is one of its own.

    Returns:
        The sample; without any text, one without passages.
    """
    lengths = np.asarray(pc.fill_null(pc.binary_length(texts), 0).to_numpy(), dtype=np.int64)
    last = np.cumsum(-(-lengths // passage_bytes))
    cuts: dict[int, list[bytes]] = {}
    passages: list[bytes] = []
    found: list[int] = []
    left = num_bytes
    for place in rng.permutation(int(last[-1]) if len(last) else 0):
        if left <= 0:
            break
        document = int(np.searchsorted(last, place, side="right"))
        if document not in cuts:
            cuts[document] = cut(str(texts[document]).encode(), passage_bytes)
        passage = whole_characters(cuts[document][int(place - last[document])][:left])
        if passage.strip():
            passages.append(passage)
            found.append(document if units is None else units[document])
            left -= len(passage)
    return PassageSample(
        passages=tuple(passages),
        units=np.unique(np.asarray(found, dtype=np.int64), return_inverse=True)[1],
    )


def cut(document: bytes, passage_bytes: int) -> list[bytes]:
    """Cut a document into passages, behind the first white space after each multiple of a length.

    Args:
        document: the text in UTF-8.
        passage_bytes: the length.

    Returns:
        As many passages as the document has beginnings of that length, at least one; a passage is
        empty if the one before has no white space.

    Examples:
        >>> cut(b"the sea is wide", 5)
        [b'the sea ', b'is ', b'wide']
    """
    places = [0]
    for start in range(passage_bytes, len(document), passage_bytes):
        if places[-1] <= start:
            space = _SPACE.search(document, start)
            places.append(space.end() if space else len(document))
        else:  # The first white space after this place is known.
            places.append(places[-1])
    places.append(len(document))
    return [document[a:b] for a, b in pairwise(places)]


def whole_characters(data: bytes) -> bytes:
    """Return a text without a character that is cut at its end.

    Examples:
        >>> whole_characters("né".encode()[:2])
        b'n'
    """
    return data.decode("utf-8", "ignore").encode()
