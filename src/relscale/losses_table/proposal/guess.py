"""One guess about a file: the key of the mapping, its value, and the evidence."""

from dataclasses import dataclass

BY_NAME = "domain and metric by name"
NO_COLUMN = "the file has no such column"
PLAIN = (BY_NAME, NO_COLUMN)
"""Evidence that a mapping does not repeat for each key."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A guess, which is a line of the report and a comment of the mapping."""

    key: str
    """Key of the mapping that overrides it."""
    value: str
    """The guessed value, as text."""
    evidence: str
    """The reason for it."""

    def line(self) -> str:
        """Return the guess as one line."""
        return f"{self.key}: {self.value}  ({self.evidence})"
