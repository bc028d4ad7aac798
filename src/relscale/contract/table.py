"""Declaration of a table: name, columns with their types, key. Light imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "int", "float", "bool"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that one stage writes and others read.

    Units and meanings of the columns are in docs/reference/tables.md.
    """

    name: str
    """Name of the table and of its file."""
    description: str
    """One sentence about its rows."""
    key: tuple[str, ...]
    """Columns whose values together occur once."""
    columns: Mapping[str, Kind]
    """Type of each column, in the order in which they are written."""

    def __post_init__(self) -> None:
        """Check that the key consists of columns."""
        missing = [name for name in self.key if name not in self.columns]
        if missing:
            raise ValueError(f"table {self.name}: key column(s) {', '.join(missing)} are missing")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.columns)

    def between(self, first: str, after: str) -> tuple[str, ...]:
        """Return the columns from `first` up to, but without, `after`."""
        return self.names[self.names.index(first) : self.names.index(after)]
