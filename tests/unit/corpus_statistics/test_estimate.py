"""Intervals of statistics: their coverage, and what a sample must have."""

import numpy as np
import pytest

from relscale.contract.corpus_statistics import STATISTICS, ends_of
from relscale.corpus_statistics.estimate import SampleCounts, estimate, status_of_sample
from relscale.corpus_statistics.sample import PassageSample, draw_sample

SIZE = 4000
DRAWN = {"num_bytes": SIZE, "passage_bytes": 200}


def sample_of(population, seed):
    rng = np.random.default_rng(seed)
    return draw_sample(population.documents(50, rng), rng=rng, **DRAWN), rng


def everything(sample):
    return SampleCounts.of(sample).statistics(np.ones(len(sample.passages), dtype=bool))


def test_intervals_contain_the_mean_of_samples_of_the_same_size(population):
    truth = np.mean([everything(sample_of(population, [1, k])[0]) for k in range(60)], axis=0)
    covered = []
    for seed in range(20):
        sample, rng = sample_of(population, seed)
        row = estimate(sample, draws=12, level=0.95, rng=rng)
        ends = [[row[end] for end in ends_of(name)] for name in STATISTICS]
        covered.append([low <= mean <= high for (low, high), mean in zip(ends, truth, strict=True)])
    # 20 samples: the standard error of a statistic's coverage is 0.05.
    assert np.mean(covered, axis=0) == pytest.approx(np.full(len(STATISTICS), 0.95), abs=0.2)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.07)


def test_statistics_are_those_of_the_text_by_other_means(population):
    sample, _ = sample_of(population, 5)
    found = dict(zip(STATISTICS, everything(sample), strict=True))
    shares = np.bincount(np.frombuffer(b"".join(sample.passages), dtype=np.uint8)) / SIZE
    shares = shares[shares > 0]
    assert found["entropy_1"] == pytest.approx(-shares @ np.log2(shares))
    orders = [found[f"entropy_{order}"] for order in range(1, 6)]
    assert orders == sorted(orders, reverse=True)
    assert 0 < found["zlib_bits_per_byte"] < 8 and 0 < found["lzma_bits_per_byte"] < 8
    assert 0.5 < found["heaps_exponent"] < 1


def test_halves_have_half_of_the_bytes_and_whole_documents_but_one(population):
    sample, rng = sample_of(population, 6)
    prepared = SampleCounts.of(sample)
    sizes = np.array([len(passage) for passage in sample.passages])
    for _ in range(20):
        chosen = prepared.half(rng)
        assert abs(sizes[chosen].sum() - sizes.sum() / 2) <= sizes.max() / 2
        both = np.intersect1d(sample.units[chosen], sample.units[~chosen])
        assert len(both) <= 1


def test_one_document_has_values_without_intervals():
    sample = PassageSample(passages=(b"the sea and the shore " * 20,) * 3, units=np.zeros(3, int))
    row = estimate(sample, draws=20, level=0.95, rng=np.random.default_rng(0))
    assert row["entropy_1"] > 0 and np.isnan(row["entropy_1_ci_low"])
    assert np.isnan(row["zipf_exponent"])  # fewer than 50 words
    status = status_of_sample(sample, 20_000, row)
    assert status["status"] == "small_sample"
    assert status["remarks"] == (
        "1,320 bytes instead of 20,000; as uncertain as 1.0 documents of equal size; "
        "no estimate of zipf_exponent, heaps_exponent; no intervals"
    )


def test_an_estimate_that_only_the_halves_lack_is_named():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), size=6)) for _ in range(60)]
    passages = tuple(f"{word} ".encode() * 20 for word in words)
    sample = PassageSample(passages=passages, units=np.arange(60))
    row = estimate(sample, draws=20, level=0.95, rng=rng)
    assert np.isfinite(row["zipf_exponent"]) and np.isnan(row["zipf_exponent_ci_low"])
    assert status_of_sample(sample, sample.num_bytes, row) == {
        "status": "ok",
        "remarks": "no interval of zipf_exponent",
    }


def test_a_full_sample_of_many_documents_is_ok(population):
    sample, rng = sample_of(population, 7)
    row = estimate(sample, draws=20, level=0.95, rng=rng)
    assert status_of_sample(sample, SIZE, row) == {"status": "ok", "remarks": ""}
