"""Exponents of words: Zipf's of frequencies by rank, and Heaps' of the growth of the vocabulary.

Words are maximal runs of letters without regard to case, as in `relscale.evaluation.byte_buckets`.
"""

import re
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Array = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

ZIPF_RANKS = 50
"""Zipf's exponent is fitted to the ranks from 1 to this one."""
ZIPF_LARGEST = 5.0
"""Largest exponent that is looked for."""
HEAPS_SHARES = (0.05, 0.4)
"""Heaps' exponent is fitted to texts from the first to the second share of a sample."""
HEAPS_POINTS = 8
"""Sizes of text in this range, evenly spaced on a logarithmic scale."""
_WORD = re.compile(r"[^\W\d_]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in order, in the form of `str.casefold`."""
    return [word.casefold() for word in _WORD.findall(text)]


def zipf_exponent(counts: Ids, ranks: int = ZIPF_RANKS) -> float:
    """Return the exponent s of Zipf's law p(r) = r^-s / sum over q of q^-s for ranks r = 1..R.

    Maximum likelihood for a discrete power law on a bounded range: the mean of log r under the law
    equals that of the text (Bauke 2007, European Physical Journal B 58, 167; for the range without
    an end Clauset, Shalizi and Newman 2009, SIAM Review 51, 661, equation 3.5). Ranks are those of
    the observed counts. So rare words are ranked by chance, which lowers s a little. Ranks from one
    half of the words and counts from the other half (Piantadosi 2014, Psychonomic Bulletin and
    Review 21, 1112) raise it by more if ranks are few.

    Args:
        counts: (distinct word) occurrences.
        ranks: R.

    Returns:
        The exponent; NaN if the text has fewer than R distinct words.
    """
    if np.count_nonzero(counts) < ranks:
        return float("nan")
    top = np.sort(counts)[::-1][:ranks]
    logs = np.log(np.arange(1, ranks + 1))
    exponents, means = _mean_log_rank(ranks)
    return float(np.interp(-(top @ logs) / top.sum(), -means, exponents))


@cache
def _mean_log_rank(ranks: int) -> tuple[Array, Array]:
    """Return exponents and the mean of log r under Zipf's law with each, which falls."""
    exponents = np.linspace(0.0, ZIPF_LARGEST, 5001)
    logs = np.log(np.arange(1, ranks + 1))
    weights = np.exp(-exponents[:, None] * logs)
    return exponents, weights @ logs / weights.sum(axis=1)


def heaps_exponent(occurs_in: Ids, num_passages: int) -> float:
    """Return the exponent b of Heaps' law, V(n) = K n^b, V distinct words in texts of size n.

    V(n) is the mean over all orders of the passages: a word of m passages is not among k of P ones
    with probability C(P - m, k) / C(P, k) (Hurlbert 1971, Ecology 52, 577). It is known without
    error for this sample, so that b is the slope of log V on log n by least squares: a summary of
    a curve, whose interval comes from the documents and not from the residuals.

    Args:
        occurs_in: (distinct word) number of passages that it occurs in, none of them 0.
        num_passages: P.

    Returns:
        The exponent; NaN with fewer than eight passages or without words.
    """
    if num_passages < 8 or not len(occurs_in):
        return float("nan")
    low, high = (share * num_passages for share in HEAPS_SHARES)
    sizes = np.geomspace(max(low, 1.0), high, HEAPS_POINTS)
    grown = np.log(vocabulary(occurs_in, num_passages, sizes))
    return float(np.polyfit(np.log(sizes), grown, 1)[0])


def vocabulary(occurs_in: Ids, num_passages: int, sizes: Array) -> Array:
    """Return (size) the mean number of distinct words in random sets of passages.

    Args:
        occurs_in: (distinct word) number of passages that it occurs in.
        num_passages: number of all passages.
        sizes: (size) passages of a set, which need not be whole.
    """
    number = np.bincount(occurs_in)
    shared = np.flatnonzero(number)  # numbers of passages that words occur in
    rest = num_passages - shared[:, None] - sizes  # (number of passages, size)
    logs = (
        gammaln(num_passages - shared + 1)[:, None]
        - gammaln(num_passages + 1)
        + gammaln(num_passages - sizes + 1)
        - gammaln(np.maximum(rest, 0.0) + 1)
    )
    absent = np.where(rest >= 0, np.exp(logs), 0.0)
    return np.asarray(number[shared] @ (1 - absent))
