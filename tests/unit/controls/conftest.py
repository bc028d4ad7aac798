"""Fixtures of the tests of controls."""

from byte_tokenizer import encoder, tokenizer  # noqa: F401
