"""Building a corpus out of sources' files."""

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from relscale.config.corpora import Corpora
from relscale.text.corpus_builder import Corpus, allowed_bytes, build_corpus
from relscale.text.decontamination import WindowSet
from relscale.text.document_files import read_batches, write_documents

NOTHING = WindowSet([], 13)
SENTENCE = "one two three four five six seven eight nine ten eleven twelve thirteen"


def prose(number: int, words: int = 30) -> str:
    generator = random.Random(number)
    return " ".join(f"word{generator.randrange(5000)}" for _ in range(words))


def source(folder: Path, texts: list[str]) -> Path:
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return folder


def component(name: str, **more: Any) -> dict[str, Any]:
    return {"source": name, "reader": {"kind": "json", "files": "*.jsonl", "text": "text"}, **more}


def build(
    folders: dict[str, Path],
    components: list[dict[str, Any]],
    windows: WindowSet = NOTHING,
    **more: Any,
) -> Corpus:
    raw = {
        "decontaminate_against": [],
        "validation_share": 0.2,
        "mixtures": {"mix": {"components": components}},
    } | more
    corpora = Corpora.model_validate(raw)
    return build_corpus("mix", corpora.mixtures["mix"], corpora, folders, windows)


def check_conservation(corpus: Corpus) -> None:
    for row in corpus.rows:
        removed = sum(count for name, count in row if name.startswith("removed_"))
        assert row.documents_read == removed + row.documents + row.documents_validation
    for part, suffix in ((corpus.train, ""), (corpus.validation, "_validation")):
        for row in corpus.rows:
            mine = [one for one in part if one.component == row.component]
            assert getattr(row, f"documents{suffix}") == len(mine)
            assert getattr(row, f"bytes{suffix}") == sum(len(one.text.encode()) for one in mine)


def test_every_removal_is_counted_once(tmp_path: Path) -> None:
    good = [prose(number) for number in range(60)]
    near = f"{good[1]} more"  # 26 windows of which 26 are among 27: similarity 26 / 27
    texts = [
        *good,
        "too short",
        good[0].upper(),
        near,
        SENTENCE,
        f"{prose(100)}\n\nxx {SENTENCE}\n\n{prose(101)}",
    ]
    corpus = build(
        {"a": source(tmp_path / "a", texts)},
        [component("a", near_duplicates=True)],
        WindowSet([SENTENCE], 13),
    )
    row = corpus.rows[0]
    assert row.documents_read == len(texts)
    assert row.bytes_read == sum(len(text.encode()) for text in texts)
    assert (
        row.removed_too_short,
        row.removed_exact_duplicate,
        row.removed_near_duplicate,
    ) == (2, 1, 1)
    assert (row.removed_over_share, row.paragraphs_decontaminated) == (0, 2)
    check_conservation(corpus)
    assert any(
        one.text == f"{prose(100)}\n\n{prose(101)}" for one in corpus.train + corpus.validation
    )


def test_without_the_search_near_duplicates_stay(tmp_path: Path) -> None:
    texts = [text for number in range(30) for text in (prose(number), f"{prose(number)} more")]
    corpus = build({"a": source(tmp_path / "a", texts)}, [component("a")])
    assert corpus.rows[0].removed_near_duplicate == 0
    assert len(corpus.train) + len(corpus.validation) == 60


def test_duplicates_between_components_count_in_the_later_one(tmp_path: Path) -> None:
    texts = [prose(number) for number in range(40)]
    folders = {
        "a": source(tmp_path / "a", texts),
        "b": source(tmp_path / "b", [*texts[:10], *(prose(number) for number in range(50, 80))]),
    }
    corpus = build(folders, [component("a"), component("b")])
    assert [row.removed_exact_duplicate for row in corpus.rows] == [0, 10]
    check_conservation(corpus)


def test_parts_are_disjoint_and_complete(tmp_path: Path) -> None:
    texts = [prose(number) for number in range(100)]
    folders = {"a": source(tmp_path / "a", texts)}
    parts = [build(folders, [component("a", part={"index": index, "of": 2})]) for index in (0, 1)]
    found = [{one.text for one in corpus.train + corpus.validation} for corpus in parts]
    assert not found[0] & found[1]
    assert found[0] | found[1] == set(texts)
    assert [corpus.rows[0].documents_read for corpus in parts] == [len(some) for some in found]


