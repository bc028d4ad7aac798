"""Batches read by a thread: all of them, in order, with the source's errors."""

import itertools
import threading
import time

import numpy as np
import pytest

from relscale.training.prefetch import DEPTH, prefetch


def numbered():
    for number in itertools.count():
        yield np.full((2, 3), number)


def test_batches_come_in_order_and_end_where_the_source_ends():
    read = list(prefetch(itertools.islice(numbered(), 20), "cpu"))
    assert [int(tensor[0, 0]) for tensor in read] == list(range(20))


def test_no_more_is_read_than_fits_and_the_thread_ends_with_its_reader():
    taken = []
    threads = threading.active_count()
    reader = prefetch((taken.append(1) or batch for batch in numbered()), "cpu")
    next(reader)
    time.sleep(0.3)
    assert len(taken) <= DEPTH + 2
    reader.close()
    for _ in range(1000):
        if threading.active_count() == threads:
            break
        time.sleep(0.01)
    assert threading.active_count() == threads


def test_an_error_of_the_source_is_raised_where_it_is_read():
    def broken():
        yield np.zeros((1, 2))
        raise ValueError("a shard that cannot be read")

    reader = prefetch(broken(), "cpu")
    next(reader)
    with pytest.raises(ValueError, match="a shard that cannot be read"):
        next(reader)
