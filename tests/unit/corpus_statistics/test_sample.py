"""Samples: their size, passages, and documents."""

import numpy as np
import pyarrow as pa
import pytest

from relscale.corpus_statistics.sample import (
    _SPACE,
    PassageSample,
    cut,
    draw_sample,
    whole_characters,
)


def drawn(texts, num_bytes, seed=0, **options):
    return draw_sample(
        pa.chunked_array([texts], pa.string()),
        num_bytes=num_bytes,
        passage_bytes=50,
        rng=np.random.default_rng(seed),
        **options,
    )


def test_a_sample_has_its_size_and_consists_of_passages_of_the_texts():
    texts = [f"{index} " + "word and other " * (index + 1) for index in range(30)]
    sample = drawn(texts, 1000)
    assert sample.num_bytes == 1000
    whole = " ".join(texts).encode()
    assert all(passage in whole for passage in sample.passages)
    assert max(map(len, sample.passages)) < 50 + len("other ") + 50


def test_all_of_a_smaller_text_is_taken_once():
    texts = ["short", "a b c " * 40, "  \n ", "é" * 200]
    sample = drawn(texts, 10_000)
    joined = sorted(b"".join(sample.passages))
    assert joined == sorted("".join(texts[:2] + texts[3:]).encode())
    assert sample.num_units == 3


def test_a_long_document_without_white_space_is_searched_once():
    class Counted:
        def __init__(self):
            self.searched = 0

        def search(self, document, start):
            self.searched += len(document) - start
            return _SPACE.search(document, start)

    counted = Counted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("relscale.corpus_statistics.sample._SPACE", counted)
        passages = cut(b"x" * 100_000 + b" y" * 100, 50)
    assert counted.searched < 250_000
    assert b"".join(passages) == b"x" * 100_000 + b" y" * 100
    assert len(passages) == 2004
    assert passages[0] == b"x" * 100_000 + b" " and not any(passages[1:2000])


def test_documents_of_a_group_are_one_unit():
    texts = ["one two three"] * 6
    assert drawn(texts, 10_000).num_units == 6
    assert drawn(texts, 10_000, units=[0, 0, 0, 1, 1, 1]).num_units == 2


def test_no_text_gives_no_passage():
    assert drawn([], 100).passages == () and drawn([""], 100).num_units == 0


def test_bytes_are_drawn_in_proportion_to_the_length_of_documents():
    texts = ["a " * 5000, *["b " * 25] * 100]  # 10,000 and 5,000 bytes
    text = b"".join(b"".join(drawn(texts, 1000, seed).passages) for seed in range(50))
    # 50 samples of about 20 passages: standard error 0.015.
    assert text.count(b"a") / (text.count(b"a") + text.count(b"b")) == pytest.approx(
        2 / 3, abs=0.05
    )


def test_effective_units_count_equal_documents_and_discount_unequal_ones():
    equal = PassageSample(passages=(b"ab",) * 4, units=np.arange(4))
    assert equal.effective_units == pytest.approx(4)
    uneven = PassageSample(passages=(b"a" * 9, b"b"), units=np.arange(2))
    assert uneven.effective_units == pytest.approx(100 / 82)


def test_passages_end_at_white_space_and_lose_nothing():
    text = "né pas  de\nmots " * 30
    parts = cut(text.encode(), 20)
    assert b"".join(parts) == text.encode() and len(parts) == -(-len(text.encode()) // 20)
    assert all(part[-1:].isspace() for part in parts if part)
    assert cut(b"x" * 120, 50) == [b"x" * 120, b"", b""]
    assert whole_characters("é".encode()[:1]) == b""
