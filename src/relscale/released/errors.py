"""Errors that name the released model. Light imports."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming_model(name: str) -> Iterator[None]:
    """Put the model's name in front of errors that do not begin with it.

    Raises:
        ValueError: if one is raised inside.
    """
    try:
        yield
    except ValueError as error:
        if str(error).startswith(f"model {name}"):
            raise
        if len(error.args) != 1:
            raise ValueError(f"model {name}: {error}") from error
        error.args = (f"model {name}: {error}",)  # keeps the type
        raise
