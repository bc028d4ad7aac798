"""The sentence about a name that is not among the choices. Light imports."""

from collections.abc import Iterable


def is_not_in(place: str, choices: Iterable[str]) -> str:
    """Return the message for a name that a place does not have.

    Args:
        place: where the name should be, such as "sources".
        choices: the names that are there.
    """
    return f"is not in {place}; the choices are {', '.join(choices) or '(none)'}"
