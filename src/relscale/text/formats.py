"""Read records, texts and whole files: JSON Lines, JSON, CSV, plain text and Parquet.

All formats but Parquet may be compressed with gzip or Zstandard, and any file may be a member of a
zip archive. The ending of the name decides how a file is read. Broken input is a `ValueError` that
names the file and, where the format has lines, the line.

Read `read_records`, `read_texts` and `read_text` first. In-memory corpora, sharded corpora and
evaluation sets all read their files here, so that a file is read in the same way everywhere: text
is UTF-8, a byte order mark at the beginning is left out, lines end with LF or CRLF, and a null is
an empty text. Memory is that of a few megabytes of text or of one row group of a Parquet file,
except for JSON lists and mappings, which are loaded as a whole.
"""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from relscale.text.compressed_files import (
    COMPRESSED,
    content_name,
    format_remark,
    open_binary,
    plain_name,
)
from relscale.text.json_values import JsonParser, repeated
from relscale.text.parquet_records import parquet_rows

Record = dict[str, Any]
"""A record of a user's file: any JSON value by key."""
ENDINGS = (".jsonl", ".json", ".csv", ".txt", ".parquet")
"""Endings of files whose records can be read. Case does not matter."""
OTHER_RECORDS = (".ndjson", ".jsonlines", ".ldjson", ".jl", ".tsv", ".tab")
"""Endings of records that cannot be read. Such files are text, but not the text of a document."""
TEXT_KEY = "text"
"""Key of the text in the records of a .txt file, which has one record per line."""
_CHUNK_BYTES = 1 << 22
_LONGEST_CELL = 2**31 - 1


def is_readable(name: str) -> bool:
    """Return whether a file's ending is one whose records can be read."""
    return name.lower().endswith((".zip", ".parquet")) or plain_name(name).endswith(ENDINGS[:-1])


def endings() -> str:
    """Return the endings that can be read, for error messages."""
    return (
        f"{', '.join(ENDINGS)} (all but .parquet also with {', '.join(COMPRESSED)}), and .zip;"
        " JSON with one record per line is .jsonl"
    )


def read_records(
    path: Path, member: str | None = None, columns: Sequence[str] | None = None
) -> Iterator[Record]:
    """Yield the records of a file in order.

    Args:
        path: a file whose ending `is_readable`. A .json file holds a list of records, a mapping
            whose values are records, or one record per line.
        member: name of the file inside a zip archive; not needed if it holds a single file.
        columns: columns to read from a Parquet file; all if None.

    Raises:
        ValueError: naming the file (and the line), if its format is unknown, it cannot be read, a
            record is not a mapping, or a key or column occurs twice.
    """
    for _, record in read_located(path, member, columns):
        yield record


def read_located(
    path: Path, member: str | None = None, columns: Sequence[str] | None = None
) -> Iterator[tuple[str, Record]]:
    """Yield the records of a file as `read_records` does, each with its place.

    The place is the file and the number of the line (of the record, for formats without lines).
    """
    name = content_name(path, member)
    unit = "record"
    records: Iterator[tuple[int, Any]]
    if name.endswith(".parquet"):
        records = parquet_rows(path, member, columns)
    elif name.endswith(".csv"):
        unit, records = "line", _csv_records(path, member)
    elif name.endswith(".jsonl") or (name.endswith(".json") and _is_json_lines(path, member)):
        unit, records = "line", _json_lines(path, member)
    elif name.endswith(".json"):
        records = enumerate(_json_values(path, member), start=1)
    elif name.endswith(".txt"):
        unit, records = "line", ((n, {TEXT_KEY: line}) for n, line in _txt_lines(path, member))
    else:
        raise ValueError(f"{path}: unknown format; the endings that can be read are {endings()}")
    for number, record in records:
        where = f"{path} {unit} {number}"
        yield where, _mapping(record, where)


