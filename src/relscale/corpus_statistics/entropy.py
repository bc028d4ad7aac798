"""Conditional entropies of bytes, and compressed sizes."""

import lzma
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

ORDERS = (1, 2, 3, 4, 5)
"""Bytes of the n-grams: order n is the entropy of a byte given the n - 1 bytes before it."""
_LZMA = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 16}]


@dataclass(frozen=True, kw_only=True)
class NgramIds:
    """The n-grams of one order in a sample of passages, and their contexts, as indices."""

    passage: Ids
    """(n-gram) the passage that it is in."""
    ngram: Ids
    """(n-gram) index of the n bytes."""
    context: Ids
    """(n-gram) index of the first n - 1 of them."""


def ngram_ids(passages: Sequence[bytes], order: int) -> NgramIds:
    """Return the n-grams of passages; none extends over the end of a passage.

    Args:
        passages: texts.
        order: n, from 1 to 7.
    """
    data = np.frombuffer(b"".join(passages), dtype=np.uint8).astype(np.int64)
    lengths = np.array([len(passage) for passage in passages])
    passage = np.repeat(np.arange(len(passages)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(data))  # bytes of the passage
    starts = np.flatnonzero(left >= order)
    code = np.zeros(len(starts), dtype=np.int64)
    for offset in range(order - 1):
        code = code * 256 + data[starts + offset]
    whole = code * 256 + data[starts + order - 1]
    return NgramIds(
        passage=passage[starts],
        ngram=np.unique(whole, return_inverse=True)[1],
        context=np.unique(code, return_inverse=True)[1],
    )


def conditional_entropy(ids: NgramIds, chosen: npt.NDArray[np.bool_] | None = None) -> float:
    """Return the plug-in entropy of the last byte of n-grams given the bytes before, in bits.

    h_n = H(n-grams) - H(their contexts), H = -sum of p log2 p with observed shares p (Shannon 1951,
    Bell System Technical Journal 30, 50, equation 1). It is biased downwards, the more so the
    higher the order and the smaller the text.

    Args:
        ids: the n-grams.
        chosen: (passage) whether to count its n-grams; None for all.

    Returns:
        The entropy; NaN without n-grams.
    """
    kept = slice(None) if chosen is None else chosen[ids.passage]
    ngrams, contexts = ids.ngram[kept], ids.context[kept]
    if not len(ngrams):
        return float("nan")
    return _count_entropy(ngrams) - _count_entropy(contexts)


def _count_entropy(ids: Ids) -> float:
    counts = np.bincount(ids)
    counts = counts[counts > 0]
    total = len(ids)
    return float(np.log2(total) - counts @ np.log2(counts) / total)


def lzma_bits_per_byte(text: bytes) -> float:
    """Return the bits per byte of a text in LZMA2: preset 6, window of 64 KiB, no container."""
    return 8 * len(lzma.compress(text, format=lzma.FORMAT_RAW, filters=_LZMA)) / len(text)


def zlib_bits_per_byte(text: bytes) -> float:
    """Return the bits per byte of a text compressed by DEFLATE (level 9, without a container)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return 8 * (len(packer.compress(text)) + len(packer.flush())) / len(text)
