"""Settings that tokenizer files carry, and tokenizers that cannot write a corpus."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from relscale.config.corpora import GivenTokenizer
from relscale.text.corpus_builder import CorpusDocument
from relscale.text.document_files import write_documents
from relscale.text.existing_tokenizer import take_tokenizer
from relscale.text.shard_tokens import ShardText, tokenize_shard
from relscale.text.token_writer import token_dtype, write_tokens
from relscale.text.tokenizer import load_tokenizer
from relscale.text.tokenizer_checks import byte_alphabet, first_difference, scored_form

WORDS = (
    *("ships", "sail", "north", "past", "the", "cold", "bay"),
    *("where", "gulls", "turn", "over", "grey", "water"),
)
PADDING = {
    "strategy": "BatchLongest",
    "direction": "Right",
    "pad_to_multiple_of": None,
    "pad_id": 0,
    "pad_type_id": 0,
    "pad_token": "<|endoftext|>",
}
TRUNCATION = {
    "direction": "Right",
    "max_length": 16,
    "strategy": "LongestFirst",
    "stride": 0,
}


def words(seed: int, count: int) -> str:
    generator = random.Random(seed)
    return " ".join(generator.choice(WORDS) for _ in range(count))


@pytest.fixture(scope="module")
def content() -> dict:
    """A byte-level tokenizer's file."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([words(seed, 60) for seed in range(20)], trainer)
    return json.loads(tokenizer.to_str())


def saved(path: Path, content: dict, *changes: tuple[str, object]) -> Path:
    """Write a tokenizer's file with changed keys; a dot separates levels."""
    changed = json.loads(json.dumps(content))
    for key, value in changes:
        *levels, last = key.split(".")
        place = changed
        for level in levels:
            place = place[level]
        place[last] = value
    path.write_text(json.dumps(changed), encoding="utf-8")
    return path


def tokens_of(path: Path, folder: Path) -> list[int]:
    """Return the tokens of three documents of 1,300, 5 and 40 words, in one batch."""
    texts = [words(0, 1300), words(1, 5), words(2, 40)]
    documents = [
        CorpusDocument(component=0, document=f"{number:016x}", text=text)
        for number, text in enumerate(texts)
    ]
    write_documents(documents, folder / "documents.parquet")
    tokenizer = load_tokenizer(path)
    write_tokens(tokenizer, folder / "documents.parquet", folder / "tokens.bin")
    dtype = token_dtype(tokenizer.get_vocab_size())
    return np.fromfile(folder / "tokens.bin", dtype=dtype).tolist()


CARRIED = [
    ("padding", PADDING),
    ("padding", {**PADDING, "strategy": {"Fixed": 64}}),
    ("truncation", TRUNCATION),
    ("model.dropout", 0.3),
]


@pytest.mark.parametrize(("key", "value"), CARRIED)
def test_settings_of_the_file_do_not_reach_the_tokens_of_a_corpus(
    content: dict, tmp_path: Path, key: str, value: object
) -> None:
    plain = tokens_of(saved(tmp_path / "plain.json", content), tmp_path)
    assert len(plain) > 1000
    changed = saved(tmp_path / "changed.json", content, (key, value))
    assert tokens_of(changed, tmp_path) == plain
    assert tokens_of(changed, tmp_path) == plain


def test_settings_of_the_file_do_not_reach_the_tokens_of_a_shard(
    content: dict, tmp_path: Path
) -> None:
    shard = ShardText(
        files=["a"],
        texts=lambda name, skip: iter([words(0, 1300), words(1, 5)][skip:]),
        validation_share=0.0,
    )
    found = []
    for name, changes in (("plain", []), ("changed", [*CARRIED[1:]])):
        tokenizer = load_tokenizer(saved(tmp_path / f"{name}.json", content, *changes))
        (tmp_path / name).mkdir()
        tokenize_shard(shard, tokenizer, tmp_path / name)
        found.append((tmp_path / name / "tokens.bin").read_bytes())
    assert found[0] == found[1] and len(found[0]) > 2000


def test_the_normalizer_of_published_tokenizers_is_switched_off(
    content: dict, tmp_path: Path
) -> None:
    given = saved(tmp_path / "given.json", content, ("normalizer", {"type": "NFC"}))
    plain = saved(tmp_path / "plain.json", content)
    out = tmp_path / "out.json"
    entries = load_tokenizer(plain).get_vocab_size()
    take_tokenizer(GivenTokenizer(path=str(given)), entries, "", out, tmp_path / "manifest.json")
    assert json.loads(out.read_text())["normalizer"] is None
    tokenizer = load_tokenizer(out)
    composed, apart = "caf\u00e9 sail", "cafe\u0301 sail"
    # Text in NFC has the tokens of the published tokenizer; other text comes back unchanged.
    assert tokenizer.encode(composed).ids == Tokenizer.from_file(str(given)).encode(composed).ids
    assert tokenizer.decode(tokenizer.encode(apart).ids) == apart
    assert tokens_of(given, tmp_path) == tokens_of(plain, tmp_path)


