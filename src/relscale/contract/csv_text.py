"""Reading CSV tables as text, with the checks that every reader of CSV needs. Light imports."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

ENCODINGS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a spreadsheet or another zip archive",
    b"\x1f\x8b": "compressed by gzip",
}
"""Other kinds of files, by their first bytes."""
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
MAX_CELL = 1 << 24
"""Characters of the longest cell."""


@dataclass(frozen=True, kw_only=True)
class CsvText:
    """The text of a CSV table: blank rows are left out, and all others are complete."""

    header: tuple[str, ...]
    """Names of the columns, without blanks around them."""
    rows: list[list[str]]
    """Cells of each row, without blanks around them."""
    lines: list[int]
    """Line of the file in which each row ends, counted from 1."""


def read_csv_text(path: Path, problems: list[str] | None = None) -> CsvText:
    """Read a CSV table as text.

    A byte order mark is skipped, and so are rows without any text.

    Args:
        path: the file.
        problems: gets the rows that are not complete, which are left out; None makes the first of
            them an error.

    Raises:
        ValueError: naming the file and the line, and the problem: text that is not UTF-8, broken
            quotes, no header, a column that is named twice, another number of cells than in
            the header, or a header that is repeated.
    """
    text = _text_of(path)
    csv.field_size_limit(max(MAX_CELL, csv.field_size_limit()))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: tuple[str, ...] | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            if not any(cells):
                continue
            if header is None:
                header = _header(path, cells)
            elif problem := _problem(cells, header):
                found = f"line {reader.line_num}: {problem}"
                if problems is None:
                    raise ValueError(f"{path}: {found}")
                problems.append(found)
            else:
                rows.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise ValueError(
            f"{path}: line {reader.line_num}: not a readable CSV table: {error}"
        ) from None
    if header is None:
        raise ValueError(f"{path}: is empty; the first line must be a header")
    return CsvText(header=header, rows=rows, lines=lines)


def _problem(cells: list[str], header: tuple[str, ...]) -> str | None:
    """Return why a row is not one of the table, or None."""
    if len(cells) != len(header):
        return f"the number of columns differs from the header's: {len(cells)}, not {len(header)}"
    if tuple(cells) == header:
        return "the header is repeated (two files joined?): remove the line"
    return None


def _text_of(path: Path) -> str:
    """Return the text of a file without byte order mark.

    Raises:
        ValueError: naming the file, and the line that is not UTF-8 or has a null character.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    for start, name in ENCODINGS.items():
        if data.startswith(start):
            raise ValueError(f"{path}: is {name}; save the table as CSV in UTF-8")
    if (null := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, null) + 1
        raise ValueError(f"{path}: line {line}: has a null character; save the table in UTF-8")
    try:
        return data.decode("utf-8").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = data.splitlines()[line - 1][:80].decode("latin-1")
        raise ValueError(
            f"{path}: line {line}: not UTF-8 text (as Latin-1: {found!r}); save the table in UTF-8"
        ) from None


def _header(path: Path, cells: list[str]) -> tuple[str, ...]:
    """Return the names of the columns.

    Raises:
        ValueError: naming the file, and the columns that occur twice or the separator.
    """
    header = tuple(cells)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: column(s) {', '.join(twice)} more than once in the header")
    if len(header) == 1:
        for sign, words in SEPARATORS.items():
            if sign in header[0]:
                raise ValueError(
                    f"{path}: the header is {header[0]!r}: columns are separated by {words}; "
                    "commas, and decimal points, are needed"
                )
    return header