def read_texts(path: Path, key: str, skip: int = 0, member: str | None = None) -> Iterator[str]:
    """Yield the texts of a file's records, starting after any number of them.

    A text that is null is empty, and so is a blank line of a JSON Lines file: it counts as a
    record, so that positions are numbers of lines.

    Args:
        path: a file whose ending `is_readable`.
        key: key or column that holds the text; unused for .txt, where each line is a text.
        skip: number of records to leave out at the beginning.
        member: name of the file inside a zip archive; not needed if it holds a single file.

    Raises:
        ValueError: naming the file and the line, if it cannot be read, a line is not UTF-8 or not
            JSON, or the key is missing.
    """
    name = content_name(path, member)
    if name.endswith(".txt"):
        yield from (line for _, line in _txt_lines(path, member, skip))
    elif name.endswith(".jsonl") or (name.endswith(".json") and _is_json_lines(path, member)):
        yield from _json_line_texts(path, key, skip, member)
    elif name.endswith(".parquet"):
        for number, record in parquet_rows(path, member, [key], skip):
            yield text_in(record, key, f"{path} record {number}")
    else:
        for where, record in islice(read_located(path, member), skip, None):
            yield text_in(record, key, where)


def text_in(record: Record, key: str, where: str, setting: str = "`text`") -> str:
    """Return the text that a record holds under a key; null is an empty text.

    Args:
        record: the record.
        key: the key.
        where: file and line of the record, for messages.
        setting: the setting that gave the key, for messages.

    Raises:
        ValueError: naming place, key and choices, if the key is missing or holds no string.
    """
    if key not in record:
        choices = ", ".join(map(str, record))
        raise ValueError(
            f"{where}: no key {key!r} (the setting {setting}); the choices are {choices}"
        )
    value = record[key]
    if isinstance(value, bytes):
        raise ValueError(f"{where}: {key} = {value[:60]!r} is not UTF-8 (the setting {setting})")
    if value is not None and not isinstance(value, str):
        raise ValueError(
            f"{where}: {key} = {str(value)[:60]!r} must be a string (the setting {setting})"
        )
    return value or ""


def read_text(path: Path, member: str | None = None) -> str:
    """Return the whole text of a file.

    Raises:
        ValueError: naming the file and the line, if it is not UTF-8.
    """
    with open_binary(path, member) as handle:
        data = handle.read().removeprefix(codecs.BOM_UTF8)
    place = data.find(b"\0")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place, reason = error.start, str(error.reason)
    else:
        if place < 0:
            return text
        reason = "a NUL byte"
    number = data.count(b"\n", 0, place) + 1
    raise ValueError(f"{path} line {number}: {_not_text(reason, data)}")


def read_json_value(path: Path, member: str | None = None) -> Any:
    """Return the value of a whole JSON file.

    Raises:
        ValueError: naming the file, if it is not UTF-8 or not JSON, or an object has a key twice.
    """
    parser = JsonParser(path)
    value = parser.value(read_text(path, member), str(path))
    parser.report()
    return value


# ----------------------------------------------------------------------------------------- opening


@contextmanager
def open_text(path: Path, member: str | None = None) -> Iterator[io.TextIOWrapper]:
    """Open the text of a file, or of a member of a zip archive, with its line ends.

    Raises:
        ValueError: naming the file and the line, if it is not UTF-8.
    """
    # utf-8-sig drops a byte order mark; newline="" leaves the line ends to `csv`.
    with (
        open_binary(path, member) as binary,
        io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as handle,
    ):
        try:
            yield handle
        except UnicodeDecodeError as error:
            # The decoder knows its position in a chunk only. Read again to find the line.
            for _ in _text_lines(path, member):
                pass
            raise ValueError(f"{path}: not UTF-8 text: {error.reason}") from error


def _not_text(reason: str, head: bytes) -> str:
    return f"not UTF-8 text: {reason}; {format_remark(head[:1000])}"


# ------------------------------------------------------------------------------------------- lines


