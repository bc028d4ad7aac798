"""The tokenizer and the files of tokens."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from relscale.files import sha256_of
from relscale.text.corpus_builder import CorpusDocument
from relscale.text.document_files import write_documents
from relscale.text.token_writer import token_dtype, write_tokens
from relscale.text.tokenizer import (
    END_OF_TEXT_ID,
    first_texts,
    load_tokenizer,
    tokenizer_text,
    train_tokenizer,
)


def documents(path: Path, texts: list[str], components: int = 1) -> Path:
    kept = [
        CorpusDocument(component=number % components, document=f"{number:016x}", text=text)
        for number, text in enumerate(texts)
    ]
    write_documents(kept, path)
    return path


def prose(seed: int, count: int, start: str) -> list[str]:
    generator = random.Random(seed)
    return [" ".join(f"{start}{generator.randrange(60)}" for _ in range(40)) for _ in range(count)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Path]:
    folder = tmp_path_factory.mktemp("tokenizer")
    corpora = {
        name: documents(folder / f"{name}.parquet", prose(1, 200, name))
        for name in ("left", "right")
    }
    tokenizer = train_tokenizer(corpora, 300, 0.05)
    path = folder / "tokenizer.json"
    path.write_text(tokenizer_text(tokenizer), encoding="utf-8")
    return load_tokenizer(path), path


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=200, deadline=None)
def test_decoding_gives_back_what_was_encoded(trained: tuple[Tokenizer, Path], text: str) -> None:
    tokenizer, _ = trained
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_text_that_spells_the_special_token_is_text(trained: tuple[Tokenizer, Path]) -> None:
    tokenizer, _ = trained
    ids = tokenizer.encode("a<|endoftext|>b").ids
    assert END_OF_TEXT_ID not in ids
    assert tokenizer.decode(ids) == "a<|endoftext|>b"


def test_no_token_is_added_at_the_start(trained: tuple[Tokenizer, Path]) -> None:
    tokenizer, _ = trained
    assert tokenizer.encode("").ids == []
    assert (
        tokenizer.encode("left1 left1").ids
        == tokenizer.encode("left1").ids + tokenizer.encode(" left1").ids
    )


def test_same_texts_same_file_whatever_their_order(
    trained: tuple[Tokenizer, Path], tmp_path: Path
) -> None:
    corpora = {
        name: documents(tmp_path / f"{name}.parquet", prose(1, 200, name))
        for name in ("right", "left")
    }
    assert tokenizer_text(train_tokenizer(corpora, 300, 0.05)) == trained[1].read_text(
        encoding="utf-8"
    )


def test_corpora_count_equally_whatever_their_size(tmp_path: Path) -> None:
    corpora = {
        "small": documents(tmp_path / "s.parquet", prose(1, 30, "small")),
        "large": documents(tmp_path / "l.parquet", prose(2, 900, "large")),
    }
    tokenizer = train_tokenizer(corpora, 290, 4.0)
    # With all of the large corpus, the few entries would go to its words alone.
    lengths = {name: len(tokenizer.encode(f" {name}").ids) for name in corpora}
    assert lengths == {"small": 1, "large": 1}


def test_first_texts_cuts_at_whole_characters(tmp_path: Path) -> None:
    path = documents(tmp_path / "a.parquet", ["aé", "éé"])
    assert list(first_texts(path, 6)) == ["aé", "é"]
    assert list(first_texts(path, 100)) == ["aé", "éé"]


def test_too_little_text_for_the_entries(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"tokenizer\.vocab_size = 5000: \d+ bytes of each of a give only \d+ entries",
    ):
        train_tokenizer({"a": documents(tmp_path / "a.parquet", ["some words"])}, 5000, 1.0)
    with pytest.raises(ValueError, match=r"a\.parquet: no text to train a tokenizer on"):
        train_tokenizer({"a": documents(tmp_path / "a.parquet", [])}, 300, 1.0)


def test_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(ValueError, match=r"t\.json: not a tokenizer file"):
        load_tokenizer(tmp_path / "t.json")


def test_tokenizer_without_the_token_is_refused(
    trained: tuple[Tokenizer, Path], tmp_path: Path
) -> None:
    (tmp_path / "t.json").write_text(
        trained[1].read_text(encoding="utf-8").replace("<|endoftext|>", "<|other|>"),
        encoding="utf-8",
    )
    with pytest.raises(
        ValueError, match=r"t\.json: no end-of-text token; .* the special tokens are <\|other\|>"
    ):
        load_tokenizer(tmp_path / "t.json")


@pytest.mark.parametrize(
    ("entries", "dtype"), [(512, "<u2"), (65_535, "<u2"), (65_536, "<u4"), (128_256, "<u4")]
)
def test_token_dtype(entries: int, dtype: str) -> None:
    assert token_dtype(entries).str == dtype


def test_tokens_are_the_documents_in_order(trained: tuple[Tokenizer, Path], tmp_path: Path) -> None:
    tokenizer, _ = trained
    texts = [*prose(3, 150, "left"), "", "ünï <|endoftext|>"]
    counts = write_tokens(
        tokenizer, documents(tmp_path / "a.parquet", texts, components=2), tmp_path / "a.bin"
    )
    tokens = np.memmap(tmp_path / "a.bin", dtype="<u2", mode="r")
    ends = np.flatnonzero(tokens == END_OF_TEXT_ID)
    assert len(ends) == counts.num_documents == len(texts)
    pieces = [
        tokens[start:end].tolist() for start, end in zip([0, *(ends[:-1] + 1)], ends, strict=True)
    ]
    assert [tokenizer.decode(piece) for piece in pieces] == texts
    assert counts.num_tokens == len(tokens)
    assert counts.tokens == {
        side: sum(len(piece) + 1 for piece in pieces[side::2]) for side in (0, 1)
    }
    assert counts.num_bytes == sum(len(text.encode()) for text in texts)
    assert counts.sha256 == sha256_of(tmp_path / "a.bin")


def test_no_documents_are_an_error_and_leave_no_file(
    trained: tuple[Tokenizer, Path], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"a\.parquet: has no documents to tokenize"):
        write_tokens(trained[0], documents(tmp_path / "a.parquet", []), tmp_path / "a.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
