import numpy as np
import pytest

from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.text_requests import encode_documents, encode_items, rolling_windows


class Bytes:
    """One token a byte, 10 more than its value; 1 begins every text where special tokens are
    wanted; a merge of "ab" is 0."""

    prefix = 2
    special = frozenset({1, 2})

    def encode_texts(self, texts, *, special, spelled=True):
        ids = []
        for text in texts:
            parts = text.split("ab")
            tokens = []
            for number, part in enumerate(parts):
                tokens += [0] * (number > 0) + [10 + byte for byte in part.encode()]
            ids.append([1, *tokens] if special else tokens)
        return ids

    def read_back(self, texts, tokens):
        backs = [
            b"".join(b"ab" if token == 0 else bytes([token - 10]) for token in row).decode()
            for row in tokens
        ]
        return [
            (text if back == text else None, back) for text, back in zip(texts, backs, strict=True)
        ]

    def bytes_after(self, text, tokens):
        return len(text.encode()) - tokens


def item(context="q", options=(" x", " yy"), **values):
    return TextItem(
        **{
            "domain": "d",
            "stratum": "s",
            "item": "i",
            "context": context,
            "options": options,
            "gold": 0,
            **values,
        }
    )


def ids(text):
    return [10 + byte for byte in text.encode()]


def document(text, name="i"):
    return TextDocument(domain="d", stratum="s", item=name, text=text)


def test_context_and_continuation_are_parts_of_the_whole():
    requests = encode_items([item("shot\n\nq \n", ("x", " é"), prefix="")], Bytes(), 50)
    assert [list(tokens) for tokens in requests.contexts] == [[1, *ids("shot\n\nq")]] * 2
    # White space at the context's end is scored, and counts but for one space.
    assert [list(tokens) for tokens in requests.continuations] == [ids(" \nx"), ids(" \n é")]
    assert requests.table.num_bytes.tolist() == [2, 4]


def test_where_a_token_spans_the_boundary_the_option_is_encoded_alone():
    # The whole "qabc" is q, ab, c and does not begin with the context's q, a.
    requests = encode_items([item("qa", ("bc", "b")), item("q", ("bc",), item="j")], Bytes(), 50)
    assert [list(tokens) for tokens in requests.contexts] == [
        [1, *ids("qa")],
        [1, *ids("qa")],
        [1, *ids("q")],
    ]
    assert [list(tokens) for tokens in requests.continuations] == [ids("bc"), ids("b"), ids("bc")]
    assert requests.table.num_bytes.tolist() == [2, 1, 2]
    # One item, not its two options.
    assert requests.counts() == {"encoded_alone": 1, "normalised": 0, "special_in_text": 0}


class SpaceInFront(Bytes):
    """Puts a space in front of every text, as many tokenizers do."""

    def encode_texts(self, texts, *, special, spelled=True):
        return super().encode_texts([f" {text}" for text in texts], special=special)

    def read_back(self, texts, tokens):
        return super().read_back([f" {text}" for text in texts], tokens)


def test_an_option_that_is_encoded_alone_gets_no_space_that_its_text_does_not_have():
    requests = encode_items([item("qa", ("bc", "b"))], SpaceInFront(), 50)
    assert [list(tokens) for tokens in requests.contexts] == [[1, *ids(" qa")]] * 2
    assert [list(tokens) for tokens in requests.continuations] == [ids("bc"), ids("b")]
    assert not requests.left_out


def test_an_empty_context_is_the_prefix_token_and_no_special_token_is_scored():
    requests = encode_items([item("", (" x", "y"))], Bytes(), 50)
    assert [list(tokens) for tokens in requests.contexts] == [[2], [2]]
    assert [list(tokens) for tokens in requests.continuations] == [ids(" x"), ids("y")]


