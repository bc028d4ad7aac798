"""The cells of a CSV file: its encoding, its separator, its header and its rows.

`relscale.contract.csv_text` reads the tables that this project writes, and refuses all others.
"""

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relscale.config.losses import CsvDialect
from relscale.contract.csv_text import ENCODINGS, MAX_CELL

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
"""Separators by name."""
LOOKED_AT = 50
"""Rows by which the separator is found."""
WEB_PAGE = ("<!doctype html", "<html")
"""Starts of a web page that was saved in place of a file."""
RULE = re.compile(r":?-{3,}:?")
"""Cell of a line between header and rows, as Markdown writes it."""


@dataclass(frozen=True, kw_only=True)
class CsvCells:
    """The text of a CSV file: blank rows are left out, and all others are complete."""

    header: tuple[str, ...]
    """Names of the columns."""
    rows: list[list[str]]
    """Cells of each row, without blanks around them."""
    lines: list[int]
    """Line of the file in which each row ends, counted from 1."""
    separator: str
    """The separator."""
    notes: tuple[str, ...]
    """Settings that were found, and rows that are left out, one sentence each."""
    details: dict[str, Any] = field(default_factory=dict)
    """Settings that were found, by their key in `CsvDialect`."""


def csv_cells(path: Path, data: bytes, dialect: CsvDialect) -> CsvCells:
    """Return the cells of a CSV file.

    Raises:
        ValueError: naming file and line: a wrong encoding, broken quotes, no header, a column that
            is named twice, a row of another width, or a repeated header.
    """
    details: dict[str, Any] = {}
    text = _text_of(path, data, dialect, details)
    skipped = text.splitlines(keepends=True)[: dialect.skip_lines]
    text = text[sum(map(len, skipped)) :]
    separator = _separator_of(text, dialect, details)
    lines = _read(path, text, separator, len(skipped))
    if not lines:
        raise ValueError(f"{path}: is empty; the first line must be a header")
    headers, body = lines[: dialect.header_lines], lines[dialect.header_lines :]
    header = _header_of(path, [cells for _, cells in headers], separator)
    notes = [_NOTES[key](value) for key, value in details.items()]
    if skipped:
        notes.append(f"{len(skipped)} line(s) before the header are left out")
    rows, numbers, repeated, rules = [], [], [], []
    first = [cells for _, cells in headers]
    for number, cells in body:
        if cells in first:
            repeated.append(number)
            continue
        if all(RULE.fullmatch(cell) for cell in cells if cell):
            rules.append(number)
            continue
        if len(cells) != len(header):
            raise ValueError(
                f"{path}: line {number}: {len(cells)} cells, and the header has {len(header)}: a "
                "separator is missing, or one is part of a cell that has no quotes"
            )
        rows.append(cells)
        numbers.append(number)
    if repeated and dialect.repeated_headers == "error":
        raise ValueError(
            f"{path}: line {repeated[0]}: the header is repeated (two files joined?): remove the "
            "line, or state csv: {repeated_headers: skip}"
        )
    if repeated:
        notes.append(
            f"{len(repeated)} repeated header(s) are left out, first in line {repeated[0]}"
        )
    if rules:
        notes.append(f"{len(rules)} row(s) of dashes are left out, first in line {rules[0]}")
    return CsvCells(
        header=header,
        rows=rows,
        lines=numbers,
        separator=separator,
        notes=tuple(notes),
        details=details,
    )


def opening_rows(path: Path, data: bytes, dialect: CsvDialect) -> list[tuple[int, list[str]]]:
    """Return line and cells of all rows that are not blank, of any width, headers among them.

    Raises:
        ValueError: naming file and line, for a wrong encoding or broken quotes.
    """
    text = _text_of(path, data, dialect, {})
    skipped = text.splitlines(keepends=True)[: dialect.skip_lines]
    text = text[sum(map(len, skipped)) :]
    return _read(path, text, _separator_of(text, dialect, {}), len(skipped))


_NOTES = {
    "encoding": lambda name: f"the file is read as {name}",
    "separator": lambda name: f"columns are separated by: {name}",
}


def _text_of(path: Path, data: bytes, dialect: CsvDialect, details: dict[str, Any]) -> str:
    """Return the text of a file without byte order mark."""
    encoding = "utf-8" if dialect.encoding == "auto" else dialect.encoding
    if dialect.encoding == "auto":
        for start, name in ENCODINGS.items():
            if data.startswith(start):
                if name != "UTF-16":
                    raise ValueError(f"{path}: is {name}, not CSV: check its ending, or `format`")
                encoding = "utf-16"
                details["encoding"] = encoding
    if encoding != "utf-16" and (null := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, null) + 1
        raise ValueError(
            f"{path}: line {line}: has a null character; if it is UTF-16 without a mark, state "
            "csv: {encoding: utf-16}"
        )
    try:
        text = data.decode({"utf-8": "utf-8-sig", "windows-1252": "cp1252"}.get(encoding, encoding))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        rows = data.splitlines()
        found = rows[min(line, len(rows)) - 1][:80].decode("latin-1")
        advice = (
            f"if it is {found!r}, state csv: {{encoding: windows-1252}}"
            if encoding == "utf-8"
            else "state another csv.encoding"
        )
        raise ValueError(f"{path}: line {line}: not {encoding} text; {advice}") from None
    if text.lstrip().lower().startswith(WEB_PAGE):
        raise ValueError(f"{path}: is a web page (HTML), not CSV: download the file itself")
    return text


def _separator_of(text: str, dialect: CsvDialect, details: dict[str, Any]) -> str:
    """Return the separator that splits the first rows into the most, and equally many, cells."""
    if dialect.separator != "auto":
        return SEPARATORS[dialect.separator]
    head = "".join(text.splitlines(keepends=True)[: LOOKED_AT + 1])
    best, best_width = "comma", 1
    for name, sign in SEPARATORS.items():
        try:
            rows = [row for row in csv.reader(io.StringIO(head, newline=""), delimiter=sign) if row]
        except csv.Error:
            continue
        header = len(rows[0]) if rows else 0
        same = sum(len(row) == header for row in rows)
        if header > best_width and 2 * same > len(rows):
            best, best_width = name, header
    if best != "comma":
        details["separator"] = best
    return SEPARATORS[best]


def _read(path: Path, text: str, separator: str, skipped: int) -> list[tuple[int, list[str]]]:
    """Return line and cells of every row that is not blank."""
    csv.field_size_limit(max(MAX_CELL, csv.field_size_limit()))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found = []
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if any(cells):
                found.append((reader.line_num + skipped, cells))
    except csv.Error as error:
        raise ValueError(
            f"{path}: line {reader.line_num + skipped}: not a readable CSV table: {error}"
        ) from None
    return found


def _header_of(path: Path, rows: list[list[str]], separator: str) -> tuple[str, ...]:
    """Return the names of the columns; those without one are numbered."""
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"{path}: the two lines of the header have different numbers of cells")
    names = list(rows[0])
    if len(rows) > 1:
        above = ""
        for index, name in enumerate(names):
            above = name or above
            names[index] = "/".join(part for part in (above, rows[1][index]) if part)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        places = [str(index + 1) for index, name in enumerate(names) if name == twice[0]]
        raise ValueError(
            f"{path}: column(s) {', '.join(twice)} more than once in the header ({twice[0]}: "
            f"columns {' and '.join(places)}): rename all but one"
            + ("" if len(rows) > 1 else ", or state csv: {header_lines: 2} if it has two lines")
        )
    return tuple(name or f"unnamed {index + 1}" for index, name in enumerate(names))
