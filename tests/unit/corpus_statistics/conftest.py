import pytest
from planted_texts import Population


@pytest.fixture(scope="session")
def population():
    return Population()