def test_what_is_too_long_loses_its_beginning_and_its_group():
    items = [
        item("abcdef", prefix="Shots. "),
        item("c" * 20, (" x", " " + "y" * 9), prefix="Shots. ", item="j"),
    ]
    requests = encode_items(items, Bytes(), 29)
    assert [len(tokens) for tokens in requests.contexts] == [13, 13, 28, 20]
    assert requests.contexts[2][0] == 1
    assert requests.group.tolist() == [0, 0, 0, -1]
    assert requests.table.truncated.tolist() == [False, True]
    assert requests.table.first.tolist() == [0, 2, 4]
    assert requests.table.gold.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "nothing to score"),
        ([item(options=(" x", " "))], "domain 'd', item 'i': an option is empty"),
        ([item(gold=2)], "domain 'd', item 'i': gold = 2 is none of its 2 option"),
        ([item(), item()], "domain 'd': 2 items have the name 'i'"),
        ([item(options=(" x", " " + "y" * 30))], "option ' y*' has 31 tokens; the model allows 30"),
    ],
)
def test_items_that_cannot_be_scored(items, message):
    with pytest.raises(ValueError, match=message):
        encode_items(items, Bytes(), 30)


@pytest.mark.parametrize("stride", [1, 3, 5])
@pytest.mark.parametrize("masked", [0, 2, 4])
@pytest.mark.parametrize("size", [8, 5, 12, 23])
def test_windows_score_each_token_once_with_as_much_context_as_fits(size, masked, stride):
    tokens = np.arange(100, 100 + size)
    windows = rolling_windows(tokens, 2, 5, stride, masked)
    assert (
        np.concatenate([continuation for _, continuation in windows]).tolist()
        == tokens[masked:].tolist()
    )
    whole = np.array([2, *tokens])
    for context, continuation in windows:
        given = np.concatenate([context, continuation])
        assert len(context) >= 1
        assert len(given) - 1 <= 5
        end = int(continuation[-1]) - 100 + 2
        np.testing.assert_array_equal(given, whole[max(0, end - 6) : end])


def test_documents_count_every_byte_once():
    documents = [document("ab" * 40 + "é"), document("xyz", "j")]
    requests = encode_documents(documents, Bytes(), 16, stride=8)
    assert requests.table.num_bytes.tolist() == [82, 3]
    assert requests.source.tolist() == [0] * 5 + [1]
    nats, greedy = requests.row_scores(
        np.array([-1.0, -2, -3, -4, -5, -6]), np.array([True] * 4 + [False, True])
    )
    assert nats.tolist() == [-15, -6]
    assert greedy.tolist() == [False, True]


def test_masked_tokens_are_given_but_not_counted():
    requests = encode_documents(
        [document("abcdef".replace("ab", "xy")), document("xyz", "short")],
        Bytes(),
        50,
        masked_tokens=4,
    )
    assert list(requests.contexts[0]) == [2, *ids("xycd")]
    assert list(requests.continuations[0]) == ids("ef")
    assert requests.table.num_bytes.tolist() == [2]
    assert requests.table.items == ["i"]
    assert requests.left_out == {"masked": 1}


def test_special_tokens_are_scored_on_request_only():
    assert list(encode_documents([document("xy")], Bytes(), 50).continuations[0]) == ids("xy")
    assert list(encode_documents([document("xy")], Bytes(), 50, special=True).continuations[0]) == [
        1,
        *ids("xy"),
    ]


@pytest.mark.parametrize(
    ("documents", "values", "message"),
    [
        ([document("xy")], {"stride": 17}, "stride = 17: must be 1 to the model's 16 tokens"),
        ([document("xy")], {"stride": 0}, "stride = 0"),
        (
            [document("xy")],
            {"masked_tokens": 2},
            "no document has more than masked_tokens = 2 tokens",
        ),
        ([document("")], {}, "domain 'd', document 'i': its text has no token"),
        ([document("xy"), document("z")], {}, "domain 'd': 2 items have the name 'i'"),
    ],
)
def test_documents_that_cannot_be_scored(documents, values, message):
    with pytest.raises(ValueError, match=message):
        encode_documents(documents, Bytes(), 16, **values)
