"""The sentence about a name that is not among the choices. Light imports."""

from collections.abc import Iterable

MOST_CHOICES = 100
"""Choices that a message lists."""


def is_not_in(place: str, choices: Iterable[str]) -> str:
    """Return the message for a name that a place does not have.

    Args:
        place: where the name should be, such as "sources".
        choices: the names that are there.
    """
    names = list(choices)
    more = f" and {len(names) - MOST_CHOICES:,} more" if len(names) > MOST_CHOICES else ""
    shown = ", ".join(names[:MOST_CHOICES]) or "(none)"
    return f"is not in {place}; the choices are {shown}{more}"