def test_the_copy_of_a_given_tokenizer_has_no_settings_and_is_else_the_same_file(
    content: dict, tmp_path: Path
) -> None:
    plain = saved(tmp_path / "plain.json", content)
    out, manifest = tmp_path / "out.json", tmp_path / "manifest.json"
    entries = load_tokenizer(plain).get_vocab_size()
    take_tokenizer(GivenTokenizer(path=str(plain)), entries, "", out, manifest)
    assert out.read_bytes() == plain.read_bytes()
    changed = saved(tmp_path / "changed.json", content, *CARRIED[1:])
    take_tokenizer(GivenTokenizer(path=str(changed)), entries, "", out, manifest)
    copy = json.loads(out.read_text(encoding="utf-8"))
    assert (copy["padding"], copy["truncation"], copy["model"]["dropout"]) == (None, None, None)
    assert copy["model"]["vocab"] == content["model"]["vocab"]


def test_a_given_tokenizer_that_cannot_be_used_is_named_by_its_key(
    content: dict, tmp_path: Path
) -> None:
    path = saved(tmp_path / "gap.json", content, ("model.vocab.Ġgulls", 5000))
    out, manifest = tmp_path / "out.json", tmp_path / "manifest.json"
    with pytest.raises(
        ValueError, match=r"tokenizer\.given\.path = '.*gap\.json': token 'Ġgulls' has the number"
    ):
        take_tokenizer(GivenTokenizer(path=str(path)), 330, "", out, manifest)
    assert not out.exists() and not manifest.exists()


@pytest.mark.parametrize("number", [331, 5000, 70_000])
def test_a_gap_in_the_numbers_is_named(content: dict, tmp_path: Path, number: int) -> None:
    entries = len(content["model"]["vocab"])
    path = saved(tmp_path / "gap.json", content, ("model.vocab.Ġgulls", number))
    with pytest.raises(
        ValueError,
        match=f"token 'Ġgulls' has the number {number}, but its {entries} entries must have the "
        f"numbers 0 to {entries - 1}",
    ):
        load_tokenizer(path)


def test_two_tokens_with_one_number_are_named(content: dict, tmp_path: Path) -> None:
    taken = content["model"]["vocab"]["Ġnorth"]
    path = saved(tmp_path / "twice.json", content, ("model.vocab.Ġgulls", taken))
    with pytest.raises(ValueError, match=f"tokens 'Ġgulls' and 'Ġnorth' have the number {taken}"):
        load_tokenizer(path)


def added(file: dict, **values: object) -> tuple[str, object]:
    """Return the change that adds a token."""
    token = {
        "id": len(file["model"]["vocab"]),
        "special": False,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        **values,
    }
    return ("added_tokens", [*file["added_tokens"], token])


def test_tokenizers_that_change_text_are_refused_before_any_token(
    content: dict, tmp_path: Path
) -> None:
    def refused(message: str, *changes: tuple[str, object]) -> None:
        with pytest.raises(ValueError, match=rf"t\.json: .*{message}"):
            load_tokenizer(saved(tmp_path / "t.json", content, *changes))

    for form in ("NFD", "NFKC", "Lowercase"):
        refused("changes no text", ("normalizer", {"type": form}))
    refused(
        "changes no text",
        ("normalizer", {"type": "Strip", "strip_left": True, "strip_right": True}),
    )
    # It takes in the spaces around it, so that they are lost.
    refused("x = 'a wide b'", added(content, content="wide", lstrip=True))
    # Byte-level decoders take its accents for bytes: no reader gets the text back.
    refused("x = 'a größe b'", added(content, content="größe"))
    vocabulary = dict(content["model"]["vocab"])
    odd = {"▁word" if token == "Ġgulls" else token: place for token, place in vocabulary.items()}
    merges = [pair for pair in content["model"]["merges"] if "gulls" not in "".join(pair)]
    refused(
        "token '▁word' is not made of bytes",
        ("model.vocab", odd),
        ("model.merges", [pair for pair in merges if "Ġgulls" not in "".join(pair)]),
    )
    # The character of byte 0xF0 becomes a second "a".
    byte = byte_alphabet()[0xF0]
    refused(
        "1 of the 256 bytes have no token, first 0xF0",
        ("model.vocab", {("aa" if key == byte else key): at for key, at in vocabulary.items()}),
    )


def test_tokens_in_front_and_added_words_are_no_reason_to_refuse(
    content: dict, tmp_path: Path
) -> None:
    start = {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}
    template = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|endoftext|>": start},
    }
    plain = tokens_of(saved(tmp_path / "plain.json", content), tmp_path)
    begins = saved(tmp_path / "begins.json", content, ("post_processor", template))
    assert tokens_of(begins, tmp_path) == plain
    spaces = load_tokenizer(saved(tmp_path / "s.json", content, added(content, content="    ")))
    assert spaces.encode("a    b", add_special_tokens=False).tokens == ["a", "    ", "b"]


def test_forms_of_a_text_that_tokens_may_stand_for() -> None:
    apart = "cafe\u0301"
    assert scored_form("two words", "two words") == "two words"
    # A space that the tokenizer puts in front, and one that it drops.
    assert scored_form("two words", " two words") == "two words"
    assert scored_form(" two words", "two words") == "two words"
    assert scored_form("  two", " two") == " two"
    assert scored_form("  two", "two") is None
    assert scored_form(" ", "") is None
    # Canonically equivalent: one character of two bytes in place of three bytes.
    assert scored_form(apart, "café") == "café"
    assert scored_form("café", apart) is None
    for back in ("Two words", "two  words", "two words ", "twowords", "", "[UNK]"):
        assert scored_form("two words", back) is None
    assert scored_form("½", "1\u20442") is None
    assert first_difference("a b c", "a x c") == ("a b c", "a x c")
    assert first_difference("long " * 9 + "end", "long " * 9) == ("ng long end", "ng long ")
