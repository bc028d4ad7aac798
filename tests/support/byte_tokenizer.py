"""Fixtures of a small byte-level tokenizer, for the tests of evaluation and of released models."""

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from relscale.evaluation.tokens import TextEncoder, byte_alphabet
from relscale.text.tokenizer import END_OF_TEXT


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """A byte-level tokenizer with two merges.

    Bytes are tokens 1 to 256 in the order of their values; " a" is 257 and "bc" is 258.
    """
    vocabulary = (
        {END_OF_TEXT: 0}
        | {character: 1 + byte for byte, character in enumerate(byte_alphabet())}
        | {"Ġa": 257, "bc": 258}
    )
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ġ", "a"), ("b", "c")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END_OF_TEXT])
    tokenizer.encode_special_tokens = True
    return tokenizer


@pytest.fixture(scope="session")
def encoder(tokenizer: Tokenizer) -> TextEncoder:
    return TextEncoder(tokenizer)
