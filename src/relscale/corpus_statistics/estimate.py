"""All statistics of a sample, with intervals from random halves of its documents.

A bootstrap repeats documents, which makes a text more compressible and its vocabulary smaller than
any sample of that size. Half-samples repeat nothing. For halves A and B of a sample the variance of
a statistic of the whole sample is the mean of (S(A) - S(B))^2 / 4 over splits (McCarthy 1969,
Review of the International Statistical Institute 37, 239; Shao and Wu 1989, Annals of Statistics
17, 1176, on the jackknife that leaves out half).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from relscale.contract.corpus_statistics import SAME_SIZE, STATISTICS, ends_of
from relscale.contract.status import Status, status_columns
from relscale.corpus_statistics.entropy import (
    ORDERS,
    NgramIds,
    conditional_entropy,
    lzma_bits_per_byte,
    ngram_ids,
    zlib_bits_per_byte,
)
from relscale.corpus_statistics.sample import PassageSample
from relscale.corpus_statistics.words import heaps_exponent, words_of, zipf_exponent

Array = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.bool_]

FEW_UNITS = 10.0
"""With fewer documents than this (of equal size with the same spread) a row is marked."""


@dataclass(frozen=True, kw_only=True)
class SampleCounts:
    """A sample as indices, so that the statistics of any of its passages are only counts."""

    sample: PassageSample
    orders: tuple[NgramIds, ...]
    """N-grams of each order."""
    words: npt.NDArray[np.int64]
    """(word) index of each word."""
    word_passage: npt.NDArray[np.int64]
    """(word) the passage that it is in."""
    pair_word: npt.NDArray[np.int64]
    """(pair) the word of each pair of a passage and a word in it, once."""
    pair_passage: npt.NDArray[np.int64]
    """(pair) the passage."""

    @classmethod
    def of(cls, sample: PassageSample) -> "SampleCounts":
        """Prepare a sample with at least one passage."""
        found = [words_of(passage.decode()) for passage in sample.passages]
        index: dict[str, int] = {}
        words = np.array(
            [index.setdefault(word, len(index)) for each in found for word in each], dtype=np.int64
        )
        passage = np.repeat(np.arange(len(found)), [len(each) for each in found])
        pairs = np.unique(passage * max(len(index), 1) + words)
        return cls(
            sample=sample,
            orders=tuple(ngram_ids(sample.passages, order) for order in ORDERS),
            words=words,
            word_passage=passage,
            pair_word=pairs % max(len(index), 1),
            pair_passage=pairs // max(len(index), 1),
        )

    def statistics(self, chosen: Chosen) -> Array:
        """Return (statistic) the statistics of some passages, in the order of `STATISTICS`.

        Args:
            chosen: (passage) whether it is one of them.
        """
        text = b"\n".join(
            passage for passage, kept in zip(self.sample.passages, chosen, strict=True) if kept
        )
        words = self.words[chosen[self.word_passage]]
        occurs_in = np.bincount(self.pair_word[chosen[self.pair_passage]])
        return np.array(
            [
                zipf_exponent(np.bincount(words)),
                heaps_exponent(occurs_in[occurs_in > 0], int(chosen.sum())),
                *(conditional_entropy(ids, chosen) for ids in self.orders),
                lzma_bits_per_byte(text) if text else np.nan,
                zlib_bits_per_byte(text) if text else np.nan,
            ]
        )

    def half(self, rng: np.random.Generator) -> Chosen:
        """Return (passage) whether it is in a random half of the sample.

        Documents are in random order; the half ends at the passage at which it has half of the
        bytes, or next to it.
        """
        rank = rng.permutation(self.sample.num_units)[self.sample.units]
        order = np.argsort(rank, kind="stable")
        sizes = np.array([len(passage) for passage in self.sample.passages])[order]
        ends = np.cumsum(sizes)
        count = int(np.argmin(np.abs(ends - ends[-1] / 2))) + 1
        chosen = np.zeros(len(order), dtype=bool)
        chosen[order[: min(count, len(order) - 1)]] = True
        return chosen


def estimate(
    sample: PassageSample, *, draws: int, level: float, rng: np.random.Generator
) -> dict[str, float]:
    """Return the statistics of a sample with intervals: columns of `corpus_statistics`.

    Student's t interval; its degrees of freedom are the effective number of documents less one. A
    sample of one passage has no interval.

    Args:
        sample: a sample with at least one passage.
        draws: splits into halves.
        level: of the intervals.
        rng: source of the splits.
    """
    prepared = SampleCounts.of(sample)
    found = prepared.statistics(np.ones(len(sample.passages), dtype=bool))
    half = np.full(len(found), np.nan)
    if len(sample.passages) > 1 and sample.num_units > 1:
        squares = []
        for _ in range(draws):
            chosen = prepared.half(rng)
            one, other = (prepared.statistics(part) for part in (chosen, ~chosen))
            squares.append((one - other) ** 2 / 4)
        quantile = stats.t.ppf((1 + level) / 2, max(sample.effective_units - 1, 1.0))
        half = quantile * np.sqrt(np.mean(squares, axis=0))
    row: dict[str, float] = {}
    for name, value, width in zip(STATISTICS, found, half, strict=True):
        low, high = ends_of(name)
        row |= {name: float(value), low: float(value - width), high: float(value + width)}
    return row


def no_estimates() -> dict[str, float]:
    """Return the columns of `estimate` without values."""
    return dict.fromkeys(
        [name for each in STATISTICS for name in (each, *ends_of(each))], float("nan")
    )


def status_of_sample(
    sample: PassageSample, num_bytes: int, found: Mapping[str, float]
) -> dict[str, object]:
    """Return status and remarks of the row of a sample.

    Args:
        sample: the sample.
        num_bytes: bytes that it should have.
        found: its statistics with intervals, as of `estimate`.
    """
    remarks = []
    if sample.num_bytes < SAME_SIZE * num_bytes:
        remarks.append(f"{sample.num_bytes:,} bytes instead of {num_bytes:,}")
    if sample.effective_units < FEW_UNITS:
        remarks.append(f"as uncertain as {sample.effective_units:.1f} documents of equal size")
    status = Status.SMALL_SAMPLE if remarks else Status.OK
    missing = [name for name in STATISTICS if np.isnan(found[name])]
    bare = [name for name in STATISTICS if np.isnan(found[ends_of(name)[0]])]
    if missing:
        remarks.append(f"no estimate of {', '.join(missing)}")
    if len(bare) == len(STATISTICS):
        remarks.append("no intervals")
    elif only := [name for name in bare if name not in missing]:
        remarks.append(f"no interval of {', '.join(only)}")
    return status_columns(status, remarks)
