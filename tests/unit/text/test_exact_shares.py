"""Corpora with exact shares of their components: sizes, held-out documents, errors."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from relscale.config.corpora import Corpora
from relscale.text.corpus_builder import Corpus, build_corpus
from relscale.text.decontamination import WindowSet

SOURCES = ("a", "b", "c")
DOCUMENTS = 400


@pytest.fixture(scope="module", name="folders")
def folders_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three sources of 400 documents of about 200 bytes."""
    generator = random.Random(0)
    folders = {}
    for name in SOURCES:
        folder = tmp_path_factory.mktemp(name)
        texts = [
            " ".join(f"{name}{generator.randrange(9999)}" for _ in range(34))
            for _ in range(DOCUMENTS)
        ]
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (folder / "a.jsonl").write_text(lines)
        folders[name] = folder
    return folders


def settings(shares: dict[str, float], total_mb: float | None = 0.06, **more: Any) -> Corpora:
    reader = {"kind": "json", "files": "*.jsonl", "text": "text"}
    components = [
        {"source": name, "reader": reader, "share": share, **more} for name, share in shares.items()
    ]
    mixture = {"components": components}
    mixture |= {} if total_mb is None else {"total_mb": total_mb}
    raw = {"decontaminate_against": [], "validation_share": 0.2, "mixtures": {"mix": mixture}}
    return Corpora.model_validate(raw)


def build(folders: dict[str, Path], shares: dict[str, float], **more: Any) -> Corpus:
    corpora = settings(shares, **more)
    return build_corpus("mix", corpora.mixtures["mix"], corpora, folders, WindowSet([], 13))


LEAN_A = {"a": 0.6, "b": 0.04, "c": 0.36}
LEAN_B = {"a": 0.04, "b": 0.6, "c": 0.36}
EVEN = {"a": 0.3, "b": 0.3, "c": 0.4}


@pytest.mark.parametrize("shares", [LEAN_A, EVEN])
def test_training_bytes_have_the_shares_to_within_one_document(
    folders: dict[str, Path], shares: dict[str, float]
) -> None:
    corpus = build(folders, shares)
    for row in corpus.rows:
        wanted = shares[row.source] * 0.06e6
        assert wanted - 250 < row.bytes <= wanted
    assert sum(row.bytes for row in corpus.rows) == pytest.approx(0.06e6, rel=0.015)


def test_held_out_bytes_have_the_shares_too(folders: dict[str, Path]) -> None:
    corpus = build(folders, EVEN)
    whole = sum(row.bytes_validation for row in corpus.rows)
    assert whole == pytest.approx(0.06e6 * 0.2 / 0.8, rel=0.1)
    for row in corpus.rows:
        assert abs(row.bytes_validation - EVEN[row.source] * whole) < 300


def test_every_document_is_counted_once(folders: dict[str, Path]) -> None:
    for row in build(folders, LEAN_A).rows:
        removed = sum(count for name, count in row if name.startswith("removed_"))
        assert row.documents_read == removed + row.documents + row.documents_validation
        assert row.removed_over_share > 0


def test_no_mixture_trains_on_a_document_that_another_holds_out(folders: dict[str, Path]) -> None:
    built = [build(folders, shares, near_duplicates=True) for shares in (LEAN_A, EVEN, LEAN_B)]
    held_out = {one.document for corpus in built for one in corpus.validation}
    trained = {one.document for corpus in built for one in corpus.train}
    assert held_out and not held_out & trained


def test_the_documents_of_a_smaller_share_are_among_those_of_a_larger_one(
    folders: dict[str, Path],
) -> None:
    names = [
        {one.document for one in build(folders, shares).train if one.component == 0}
        for shares in (LEAN_B, EVEN, LEAN_A)
    ]
    assert names[0] < names[1] < names[2]


def test_a_component_with_too_little_text_is_named_with_the_largest_total(
    folders: dict[str, Path],
) -> None:
    with pytest.raises(ValueError, match=r"components\[0\] \(source a\) has 0\.0\d+ MB") as raised:
        build(folders, LEAN_A, total_mb=5.0)
    largest = float(str(raised.value).split("at most ")[1].split(",")[0])
    build(folders, LEAN_A, total_mb=largest)


@pytest.mark.parametrize(
    ("shares", "more", "message"),
    [
        ({"a": 0.6, "b": 0.3}, {}, r"0\.6 \+ 0\.3 = 0\.9; the shares .* must add up to 1"),
        ({"a": 0.6, "b": None}, {}, "1 of 2 components have one"),
        ({"a": 0.6, "b": 0.4}, {"total_mb": None}, "set `total_mb`"),
        ({"a": None, "b": None}, {}, "0 of 2 components have one"),
        ({"a": 0.6, "b": 0.4}, {"max_share": 0.5}, "leave `max_share` out"),
    ],
)
def test_shares_that_cannot_be_kept_are_refused(
    shares: dict[str, float], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(shares, **more)


def test_corpora_without_shares_have_the_settings_that_they_had() -> None:
    reader = {"kind": "json", "files": "*.jsonl", "text": "text"}
    mixture = {"components": [{"source": "a", "reader": reader}]}
    raw = {"decontaminate_against": [], "mixtures": {"mix": mixture}}
    dumped = Corpora.model_validate(raw).mixtures["mix"].model_dump(mode="json")
    assert "total_mb" not in dumped and "share" not in dumped["components"][0]