def test_share_is_a_share_of_the_whole(tmp_path: Path) -> None:
    folders = {
        name: source(tmp_path / name, [prose(start + number) for number in range(100)])
        for name, start in (("a", 0), ("b", 1000))
    }
    corpus = build(folders, [component("a"), component("b", max_share=0.25, near_duplicates=True)])
    sizes = [int(row.bytes) + int(row.bytes_validation) for row in corpus.rows]
    # The next document (about 240 bytes) would not have fitted.
    assert 0.245 < sizes[1] / sum(sizes) <= 0.25
    assert corpus.rows[0].removed_over_share == 0
    check_conservation(corpus)


@pytest.mark.parametrize(
    ("sizes", "shares", "allowed"),
    [
        ([100, 100], [None, None], [100, 100]),
        ([100, 100], [None, 0.2], [100, 25]),  # 25 of 125
        ([100, 10], [None, 0.2], [100, 10]),  # has less than its share
        ([60, 100, 100], [None, 0.2, 0.2], [60, 20, 20]),
        ([60, 100, 5], [None, 0.2, 0.2], [60, 16.25, 5]),  # 16.25 of 81.25
    ],
)
def test_allowed_bytes(sizes: list[int], shares: list[float | None], allowed: list[float]) -> None:
    assert allowed_bytes(sizes, shares) == pytest.approx(allowed)


@pytest.mark.parametrize(
    ("shares", "message"),
    [([0.5, 0.2], "leave it out of at least one"), ([None, 0.6, 0.5], "add up to 1.1")],
)
def test_impossible_shares_are_errors(shares: list[float | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        allowed_bytes([100] * len(shares), shares)


def test_max_mb_cuts_before_cleaning(tmp_path: Path) -> None:
    texts = [prose(number) + " " * 1000 for number in range(50)]
    corpus = build(
        {"a": source(tmp_path / "a", texts)}, [component("a")], max_mb=0.02, validation_share=0.4
    )
    row = corpus.rows[0]
    raw = [len(text.encode()) for text in texts]
    assert row.documents_read == max(count for count in range(50) if sum(raw[:count]) <= 20_000)
    assert int(row.bytes_read) <= 20_000
    assert int(row.bytes) < 10_000


def test_another_document_moves_no_other(tmp_path: Path) -> None:
    texts = [prose(number) for number in range(100)]
    before = build({"a": source(tmp_path / "a", texts)}, [component("a")])
    after = build({"a": source(tmp_path / "b", [prose(999), *reversed(texts)])}, [component("a")])
    assert [one for one in after.train if one.text != prose(999)] == before.train
    assert [one for one in after.validation if one.text != prose(999)] == before.validation
    assert {one.text for one in before.train} | {one.text for one in before.validation} == set(
        texts
    )


def test_components_interleave(tmp_path: Path) -> None:
    folders = {
        name: source(tmp_path / name, [prose(start + number) for number in range(200)])
        for name, start in (("a", 0), ("b", 1000))
    }
    order = [one.component for one in build(folders, [component("a"), component("b")]).train]
    switches = sum(first != second for first, second in itertools.pairwise(order))
    # About 320 documents: 160 switches expected, standard deviation 9.
    assert 120 < switches < 200


@pytest.mark.parametrize(
    ("texts", "more", "message"),
    [
        (
            ["short"],
            {},
            r"corpora\.mixtures\.mix\.components\[0\] \(source a\): no document remains of 1"
            r" read \(1 shorter than min_characters = 20\)",
        ),
        ([prose(1)], {"max_mb": 0.0001}, r"no document remains of 0 read .* `max_mb`"),
        ([prose(1)], {}, r"corpora\.mixtures\.mix: \d training and \d validation documents"),
    ],
)
def test_empty_sets_are_errors(
    tmp_path: Path, texts: list[str], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build({"a": source(tmp_path / "a", texts)}, [component("a")], **more)


def test_documents_file_is_the_same_bytes_twice(tmp_path: Path) -> None:
    corpus = build(
        {"a": source(tmp_path / "a", [prose(number) for number in range(50)])}, [component("a")]
    )
    for name in ("x", "y"):
        write_documents(corpus.train, tmp_path / f"{name}.parquet")
    assert (tmp_path / "x.parquet").read_bytes() == (tmp_path / "y.parquet").read_bytes()
    rows = [
        row
        for batch in read_batches(tmp_path / "x.parquet", batch_size=7)
        for row in batch.to_pylist()
    ]
    assert rows == [
        {"component": one.component, "document": one.document, "text": one.text}
        for one in corpus.train
    ]


def test_other_files_are_not_files_of_documents(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("text")
    with pytest.raises(ValueError, match=r"x\.parquet: not a Parquet file of documents"):
        list(read_batches(tmp_path / "x.parquet"))
