"""Hashes of documents and near-duplicates."""

import random

from relscale.text.duplicates import NearDuplicates, document_hash, fraction


def test_document_hash_ignores_case_and_space_only() -> None:
    assert document_hash("One  two\nTHREE ") == document_hash("one two three")
    assert document_hash("one two") != document_hash("one, two")
    # A pinned value: split and order of every corpus depend on it.
    assert document_hash("one two three") == "64f5901153c23b37"


def test_fractions_are_uniform_and_independent_of_each_other() -> None:
    documents = [document_hash(str(number)) for number in range(4000)]
    one = [fraction("order", document) < 0.5 for document in documents]
    two = [fraction("validation", document) < 0.5 for document in documents]
    # Three standard deviations of a share of 0.5 (0.25) of 4000 are 0.024 (0.021).
    assert abs(sum(one) / 4000 - 0.5) < 0.024
    assert abs(sum(a and b for a, b in zip(one, two, strict=True)) / 4000 - 0.25) < 0.021


def test_planted_near_duplicates_are_found_and_others_kept() -> None:
    generator = random.Random(0)
    words = [f"w{number}" for number in range(3000)]
    originals = [[generator.choice(words) for _ in range(200)] for _ in range(150)]
    index = NearDuplicates(0.8)
    assert all(index.is_new(" ".join(document)) for document in originals)
    # One changed word of 200 breaks five of 196 windows: Jaccard similarity 191 / 201 = 0.95.
    found = 0
    for document in originals:
        copy = list(document)
        copy[generator.randrange(200)] = "changed"
        found += not index.is_new(" ".join(copy))
    assert found >= 148
    # Half of the words are new: similarity about 1/3.
    assert all(
        index.is_new(" ".join(document[:100] + [generator.choice(words) for _ in range(100)]))
        for document in originals
    )


def test_texts_below_a_window_are_compared_whole() -> None:
    index = NearDuplicates(0.8)
    assert [index.is_new(text) for text in ("two words", "Two words!", "words two", "", "")] == [
        True,
        False,
        True,
        True,
        True,
    ]
