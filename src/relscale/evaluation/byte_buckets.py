"""Classes of the bytes of a text: the kind of byte, and the frequency of its word. Light imports.

Words are maximal runs of Unicode letters, without regard to case. Read `text_classes` first.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from relscale.contract.buckets import BYTE_CLASSES, COMMON_PER_MILLION, WORD_CLASSES

Codes = npt.NDArray[np.uint8]
"""(byte) index of each byte's class."""

_WORD = re.compile(r"[^\W\d_]+")
_WHITE_SPACE = b" \t\n\r\x0b\x0c"
COMMON, RARE, UNSEEN, OTHER = range(len(WORD_CLASSES))


def _table() -> Codes:
    """Return the class of each of the 256 bytes."""
    codes = np.full(256, BYTE_CLASSES.index("punctuation"), dtype=np.uint8)
    for byte in range(128):
        if chr(byte).isalpha():
            codes[byte] = BYTE_CLASSES.index("letters")
        elif chr(byte).isdigit():
            codes[byte] = BYTE_CLASSES.index("digits")
    codes[list(_WHITE_SPACE)] = BYTE_CLASSES.index("white_space")
    codes[128:] = BYTE_CLASSES.index("non_ascii")
    return codes


_BYTE_CODES = _table()


@dataclass(frozen=True, kw_only=True)
class WordCounts:
    """How often words occur in a training corpus."""

    counts: Mapping[str, int]
    """Occurrences of each word, in the form of `str.casefold`."""
    total: int
    """Occurrences of all words."""

    def code(self, word: str) -> int:
        """Return the index of a word's class in `WORD_CLASSES`."""
        count = self.counts.get(word.casefold(), 0)
        if count == 0:
            return UNSEEN
        return COMMON if count * 1e6 >= COMMON_PER_MILLION * self.total else RARE


def count_words(batches: Iterable[pa.StringArray]) -> dict[str, int]:
    """Return the occurrences of each word of a corpus, the most frequent first.

    Words of equal frequency are in alphabetical order.

    Args:
        batches: texts, in batches.
    """
    # No word has white space in it, so that words are found in each distinct piece once.
    pieces = [pc.utf8_split_whitespace(batch).flatten() for batch in batches]
    folded: Counter[str] = Counter()
    for found in pa.chunked_array(pieces, pa.string()).value_counts().to_pylist():
        for word in _WORD.findall(found["values"]):
            folded[word.casefold()] += found["counts"]
    return dict(sorted(folded.items(), key=lambda entry: (-entry[1], entry[0])))


def byte_codes(data: bytes) -> Codes:
    """Return the index in `BYTE_CLASSES` of each byte."""
    return np.asarray(_BYTE_CODES[np.frombuffer(data, dtype=np.uint8)])


def word_codes(data: bytes, words: WordCounts, *, cut: bool) -> Codes:
    """Return the index in `WORD_CLASSES` of each byte.

    Args:
        data: a text in UTF-8; characters that are cut at its ends belong to no word.
        words: words of the training corpus.
        cut: whether the text may continue behind its end: a word that reaches the end may then be a
            part of one and is `other`.
    """
    text = data.decode("utf-8", "surrogateescape")
    ends = np.concatenate([[0], np.cumsum(_byte_lengths(text))])
    codes = np.full(len(data), OTHER, dtype=np.uint8)
    for match in _WORD.finditer(text):
        start, end = match.span()
        if not (cut and end == len(text)):
            codes[ends[start] : ends[end]] = words.code(match.group())
    return codes


def _byte_lengths(text: str) -> npt.NDArray[np.int64]:
    """Return (character) the bytes of each character; one for a byte outside any character."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    lengths = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    lengths[(points >= 0xDC80) & (points <= 0xDCFF)] = 1
    return lengths


def text_classes(
    data: bytes, words: WordCounts | None, *, given: int = 0, cut: bool = False
) -> tuple[Codes, Codes | None]:
    """Return the classes of the scored bytes of a text: kind of byte, and frequency of the word.

    Args:
        data: the text in UTF-8.
        words: words of the training corpus; None where it is not known, and there are no classes.
        given: bytes at the beginning that are shown and not scored.
        cut: whether the text may continue behind its end.
    """
    kinds = byte_codes(data[given:])
    return kinds, None if words is None else word_codes(data, words, cut=cut)[given:]
