"""Weighted mixtures of token files: what is read, how often and in which order."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relscale.text.mixture import BLOCK, Component, Mixture, permutation_at
from relscale.training.stream import stream

LENGTH = 4


def component(name: str, weight: float, *sizes: int, start: int = 0) -> Component:
    """Tokens that count up from `start`, over files of these sizes."""
    bounds = [start, *(start + np.cumsum(sizes))]
    return Component(
        name=name,
        weight=weight,
        shards=[np.arange(a, b, dtype=np.uint32) for a, b in itertools.pairwise(bounds)],
    )


@pytest.fixture
def mixture() -> Mixture:
    return Mixture(
        [
            component("large", 0.7, 400, 1001),
            component("small", 0.299, 203, start=10_000),
            component("rare", 1e-3, 41, start=20_000),
        ]
    )


def first(mixture: Mixture, count: int, seed: int = 0, skip: int = 0) -> np.ndarray:
    return np.array(list(itertools.islice(mixture.order(LENGTH, seed, skip), count)))


def owners(mixture: Mixture, numbers: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.cumsum(mixture.num_windows(LENGTH)), numbers, side="right")


@given(count=st.integers(1, 3000), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_permutation_has_each_place_once(count: int, seed: int) -> None:
    assert sorted(permutation_at(np.arange(count), count, (seed,)).tolist()) == list(range(count))


def test_permutations_spread_every_place_over_all_values() -> None:
    count, draws = 100, 600
    table = np.zeros((count, 10))
    for seed in range(draws):
        values = permutation_at(np.arange(count), count, (seed, 1))
        table[np.arange(count), values // 10] += 1
    statistic = ((table - draws / 10) ** 2 / (draws / 10)).sum()
    # Chi-square with 100 x 9 degrees of freedom less the 9 of the columns: mean 891, standard
    # deviation 42; five of them either way.
    assert 680 < statistic < 1100


def test_a_permutation_of_a_billion_costs_no_memory() -> None:
    tracemalloc.start()
    values = permutation_at(np.arange(4096), 10**9, (0,))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(set(values.tolist())) == 4096 and values.min() >= 0 and values.max() < 10**9
    assert peak < 2e6


def test_windows_are_read_whole_from_one_file(mixture: Mixture) -> None:
    assert mixture.num_windows(LENGTH) == [99 + 250, 50, 10]
    tokens = mixture.read(np.array([0, 98, 99, 348, 349, 399, 408]), LENGTH)
    assert tokens[:, 0].tolist() == [0, 98 * 4, 400, 400 + 249 * 4, 10_000, 20_000, 20_036]
    assert (np.diff(tokens, axis=1) == 1).all()


def test_each_component_comes_by_its_weight_at_any_moment(mixture: Mixture) -> None:
    windows = 40 * BLOCK
    order = owners(mixture, first(mixture, windows))
    for place, share in enumerate(mixture.shares):
        at_blocks = np.cumsum(order == place)[BLOCK - 1 :: BLOCK]
        expected = share * BLOCK * np.arange(1, 41)
        assert np.abs(at_blocks - expected).max() <= 2
    # Inside a block, too: a thousand windows hold about 299 of the second, standard deviation 13.
    assert abs((order[:1000] == 1).sum() - 299) < 70


def test_no_window_twice_before_all_have_come(mixture: Mixture) -> None:
    numbers = first(mixture, 3 * BLOCK)
    which = owners(mixture, numbers)
    for place, count in enumerate(mixture.num_windows(LENGTH)):
        of_component = numbers[which == place]
        for start in range(0, len(of_component), count):
            epoch = of_component[start : start + count]
            assert len(set(epoch.tolist())) == len(epoch)
    assert (which == 2).sum() == 12 > mixture.num_windows(LENGTH)[2]


def test_the_next_epoch_has_another_order(mixture: Mixture) -> None:
    epochs = first(Mixture([component("only", 1.0, 41)]), 3000).reshape(-1, 10)
    assert len({tuple(row) for row in epochs.tolist()}) == 300


def test_an_interrupted_run_goes_on_where_it_was(mixture: Mixture) -> None:
    straight = first(mixture, 10_000, seed=5)
    for skip in (1, 4095, 4096, 7000):
        assert (first(mixture, 500, seed=5, skip=skip) == straight[skip : skip + 500]).all()
    assert (first(mixture, 500, seed=6) != straight[:500]).any()


def test_a_run_reads_a_mixture_as_it_reads_a_file(mixture: Mixture) -> None:
    order, read, epoch = stream(mixture, LENGTH, seed=1)
    batch = read(np.fromiter(order, dtype=np.int64, count=8))
    assert batch.shape == (8, LENGTH + 1) and batch.dtype == np.int64
    assert epoch == pytest.approx(50 / 0.299)  # the second is seen whole first


def test_one_component_is_every_window_once() -> None:
    mixture = Mixture([component("only", 3.0, 4001, 8001)])
    numbers = first(mixture, 3000)
    assert sorted(numbers.tolist()) == list(range(3000))


def test_bad_mixtures_are_named() -> None:
    with pytest.raises(ValueError, match=r"component news: weight = 0\.0; it must be above 0"):
        Mixture([component("news", 0.0, 10)])
    with pytest.raises(ValueError, match="0 components"):
        Mixture([])
    with pytest.raises(ValueError, match=r"component news: 4 tokens hold no window of 4 \+ 1"):
        next(Mixture([component("news", 1.0, 4)]).order(LENGTH, 0))
