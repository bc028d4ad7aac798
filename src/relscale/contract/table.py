"""Declaration of a table: name, columns with their types, key. Light imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "int", "float", "bool"]

DOMAIN_KEY = ("corpus", "family", "domain", "metric")
"""First key columns of a table about single domains."""
GAP_KEY = ("corpus", "family", "metric", "treatment")
"""First key columns of a table about a treatment compared with a baseline."""


def text(*names: str) -> dict[str, Kind]:
    """Return columns of text."""
    return dict.fromkeys(names, "text")


def integers(*names: str) -> dict[str, Kind]:
    """Return columns of integers."""
    return dict.fromkeys(names, "int")


def floats(*names: str) -> dict[str, Kind]:
    """Return columns of floats; NaN is a missing value."""
    return dict.fromkeys(names, "float")


def flags(*names: str) -> dict[str, Kind]:
    """Return columns of truth values."""
    return dict.fromkeys(names, "bool")


STATUS = text("status", "remarks")
"""Last columns of a table whose rows have a status (`relscale.contract.status`)."""


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
    digits: int = 8
    """Significant digits of floats in CSV. Further digits of a fit depend on the processor, whose
    libraries add in another order."""

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
