"""Texts of large files, one after another, from any record on.

    local_texts(path, key, skip) -> Iterator[str]          a file of this machine
    hub_texts(source, file, key, skip) -> Iterator[str]    a file of a dataset on the hub, streamed
    by `datasets`

Lines are read as bytes, so that one that is no UTF-8 or no JSON is named by its number. Memory is
that of a few megabytes of text, or of a row group of a Parquet file.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from relscale.config.sources import HubOrigin

ENDINGS = (".jsonl", ".json", ".txt")
"""Endings of files that are read line by line."""
COMPRESSED = (".gz", ".zst", ".zstd")
"""Endings that may stand behind those."""
_CHUNK = 1 << 22
_DECODE = json.JSONDecoder().raw_decode


def is_readable(name: str) -> bool:
    """Tell whether a file's ending is one that is read here."""
    return name.endswith(".parquet") or _plain(name).endswith(ENDINGS)


def local_texts(path: Path, key: str, skip: int = 0) -> Iterator[str]:
    """Yield the texts of a file's records.

    Args:
        path: a file whose ending `is_readable`. Of .txt files each line is a document.
        key: key or column that holds the text; unused for .txt.
        skip: records to leave out at the beginning; they are not parsed.

    Raises:
        ValueError: naming file and line, where it cannot be unpacked, a line is no UTF-8 or no
            JSON, or the key is missing.
    """
    if path.name.endswith(".parquet"):
        yield from _parquet_texts(path, key, skip)
        return
    as_json = not _plain(path.name).endswith(".txt")
    for number, line in enumerate(_lines(path), start=1):
        if number <= skip:
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} line {number}: not UTF-8 text: {error}") from error
        if not as_json:
            yield text
            continue
        try:  # nearly every line is a plain record, and `json.loads` costs twice as much as what it calls
            record, end = _DECODE(text)
            value = record[key] if end == len(text) else None
        except (json.JSONDecodeError, KeyError, TypeError):
            value = None
        yield value if type(value) is str else _text_of(text, key, f"{path} line {number}")


def _text_of(line: str, key: str, where: str) -> str:
    """Return the text of a line that is not a plain record: blank, with white space around it, with
    a null, or wrong."""
    if not line.strip():
        return ""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: not valid JSON: {error}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{where}: a JSON record is needed, not {line[:60]!r}")
    return _value(record, key, where)


def _value(record: dict[str, Any], key: str, where: str) -> str:
    """Return a record's text; a null is an empty one."""
    if key not in record:
        raise ValueError(
            f"{where}: no key {key!r} (the component's `text`); the choices are {', '.join(map(str, record))}"
        )
    value = record[key]
    if value is not None and not isinstance(value, str):
        raise ValueError(
            f"{where}: {key} = {str(value)[:60]!r} is no text (the component's `text`)"
        )
    return value or ""


def _plain(name: str) -> str:
    """Return a file's name without the ending of its compression."""
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return name


def _lines(path: Path) -> Iterator[bytes]:
    """Yield a file's lines without their ends, unpacked; the last one may lack its end."""
    rest = b""
    with _unpacked(path) as handle:
        while True:
            try:
                chunk = handle.read(_CHUNK)
            except (OSError, EOFError, zlib.error) as error:
                raise ValueError(f"{path}: cannot be unpacked: {error}") from error
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.removesuffix(b"\r")
    if rest:
        yield rest.removesuffix(b"\r")


@contextmanager
def _unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file's bytes, unpacked."""
    try:
        if path.name.endswith((".zst", ".zstd")):
            import pyarrow as pa  # heavy; it reads several frames, and says where one is cut

            with closing(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")) as stream:
                yield stream
        else:
            with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as handle:
                yield cast(BinaryIO, handle)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _parquet_texts(path: Path, key: str, skip: int) -> Iterator[str]:
    import pyarrow as pa  # heavy, and only this ending needs it
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            names = table.schema_arrow.names
            if key not in names:
                raise ValueError(
                    f"{path}: no column {key!r} (the component's `text`); the choices are {', '.join(names)}"
                )
            for group in range(table.num_row_groups):
                rows = table.metadata.row_group(group).num_rows
                if skip >= rows:
                    skip -= rows
                    continue
                for batch in table.iter_batches(batch_size=256, row_groups=[group], columns=[key]):
                    values = batch.column(0).to_pylist()
                    for value in values[skip:]:
                        yield _value({key: value}, key, str(path))
                    skip = max(0, skip - len(values))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not a readable Parquet file: {error}") from error


def hub_texts(name: str, source: HubOrigin, file: str, key: str, skip: int = 0) -> Iterator[str]:
    """Yield the texts of one file of a dataset on the hub.

    Args:
        name: key of the source, for messages.
        source: dataset and revision.
        file: path in the dataset's repository.
        key: column that holds the text.
        skip: rows to leave out at the beginning.

    Raises:
        ValueError: naming source, dataset, revision and file, where it cannot be read or the column
            is missing.
    """
    try:
        import datasets  # optional and slow to import
    except ImportError as error:
        raise ValueError(
            f"sources.{name}: kind = 'hub' needs the package `datasets`; install relscale with its `hub` extra"
        ) from error

    where = f"sources.{name}: {source.dataset} at {source.revision}, {file}"

    def rows() -> Iterator[dict[str, Any]]:
        try:
            files = {"train": [file]}
            opened = datasets.load_dataset(
                source.dataset,
                data_files=files,
                revision=source.revision,
                split="train",
                streaming=True,
            )
            yield from opened.skip(skip)
        except Exception as error:  # the library raises errors of many packages
            raise ValueError(f"{where}: cannot be read: {type(error).__name__}: {error}") from error

    for number, row in enumerate(rows(), start=skip + 1):
        yield _value(row, key, f"{where} row {number}")
