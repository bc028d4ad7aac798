"""Meanings and units of columns, read from docs/reference/tables.md, which is their only home."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REFERENCE = Path("docs/reference/tables.md")
"""The reference of the tables, among the files of the project."""
_FILES = re.compile(r"[\w<>\\-]+\.(?:csv|parquet)")
_CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, kw_only=True)
class ColumnMeaning:
    """The description of one column."""

    unit: str
    """Its unit; empty if it has none."""
    meaning: str
    """Its meaning."""


Meanings = Mapping[str, Mapping[str, ColumnMeaning]]
"""Columns by file name, such as `relative.csv`."""


def read_meanings(path: Path) -> Meanings:
    """Return the columns of every table that the reference describes; none without the file."""
    found: dict[str, dict[str, ColumnMeaning]] = {}
    names: list[str] = []
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for line in text.splitlines():
        if line.startswith("#"):
            names = _FILES.findall(line.partition(":")[0]) if line.startswith("### ") else []
        elif line.startswith("| `") and names:
            cells = [cell.strip().replace("\\|", "|") for cell in _CELLS.split(line)[1:-1]]
            if len(cells) < 4:
                continue
            for name in names:
                columns = found.setdefault(name, {})
                for column in re.findall(r"`(\w+)`", cells[0]):
                    columns.setdefault(column, ColumnMeaning(unit=cells[2], meaning=cells[3]))
    return found
