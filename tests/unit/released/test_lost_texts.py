"""Texts that a released model's tokenizer loses, and settings that its file carries."""

import json
import logging
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast
from uniform_model import Uniform

from relscale.config.families import DocumentFamily, QuestionFamily
from relscale.contract.losses import RUN_COLUMNS
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.model_folder import ReleasedFolder
from relscale.released.opened_model import ReleasedModel
from relscale.released.released_tokenizer import ReleasedTokenizer
from relscale.released.score_family import Texts, score_family
from relscale.released.shared_scoring import SharedContextModel
from relscale.released.text_requests import encode_documents, encode_items
from relscale.released.weight_files import WeightFiles

WORDS = (
    *("ships", "sail", "north", "past", "the", "cold", "bay"),
    *("where", "gulls", "turn", "over", "grey", "water"),
)
END = "<|endoftext|>"


def words(seed, count):
    generator = random.Random(seed)
    return " ".join(generator.choice(WORDS) for _ in range(count))


def byte_level(*, vocab=330, regex=True, template=None, specials=(END,)):
    """A byte-level tokenizer; without the regular expression it has tokens over word ends."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=list(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    questions = [
        f"{words(seed, 3)}\nAnswer: {'ABCD'[seed % 4]}, {words(seed, 1)}" for seed in range(60)
    ]
    tokenizer.train_from_iterator([words(seed, 40) for seed in range(20)] + questions, trainer)
    if template:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template,
            special_tokens=[(name, tokenizer.token_to_id(name)) for name in specials],
        )
    return tokenizer


def word_level():
    entries = {"[UNK]": 0, END: 1}
    for word in WORDS:
        entries.setdefault(word, len(entries))
    tokenizer = Tokenizer(models.WordLevel(entries, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["[UNK]", END])
    return tokenizer


def pieces():
    """Bytes of unknown characters, a space in front of every text, as in Llama's first release."""
    entries = {"<unk>": 0, END: 1}
    for piece in [*(f"<0x{byte:02X}>" for byte in range(256)), *"▁abcdefghijklmnopqrstuvwxyz"]:
        entries[piece] = len(entries)
    tokenizer = Tokenizer(models.BPE(entries, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens(["<unk>", END])
    return tokenizer


def wrapped(tokenizer, prefix=0):
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)
    return ReleasedTokenizer(fast, "m", prefix)


def model(tokenizer, entries=None):
    folder = ReleasedFolder(
        path=None,
        name="m",
        commit=None,
        config={"model_type": "uniform"},
        weights=WeightFiles(read=(), not_read=()),
    )
    module = Uniform(entries or tokenizer.get_vocab_size())
    return ReleasedModel(
        folder, SharedContextModel(module, context_length=4096), wrapped(tokenizer)
    )


def document(text, name="i", domain="d"):
    return TextDocument(domain=domain, stratum="s", item=name, text=text)


def item(context, options, name="i", domain="d"):
    return TextItem(domain=domain, stratum="s", item=name, context=context, options=options, gold=0)


def with_setting(tokenizer, change):
    content = json.loads(tokenizer.to_str())
    change(content)
    return Tokenizer.from_str(json.dumps(content))


PADDING = {
    "strategy": {"Fixed": 64},
    "direction": "Right",
    "pad_to_multiple_of": None,
    "pad_id": 0,
    "pad_type_id": 0,
    "pad_token": END,
}
TRUNCATION = {"direction": "Left", "max_length": 16, "strategy": "LongestFirst", "stride": 0}


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(padding=PADDING),
        lambda content: content.update(padding={**PADDING, "strategy": "BatchLongest"}),
        lambda content: content.update(truncation=TRUNCATION),
        lambda content: content["model"].update(dropout=0.4),
    ],
)
def test_padding_truncation_and_dropout_of_a_file_do_not_reach_the_tokens(change):
    texts = [words(0, 1300), words(1, 3)]
    plain = wrapped(byte_level())
    changed = wrapped(with_setting(byte_level(), change))
    expected = [plain.encode_texts([text], special=True)[0] for text in texts]
    assert len(expected[0]) > 1000
    for special in (True, False):
        assert changed.encode_texts(texts, special=special) == expected
    assert changed.bytes_after(texts[0], 2) == plain.bytes_after(texts[0], 2)


def lowercase():
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


def compatible():
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.NFKC()
    return tokenizer


def stripping():
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.Strip()
    return tokenizer


def one_space():
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.Replace("\n", " ")
    return tokenizer


