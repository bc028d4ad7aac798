import pytest
from byte_tokenizer import tokenizer
from planted_texts import Population

__all__ = ["tokenizer"]


@pytest.fixture(scope="session")
def population():
    return Population()
