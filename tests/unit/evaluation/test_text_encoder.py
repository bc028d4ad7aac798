import pytest
from tokenizers import Tokenizer, models

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
    assert encoder.option("x:\n", "a", delimiter="").continuation == (1 + ord("\n"), A)


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
