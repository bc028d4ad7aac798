import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from relscale.evaluation.requests import Item
from relscale.evaluation.samples import Sample
from relscale.evaluation.tokens import TextEncoder

SPACE, A, B, C, X, COLON = (1 + ord(character) for character in " abcx:")


def test_space_belongs_to_continuation(encoder):
    option = encoder.option("x:", "a")
    assert option.context == (0, X, COLON)
    assert option.continuation == (257,)  # " a" is one token
    assert option.num_bytes == 1  # of "a": the delimiter is not counted
    assert option.num_tokens == 3


def test_trailing_white_space_moves_to_continuation(encoder):
    option = encoder.option("x: ", "a")
    assert option.context == (0, X, COLON)
    assert option.continuation == (SPACE, 257)
    assert option.num_bytes == 2  # one of the two spaces parts option and context
    option = encoder.option("x:\n", "a", delimiter="")
    assert option.continuation == (1 + ord("\n"), A)
    assert option.num_bytes == 2


def test_where_a_token_spans_the_boundary_the_option_is_encoded_alone(encoder):
    # "xbcx" is x, bc, x and does not begin with the context's x, b.
    for text, tokens in (("cx", (C, X)), ("c", (C,))):
        option = encoder.option("xb", text, delimiter="")
        assert option.context == (0, X, B)
        assert (option.continuation, option.num_bytes) == (tokens, len(text))
        assert option.alone
    assert not encoder.option("xb", "x", delimiter="").alone


def test_empty_context_is_the_prefix_alone(encoder):
    for context in ("", "  "):
        option = encoder.option(context, "a")
        assert (option.context, option.continuation) == ((0,), (A,))


def test_empty_text_is_an_error(encoder):
    with pytest.raises(ValueError, match="an empty text after 'x:' cannot be scored"):
        encoder.option("x:", " ")


def test_bytes_of_tokens_that_split_a_character(encoder):
    tokens = encoder.encode("aé€")  # 1 + 2 + 3 bytes, one token each
    assert len(tokens) == 6
    assert [encoder.num_bytes(tokens[:size]) for size in range(7)] == [0, 1, 2, 3, 4, 5, 6]
    assert encoder.num_bytes((0, 257, 258)) == 4  # the special token stands for no text
    assert encoder.window(tokens[:2]).num_bytes == 2


def test_tokenizers_that_cannot_be_used():
    with pytest.raises(ValueError, match=r"here\.json: no end-of-text token; it must be one of"):
        TextEncoder(Tokenizer(models.BPE(vocab={"a": 0}, merges=[])), "here.json")
    words = Tokenizer(models.WordLevel(vocab={"<|endoftext|>": 0, "▁word": 1}, unk_token="▁word"))
    words.add_special_tokens(["<|endoftext|>"])
    with pytest.raises(ValueError, match="token '▁word' is not made of bytes"):
        TextEncoder(words)


def test_bytes_of_an_added_word_are_those_of_its_text(tokenizer):
    own = Tokenizer.from_str(tokenizer.to_str())
    own.add_tokens(["größe", " x y"])
    encoder = TextEncoder(own)
    for text in ("größe", "a x yb"):
        assert encoder.num_bytes(encoder.encode(text)) == len(text.encode())
    assert len(encoder.encode("größe")) == 1


PARTS = st.lists(st.sampled_from(["a", "b", "c", " ", "\n", "x:", " a", "bc", "é"]), max_size=7)


@given(context=PARTS.map("".join), text=PARTS.map("".join).filter(lambda text: text.strip()))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_tokens_of_context_and_option_are_the_whole_text(encoder, context, text):
    option = encoder.option(context, text)
    whole = f"{context} {text}" if context.strip() else text
    assert option.context[0] == 0
    tokens = [*option.context[1:], *option.continuation]
    assert encoder.tokenizer.decode(tokens, skip_special_tokens=False) == whole
    assert encoder.num_bytes(tokens) == len(whole.encode())


def test_items_encoded_alone_are_counted_where_there_are_any(encoder):
    def manifest(*contexts):
        items = [
            Item(
                domain="d",
                stratum="s",
                item=context,
                options=tuple(encoder.option(context, text, delimiter="") for text in ("cx", "c")),
                text="",
            )
            for context in contexts
        ]
        return Sample(items=items).manifest("f", "questions", 16)["domains"]["d"]

    assert manifest("xb", "yb", "x")["encoded_alone"] == 2
    assert "encoded_alone" not in manifest("x")
