"""Records and text out of files: CSV, JSON, JSON lines, Parquet, also .gz or inside a .zip.

Broken input is an error that names the file and, where lines are told apart, the line.
"""

import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


def read_records(path: Path, member: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the records of a CSV file, a JSON list, a JSON mapping's values, a JSON-lines file or a
    Parquet file, in order.

    Args:
        path: the file; .gz is unpacked on the fly.
        member: name of the file inside, where `path` is a zip archive.

    Raises:
        ValueError: naming the file (and the line, in JSON lines), where it is of another kind,
            cannot be read or a record is no mapping.
    """
    for _, record in read_located(path, member):
        yield record


def read_located(path: Path, member: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records of a file as `read_records` does, each with where it stands: file and line,
    or record where lines say nothing."""
    name = (member or path.name).removesuffix(".gz")
    if name.endswith(".csv"):
        what, records = "line", _csv_records(path, member)
    elif name.endswith(".jsonl"):
        what, records = "line", _json_lines(path, member)
    elif name.endswith(".json"):
        what, records = "record", enumerate(_json_values(path, member), start=1)
    elif name.endswith(".parquet"):
        what, records = "record", enumerate(parquet_records(path), start=1)
    else:
        raise ValueError(
            f"{path}: records are read from .json, .jsonl, .csv and .parquet files (also .gz, or a member of a .zip)"
        )
    for number, record in records:
        if not isinstance(record, dict):
            raise ValueError(f"{path}: {what} {number} is no mapping but {str(record)[:80]!r}")
        yield f"{path} {what} {number}", record


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[BinaryIO]:
    """Open a file's bytes: plain, .gz, or a member of a .zip.

    Raises:
        ValueError: naming the file, where it cannot be unpacked, or has or needs no such member.
    """
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                if member not in archive.namelist():
                    choices = ", ".join(archive.namelist())
                    raise ValueError(
                        f"{path}: no member {member!r} (the reader's `member`); the choices are {choices}"
                    )
                with archive.open(member) as handle:
                    yield handle  # type: ignore[misc]
        elif member is not None:
            raise ValueError(
                f"{path}: the reader has member = {member!r}, but the file is no .zip archive"
            )
        else:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
                yield handle  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be unpacked: {error}") from error


@contextmanager
def open_text(path: Path, member: str | None = None) -> Iterator[io.TextIOWrapper]:
    """Open a file's text: plain, .gz, or a member of a .zip.

    Raises:
        ValueError: naming file and line, where it is no UTF-8.
    """
    # utf-8-sig drops a byte order mark; newline="" leaves line ends to csv and to `clean`.
    with (
        _opened(path, member) as binary,
        io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as handle,
    ):
        try:
            yield handle
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} line {_first_bad_line(path, member)}: not UTF-8 text: {error.reason}"
            ) from error


def _first_bad_line(path: Path, member: str | None) -> int:
    """Return the number of the first line that is no UTF-8: the decoder only knows its place in a
    chunk."""
    number = 0
    with _opened(path, member) as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return number


def read_text(path: Path, member: str | None = None) -> str:
    """Return a file's whole text.

    Raises:
        ValueError: naming file and line, where it is no UTF-8.
    """
    with open_text(path, member) as handle:
        return handle.read()


def _csv_records(path: Path, member: str | None) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(
        2**31 - 1
    )  # the default limit of 131,072 characters is below a long document
    with open_text(path, member) as handle:
        try:
            rows = csv.DictReader(handle, strict=True)
            for record in rows:
                if (
                    None in record or None in record.values()
                ):  # how DictReader shows too many or too few columns
                    raise ValueError(
                        f"{path}: line {rows.line_num}: the number of columns differs from the header's"
                    )
                yield rows.line_num, record
        except csv.Error as error:
            raise ValueError(f"{path}: not a readable CSV file: {error}") from error


def _json_lines(path: Path, member: str | None) -> Iterator[tuple[int, Any]]:
    with open_text(path, member) as handle:
        for number, line in enumerate(handle, start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except json.JSONDecodeError as error:
                    raise ValueError(
                        f"{path} line {number}: not valid JSON: {error.msg} at column {error.colno}"
                    ) from error


def _json_values(path: Path, member: str | None) -> Iterable[Any]:
    try:
        whole = json.loads(read_text(path, member))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(whole, list | dict):
        raise ValueError(
            f"{path}: a JSON list or mapping of records is needed, not {type(whole).__name__}"
        )
    return whole.values() if isinstance(whole, dict) else whole


def parquet_records(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file, of all columns or of those named.

    Raises:
        ValueError: naming the file, where it cannot be read or lacks a column.
    """
    import pyarrow as pa  # heavy, and only this needs it
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: not a readable Parquet file: {error}") from error
    with table:
        missing = [name for name in columns or () if name not in table.schema_arrow.names]
        if missing:
            raise ValueError(
                f"{path}: no column {missing[0]!r}; the choices are {', '.join(table.schema_arrow.names)}"
            )
        for batch in table.iter_batches(batch_size=1024, columns=columns):
            yield from batch.to_pylist()