def _lines(path: Path, member: str | None, skip: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers.

    Line ends (LF or CRLF) are left out, and so are byte order marks at the beginning of a line:
    files that were joined have them.
    """
    number = 0
    parts: list[bytes] = []  # of the line that continues in the next chunk
    with open_binary(path, member) as handle:
        while chunk := handle.read(_CHUNK_BYTES):
            *lines, rest = chunk.split(b"\n")
            if lines:
                lines[0] = b"".join((*parts, lines[0]))
                parts = []
            parts.append(rest)
            for line in lines:
                number += 1
                if number > skip:
                    yield number, _line(line)
    last = _line(b"".join(parts))
    if last and number + 1 > skip:
        yield number + 1, last


def _line(line: bytes) -> bytes:
    return line.removeprefix(codecs.BOM_UTF8).removesuffix(b"\r")


def _text_lines(path: Path, member: str | None, skip: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the decoded lines of a file with their numbers.

    Raises:
        ValueError: naming the file and the line, if it is not UTF-8 or has a NUL byte (as UTF-16
            has).
    """
    for number, line in _lines(path, member, skip):
        reason = "a NUL byte" if b"\0" in line else ""
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            reason, text = str(error), ""
        if reason:
            with open_binary(path, member) as handle:
                head = handle.read(1000)
            raise ValueError(f"{path} line {number}: {_not_text(reason, head)}")
        yield number, text


def _txt_lines(path: Path, member: str | None, skip: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the lines of a .txt file with their numbers.

    Raises:
        ValueError: naming the file, if its lines end with CR alone.
    """
    lines = _text_lines(path, member, skip)
    first = list(islice(lines, 2))
    if [number for number, _ in first] == [1] and "\r" in first[0][1]:
        raise ValueError(f"{path}: the lines end with CR alone; save it with LF or CRLF")
    yield from first
    yield from lines


def csv_rows(path: Path, member: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file that are not blank, each with the number of its last line.

    Raises:
        ValueError: naming the file and the line, if it is not UTF-8 or not CSV.
    """
    csv.field_size_limit(_LONGEST_CELL)  # the default of 131,072 characters is too low for texts
    with open_text(path, member) as handle:
        rows = csv.reader(handle, strict=True)
        try:
            for row in rows:
                if any("\0" in cell for cell in row):
                    where = f"{path} line {rows.line_num}"
                    raise ValueError(f"{where}: {_not_text('a NUL byte', bytes(1))}")
                if row:
                    yield rows.line_num, row
        except csv.Error as error:
            raise ValueError(
                f"{path} line {rows.line_num}: not a readable CSV file: {error}"
            ) from error


def _csv_records(path: Path, member: str | None) -> Iterator[tuple[int, Record]]:
    rows = csv_rows(path, member)
    _, header = next(rows, (0, []))
    twice = repeated(name for name in header if name)
    if twice is not None:
        raise ValueError(f"{path}: the column {twice!r} occurs twice in the header")
    for number, row in rows:
        if len(row) != len(header):
            raise ValueError(
                f"{path} line {number}: the number of columns differs from the header's"
            )
        yield number, dict(zip(header, row, strict=True))


# -------------------------------------------------------------------------------------------- JSON


def _json_lines(path: Path, member: str | None) -> Iterator[tuple[int, Any]]:
    """Yield the values of a JSON Lines file with their line numbers; skip blank lines."""
    parser = JsonParser(path)
    for number, line in _text_lines(path, member):
        if line.strip():
            yield number, parser.value(line, f"{path} line {number}")
    parser.report()


def _json_line_texts(path: Path, key: str, skip: int, member: str | None) -> Iterator[str]:
    parser = JsonParser(path)
    for number, line in _text_lines(path, member, skip):
        if not line.strip():
            yield ""
            continue
        where = f"{path} line {number}"
        yield text_in(_mapping(parser.value(line, where), where), key, where)
    parser.report()


def _mapping(value: Any, where: str) -> Record:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: must be a mapping of keys, not {str(value)[:60]!r}")
    return value


def _is_json_lines(path: Path, member: str | None) -> bool:
    """Return whether a .json file holds one record per line, not a list or mapping of records.

    The first line must be a complete mapping. If it is the only line, it is a mapping of records if
    all its values are mappings, else a record.
    """
    filled = (line for _, line in _lines(path, member) if line.strip())
    first = next(filled, b"")
    if not first.lstrip().startswith(b"{"):
        return False
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):  # not JSON, or not UTF-8
        return False
    return any(filled) or not all(isinstance(inner, dict) for inner in value.values())


def _json_values(path: Path, member: str | None) -> list[Any]:
    whole = read_json_value(path, member)
    if not isinstance(whole, list | dict):
        raise ValueError(
            f"{path}: must be a list or mapping of records, not {type(whole).__name__}"
        )
    return list(whole.values()) if isinstance(whole, dict) else whole
