"""Hash the words of a text, and windows of consecutive words, to 64-bit numbers.

The search for near-duplicates (sets of 5-word windows) and decontamination (13-word windows of
evaluation sets) compare these hashes. They depend only on the text, not on a seed or the platform.
"""

import hashlib
import re

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_WORD = re.compile(r"\w+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class _WordHashes(dict[str, int]):
    """A cache that computes the hash of a word on its first use."""

    def __missing__(self, word: str) -> int:
        value = int.from_bytes(
            hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
        )
        self[word] = value
        return value


class WordHasher:
    """Turns texts into arrays of word hashes, and caches the hashes of words."""

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._hashes = _WordHashes()

    def __call__(self, text: str) -> Hashes:
        """Return the hashes of a text's lower-cased words, (words,).

        Words are runs of letters, digits and underscores.
        """
        words = _WORD.findall(text.lower())
        hashes = self._hashes
        return np.fromiter((hashes[word] for word in words), dtype=np.uint64, count=len(words))


def window_hashes(words: Hashes, size: int) -> Hashes:
    """Return the hashes of all windows of `size` consecutive words, in order.

    The hash of a window is a polynomial in the words' hashes modulo 2^64, followed by a mixing
    step, so that it depends on the order of the words.

    Args:
        words: hashes of the words, (words,).
        size: number of words in a window.

    Returns:
        Hashes, (max(0, words - size + 1),), uint64.
    """
    count = max(0, len(words) - size + 1)
    value = words[:count].copy()
    for offset in range(1, size):
        value *= _MULTIPLIER
        value += words[offset : offset + count]
    value ^= value >> np.uint64(31)
    value *= _MULTIPLIER
    value ^= value >> np.uint64(29)
    return value