def without_unknown():
    """Characters that it lacks have no token at all."""
    tokenizer = Tokenizer(models.BPE({END: 0, "a": 1, "b": 2}, []))
    tokenizer.add_special_tokens([END])
    return tokenizer


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (word_level, "日本語の文章をここに置く zażółć gęślą jaźń"),
        (word_level, "ships sail\nnorth"),
        (lowercase, "Ships sail NORTH"),
        (compatible, "ships sail ½ ﬁne"),
        (stripping, "ships sail north \n"),
        (one_space, "ships\nsail"),
        (without_unknown, "cabd"),
    ],
)
def test_a_text_that_does_not_come_back_has_no_bits_per_byte(make, text):
    tokenizer = make()
    with pytest.raises(ValueError, match=r"^model m: its tokenizer gives back none of the 1 text"):
        model(tokenizer).score_documents([document(text)])
    whole = "a" if make is without_unknown else "sail"
    scores = model(tokenizer).score_documents([document(whole), document(text, "lost")])
    assert scores.account["left_out"] == {"lost": 1}
    assert scores.requests.table.items == ["i"]
    assert scores.requests.domains["d"].lost == 1


def test_a_tokenizer_without_a_token_for_unknown_words_fails_with_its_name():
    tokenizer = Tokenizer(models.WordLevel({END: 0, "sail": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    with pytest.raises(ValueError, match="model m: its tokenizer: cannot encode"):
        wrapped(tokenizer)


@pytest.mark.parametrize("option", [" 日本", " Sail", " ½"])
def test_an_item_of_which_an_option_does_not_come_back_is_left_out(option):
    tokenizer = (
        lowercase() if option == " Sail" else compatible() if option == " ½" else word_level()
    )
    items = [item("ships", (" sail", option)), item("ships", (" sail", " north"), "j")]
    scores = model(tokenizer).score_items(items)
    assert scores.account["left_out"] == {"lost": 1}
    assert scores.requests.table.items == ["j"]
    assert scores.requests.table.gold.tolist() == [0]
    assert len(scores.log_likelihood) == 2


@pytest.mark.parametrize("text", ["ships sail", " ships", "日本 Zażółć ½ ﬁ \n\t x\x00", "a  b "])
@pytest.mark.parametrize("make", [byte_level, pieces])
def test_byte_level_tokenizers_and_bytes_of_unknown_characters_lose_nothing(make, text):
    tokenizer = make()
    scores = model(tokenizer).score_documents([document(text)])
    assert scores.account["left_out"] == {}
    assert scores.requests.table.num_bytes.tolist() == [len(text.encode())]


def test_a_space_in_front_is_no_loss():
    tokenizer = byte_level()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    texts = ["ships sail", " ships sail"]
    scores = model(tokenizer).score_documents([document(text, text) for text in texts])
    assert scores.requests.table.num_bytes.tolist() == [10, 11]
    dropping = byte_level()
    dropping.normalizer = normalizers.Strip(left=True, right=False)
    scores = model(dropping).score_documents([document(text, text) for text in texts])
    # No token stands for the space.
    assert scores.requests.table.num_bytes.tolist() == [10, 10]


def test_an_added_word_with_accents_is_no_loss():
    tokenizer = byte_level()
    tokenizer.add_tokens(["größe"])
    assert "größe" not in tokenizer.decode(tokenizer.encode("die größe").ids)
    scores = model(tokenizer).score_documents([document("die größe der ships")])
    assert scores.account["left_out"] == {}


def test_bytes_of_a_text_in_another_normal_form_are_those_that_tokens_stand_for():
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.NFC()
    apart = "\u1112\u1161\u11ab ships"  # three letters of three bytes, as one of three bytes
    scores = model(tokenizer).score_documents([document(apart)])
    assert scores.requests.table.num_bytes.tolist() == [9]
    assert scores.account["normalised"] == 1
    scores = model(tokenizer).score_items([item("ships", (" " + apart, " sail"))])
    assert scores.requests.table.num_bytes.tolist() == [9, 4]
    assert (scores.account["normalised"], scores.account["left_out"]) == (1, {})


def test_special_tokens_that_a_document_spells_are_text_and_in_questions_are_counted():
    tokenizer = byte_level()
    text = f"ships{END}sail"
    scores = model(tokenizer).score_documents([document(text)])
    assert tokenizer.token_to_id(END) not in scores.requests.table.continuations[0]
    assert scores.requests.table.num_bytes.tolist() == [len(text)]
    scores = model(tokenizer).score_items(
        [item(text, (" sail", " north")), item("x", (" y",), "j")]
    )
    assert scores.account["special_in_text"] == 1


@pytest.mark.parametrize("end", [" </s>", " </s> <|endoftext|>"])
@pytest.mark.parametrize("start", ["", "<s> ", "<s> <|endoftext|> "])
def test_tokens_behind_a_text_are_neither_given_nor_scored(start, end):
    specials = (END, "<s>", "</s>")
    items = [
        item("where gulls turn", (" over grey water", " north")),
        item("</s> gulls", (" </s>", "</s> sail"), "ends in a special token"),
        item("", (" sail", "gulls"), "without context"),
        item(" \n", (" sail",), "white space"),
    ]
    made = [
        encode_items(items, wrapped(byte_level(template=template, specials=specials), 1), 99)
        for template in (f"{start}$A", f"{start}$A{end}")
    ]
    for plain, ends in zip(made[0].contexts, made[1].contexts, strict=True):
        assert plain.tolist() == ends.tolist()
    for plain, ends in zip(made[0].continuations, made[1].continuations, strict=True):
        assert plain.tolist() == ends.tolist()
    assert made[1].counts()["encoded_alone"] == 0
    documents = [document(words(0, 30)), document("</s>", "spelled")]
    tokenizer = wrapped(byte_level(template=f"{start}$A{end}", specials=specials), 1)
    requests = encode_documents(documents, tokenizer, 16)
    plain = byte_level(specials=specials).encode(words(0, 30)).ids
    assert requests.table.continuations[0].tolist() == plain


def test_an_option_without_a_token_of_its_own_is_encoded_alone():
    tokenizer = byte_level(vocab=600, regex=False)
    asked = [item(f"{words(n, 3)}\nAnswer:", (" A", " B"), str(n)) for n in range(20)]
    whole = tokenizer.encode(asked[0].context + " A").ids
    given = tokenizer.encode(asked[0].context).ids
    assert whole[: len(given)] != given, "the tokenizer must have a token over the end"
    scores = model(tokenizer).score_items(asked)
    assert scores.account["encoded_alone"] == 20
    table = scores.requests.table
    for row, option in enumerate([" A", " B"] * 20):
        assert tokenizer.decode(table.continuations[row].tolist()) == option
    assert scores.log_likelihood.tolist() == pytest.approx(
        [-len(row) * math.log(tokenizer.get_vocab_size()) for row in table.continuations]
    )


TOKENIZERS = {
    "over word ends": wrapped(byte_level(vocab=600, regex=False)),
    "begins and ends": wrapped(byte_level(template=f"{END} $A {END}")),
    "pieces": wrapped(pieces(), 1),
}
PIECES = [*"aeo \n:A", "the", " the", "gulls turn", "Answer:", " A", "é", "日", "🙂"]
PARTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@pytest.mark.parametrize("name", TOKENIZERS)
@given(context=PARTS, option=PARTS.filter(lambda text: text.strip()))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_context_and_option_together_are_the_text_or_the_item_is_left_out(name, context, option):
    tokenizer = TOKENIZERS[name]
    try:
        requests = encode_items([item(context, (option,))], tokenizer, 999)
    except ValueError as error:
        # A space that this tokenizer puts in front of every text looks like one of the option's.
        assert name == "pieces" and "gives back none" in str(error)
        assert not option.startswith(" ")
        return
    tokens = [*requests.contexts[0].tolist(), *requests.continuations[0].tolist()]
    if tokens[0] == tokenizer.prefix:
        tokens = tokens[1:]
    ((form, _),) = tokenizer.read_back([context + option], [tokens])
    assert form is not None
    continuation = context[len(context.rstrip()) :] + option
    assert requests.table.num_bytes.tolist() == [len(continuation.removeprefix(" ").encode())]
    (scored,) = tokenizer.read_back([option], [requests.continuations[0].tolist()])
    if name != "pieces" and requests.counts()["encoded_alone"]:
        assert scored[1] == continuation


def test_a_token_that_the_model_lacks_is_named_with_its_text():
    tokenizer = byte_level()
    tokenizer.add_tokens(["<extra>"])
    entries = tokenizer.get_vocab_size() - 1
    assert model(tokenizer, entries).score_documents([document("ships")]).account["items"] == 1
    with pytest.raises(
        ValueError,
        match=f"^model m: domain 'd', item 'j': its text has token {entries}, and the model only",
    ):
        model(tokenizer, entries).score_documents(
            [document("ships"), document("ships <extra>", "j")]
        )
    with pytest.raises(ValueError, match=r"domain 'd', item 'j': its text has token"):
        model(tokenizer, entries).score_items(
            [item("ships", (" sail", " sail")), item("ships <extra>", (" sail",), "j")]
        )


FAMILY = DocumentFamily(
    kind="documents",
    source="s",
    reader={"kind": "domain_folders", "files": "*"},
    metrics=["bits_per_byte"],
    domains={"a": ["a"], "b": ["b"], "c": ["c"]},
)
COLUMNS = {**dict.fromkeys(RUN_COLUMNS, 1), "corpus": "x", "run": "r"}


def documents_of(lost, others, domain):
    """Return documents of a domain of which some have words that the tokenizer lacks."""
    return [document("sail 日本", f"lost {number}", domain) for number in range(lost)] + [
        document(f"sail {words(number, 5)}", str(number), domain) for number in range(others)
    ]


def test_a_domain_that_loses_texts_keeps_its_row_with_a_reason_and_without_a_value(caplog):
    documents = [
        *documents_of(0, 100, "a"),
        *documents_of(2, 98, "b"),
        *documents_of(3, 0, "c"),
    ]
    texts = Texts(family="f", settings=FAMILY, documents=documents)
    with caplog.at_level(logging.WARNING):
        scores = score_family(model(word_level()), COLUMNS, texts)
    rows, items, (record,) = scores.losses, scores.items, scores.records
    found = {row["domain"]: row for row in rows}
    assert list(found) == ["a", "b", "c"]
    assert found["a"]["excluded_reason"] is None and found["a"]["value"] > 0
    for domain, lost, count in (("b", 2, 100), ("c", 3, 3)):
        assert math.isnan(found[domain]["value"])
        assert found[domain]["excluded_reason"] == (
            f"{lost} of {count} texts do not come back from the tokenizer's tokens"
        )
    assert set(items["domain"].to_pylist()) == {"a"}
    assert record.account["left_out"] == {"lost": 5}
    assert record.account["lost_by_domain"] == {"b": 2, "c": 3}
    assert "domain 'b': 2 of 100 texts do not come back" in caplog.text
    assert "of item 'lost 0', 'sail 日本' comes back as 'sail [UNK]'" in caplog.text


def test_one_lost_text_of_a_hundred_is_left_out_and_the_others_are_scored():
    whole, some = (documents_of(lost, 99, "a") for lost in (0, 1))
    scores = score_family(
        model(word_level()), COLUMNS, Texts(family="f", settings=FAMILY, documents=some)
    )
    (row,), (record,) = scores.losses, scores.records
    (alone,) = score_family(
        model(word_level()), COLUMNS, Texts(family="f", settings=FAMILY, documents=whole)
    ).losses
    assert row == alone and row["num_items"] == 99 == len(scores.items)
    assert record.account["lost_by_domain"] == {"a": 1}


def test_a_model_that_loses_every_text_has_rows_with_the_reason():
    family = QuestionFamily(kind="questions", source="s", file="q", metrics=["accuracy"])
    items = [item("日本", (" sail", " north"), str(number)) for number in range(3)]
    scores = score_family(
        model(word_level()), COLUMNS, Texts(family="f", settings=family, items=items)
    )
    rows, per_item, (record,) = scores.losses, scores.items, scores.records
    assert [row["metric"] for row in rows] == family.reported_metrics()
    assert {row["excluded_reason"] for row in rows} == {
        "3 of 3 texts do not come back from the tokenizer's tokens"
    }
    assert all(math.isnan(row["value"]) and row["num_items"] == 0 for row in rows)
    assert len(per_item) == 0
    assert record.account == {"items": 0, "left_out": {"lost": 3}, "lost_by_domain": {"d": 3}}


def test_masked_bytes_are_those_of_the_tokens_that_are_not_scored():
    tokenizer = byte_level()
    # The offsets of a token then lack the space in front of it, which is part of the token.
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    text = "where gulls turn"
    requests = encode_documents([document(text)], wrapped(tokenizer), 99, masked_tokens=1)
    scored = tokenizer.decode(requests.continuations[0].tolist())
    assert scored == " gulls turn"
    assert requests.table.num_bytes.tolist() == [len(scored)]
    np.testing.assert_array_equal(requests.contexts[0][1:], tokenizer.encode("where").ids)
