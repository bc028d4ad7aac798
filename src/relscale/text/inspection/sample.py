"""TextSample files and documents of a listing, within fixed limits, and count their properties.

Read `take_sample` first. The sample is deterministic: the same files give the same report.
"""

import logging
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from relscale.config.corpora import CorpusRules
from relscale.text import json_values
from relscale.text.compressed_files import is_archive
from relscale.text.duplicates import NearDuplicates, document_hash
from relscale.text.formats import read_records
from relscale.text.inspection.fields import (
    FieldSummary,
    domain_field,
    summarise,
    text_field,
)
from relscale.text.inspection.listing import (
    FileHead,
    FileKind,
    ListedFile,
    Listing,
    read_head,
)

MOST_FILES = 200
"""Files that are opened."""
MOST_ENDINGS = 100
"""Files that are opened in addition, one of each ending that the others do not have."""
MOST_SAMPLED_BYTES = 1 << 26
"""Decompressed bytes that are kept of all files together."""
MOST_RECORDS = 1000
"""Rows that are read of one Parquet file; of other files their beginning is read."""
MOST_COMPARED = 2000
"""Documents that are compared with each other for near-duplicates."""
SHORTEST = int(CorpusRules.model_fields["min_characters"].default)
"""Documents with fewer characters are removed from corpora unless the setting is changed."""
SIMILARITY = float(CorpusRules.model_fields["near_duplicate_threshold"].default)
PACKING = 3
"""Assumed bytes of text per byte of a compressed file."""
_COMPARED_CHARACTERS = 20_000
_MARKUP = re.compile(r"</[A-Za-z][^<>]{0,40}>|<br ?/?>|&(?:amp|lt|gt|quot|nbsp|#\d{1,6});")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\x80-\x9f]")


@dataclass(kw_only=True)
class TextCounts:
    """Properties of the sampled documents."""

    documents: int = 0
    characters: int = 0
    num_bytes: int = 0
    """Bytes of their text in UTF-8."""
    empty: int = 0
    """Documents without anything but white space."""
    short: int = 0
    """Documents that are not empty and have fewer than `SHORTEST` characters."""
    replaced: int = 0
    """Documents with U+FFFD, the trace of a wrong encoding."""
    control: int = 0
    """Documents with control characters."""
    markup: int = 0
    """Documents with HTML tags or entities."""
    exact_duplicates: int = 0
    """Documents that equal an earlier one but for case and white space."""
    compared: int = 0
    """Documents that were compared for near-duplicates."""
    near_duplicates: int = 0
    """Of these, documents that resemble an earlier one."""


@dataclass(kw_only=True)
class KindSample:
    """The sampled files of one kind."""

    files: int = 0
    """Files that were opened."""
    whole_files: int = 0
    """Of these, files that were read to their end."""
    read_bytes: int = 0
    """Decompressed bytes that were read."""
    disk_bytes: int = 0
    """Bytes of the opened files on the disk."""
    disk_bytes_read: float = 0.0
    """Bytes on the disk of the parts that were read."""
    documents: int = 0
    """Documents or records in these parts; of a Parquet file all rows, which it counts itself."""
    sampled: int = 0
    """Documents or records that were read."""
    fields: Mapping[str, FieldSummary] = field(default_factory=dict)
    """Fields of records."""
    text: str | None = None
    """Field that probably holds the text."""
    domain: str | None = None
    """Field that probably names the domain."""


@dataclass(frozen=True, kw_only=True)
class TextSample:
    """The sample of a listing."""

    kinds: Mapping[FileKind, KindSample]
    """Sampled files by the reader that fits them."""
    encodings: Counter[str]
    """Encodings of the opened files."""
    problems: list[str]
    """Files that no reader reads, each with the reason."""
    remarks: list[str]
    """Repairs that the readers made."""
    endings: Mapping[str, FileKind]
    """The kind of the files of each ending, by the first opened file."""
    counts: TextCounts
    """Properties of the documents."""
    is_complete: bool
    """Whether every file was read to its end."""


def take_sample(listing: Listing) -> TextSample:
    """Open files evenly over a listing, and count the properties of their documents."""
    chosen = chosen_files(listing)
    kinds: dict[FileKind, KindSample] = {}
    endings: dict[str, FileKind] = {}
    texts: list[str] = []
    records: dict[FileKind, list[Mapping[str, Any]]] = {}
    encodings: Counter[str] = Counter()
    problems: list[str] = []
    remarks: list[str] = []
    share = max(1, MOST_SAMPLED_BYTES // max(1, len(chosen)))
    for file in chosen:
        head = read_head(file)
        encodings[head.encoding if head.kind is not FileKind.UNREADABLE else "not readable"] += 1
        endings.setdefault(file.ending, head.kind)
        if head.kind is FileKind.UNREADABLE:
            problems.append(f"{file.name}: {head.encoding}")
            continue
        kind = kinds.setdefault(head.kind, KindSample())
        kind.files += 1
        kind.disk_bytes += file.num_bytes
        if head.kind is FileKind.TEXT:
            text = head.content.decode("utf-8-sig", errors="ignore")[:share]
            texts.append(text)
            _count_file(kind, file, head, _Read(documents=1, is_whole=head.is_whole))
            continue
        try:
            with _kept_messages(file, remarks):
                found, read = _records(file, head)
        except ValueError as error:
            problems.append(f"{file.name}: {str(error).removeprefix(f'{file.path}: ')}")
            continue
        records.setdefault(head.kind, []).extend(found)
        _count_file(kind, file, head, read)
    for name, some in records.items():
        kind = kinds[name]
        kind.sampled = len(some)
        kind.fields = summarise(some)
        kind.text = text_field(kind.fields)
        kind.domain = domain_field(kind.fields, len(some), kind.text)
        if kind.text is not None:
            texts += [value for one in some if isinstance(value := one.get(kind.text) or "", str)]
    opened_all = len(chosen) == len(listing.files) and listing.is_complete
    return TextSample(
        kinds=kinds,
        encodings=encodings,
        problems=problems,
        remarks=remarks,
        endings=endings,
        counts=count_texts(texts),
        is_complete=opened_all and all(kind.whole_files == kind.files for kind in kinds.values()),
    )


def chosen_files(listing: Listing) -> list[ListedFile]:
    """Return the files to open: evenly spaced ones, and one of each ending besides."""
    chosen = evenly(listing.files, MOST_FILES)
    first: dict[str, ListedFile] = {}
    for file in reversed(listing.files):
        first[file.ending] = file
    seen = {file.ending for file in chosen}
    others = [file for ending, file in first.items() if ending not in seen]
    return chosen + sorted(others, key=lambda file: file.name)[:MOST_ENDINGS]


def evenly(files: Sequence[ListedFile], most: int) -> list[ListedFile]:
    """Return at most `most` files, evenly spaced, the first and the last included."""
    if len(files) <= most:
        return list(files)
    return [files[place * (len(files) - 1) // (most - 1)] for place in range(most)]


@contextmanager
def _kept_messages(file: ListedFile, remarks: list[str]) -> Iterator[None]:
    """Collect messages of the readers, with the name of the file in place of that of its copy."""
    logger = logging.getLogger(json_values.__name__)
    handler, before = logging.Handler(), logger.propagate

    def keep(record: logging.LogRecord) -> None:
        words = record.getMessage().partition(": ")[2].partition(", first in ")[0]
        remarks.append(f"{file.name}: {words}")

    handler.emit = keep  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


@dataclass(frozen=True, kw_only=True)
class _Read:
    """The part of a file that was read."""

    documents: int
    is_whole: bool
    num_bytes: int | None = None
    """Decompressed bytes; None for all of the head."""


def _count_file(kind: KindSample, file: ListedFile, head: FileHead, read: _Read) -> None:
    """Add one opened file to the numbers of its kind."""
    num_bytes = len(head.content) if read.num_bytes is None else read.num_bytes
    kind.whole_files += read.is_whole
    kind.read_bytes += num_bytes
    kind.documents += read.documents
    if read.is_whole or head.kind is FileKind.PARQUET:
        kind.disk_bytes_read += file.num_bytes
    else:  # of a compressed file the share is unknown; its content is taken as three times larger
        packed = PACKING if file.path.name.lower() != head.name else 1
        kind.disk_bytes_read += min(file.num_bytes, num_bytes / packed)


def _records(file: ListedFile, head: FileHead) -> tuple[list[Mapping[str, Any]], _Read]:
    """Return the first records of a file.

    The readers read a copy of its beginning, so that no file needs more memory than that.

    Raises:
        ValueError: naming the problem, if the file cannot be read.
    """
    if head.kind is FileKind.PARQUET:
        rows: list[Mapping[str, Any]] = [*islice(read_records(file.path), MOST_RECORDS + 1)]
        is_whole, rows = len(rows) <= MOST_RECORDS, rows[:MOST_RECORDS]
        number = len(rows) if is_whole else _parquet_rows(file.path)
        return rows, _Read(documents=number, is_whole=is_whole)
    content = head.content
    if not head.is_whole:
        if head.name.endswith(".json") and not _has_lines(content):
            raise ValueError(
                f"a JSON list or mapping over {len(content) / 1e6:.1f} MB, which is not sampled; "
                "the reader can read it"
            )
        content = content[: content.rfind(b"\n") + 1]
    found: list[Mapping[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"copy{Path(head.name).suffix}"
        copy.write_bytes(content)
        try:
            found.extend(read_records(copy))
        except ValueError as error:
            # A row of a CSV file may go over several lines, so that the cut may be inside one.
            if head.is_whole or not found or head.kind is not FileKind.CSV:
                raise ValueError(str(error).removeprefix(str(copy)).strip(": ")) from None
    return found, _Read(documents=len(found), is_whole=head.is_whole, num_bytes=len(content))


def _parquet_rows(path: Path) -> int:
    """Return the number of rows that a Parquet file states; 0 for one inside an archive."""
    import pyarrow.parquet as pq  # slow to import

    if is_archive(path):
        return 0
    with pq.ParquetFile(path) as table:
        return int(table.metadata.num_rows)


def _has_lines(content: bytes) -> bool:
    """Return whether the beginning of a .json file looks like one record per line."""
    first, _, rest = content.lstrip().partition(b"\n")
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest[:1] == b"{"


def count_texts(texts: Sequence[str]) -> TextCounts:
    """Count the properties of documents, and duplicates among them."""
    counts, seen = TextCounts(), set()
    for text in texts:
        counts.documents += 1
        counts.characters += len(text)
        counts.num_bytes += len(text.encode("utf-8", errors="replace"))
        stripped = len(text.strip())
        counts.empty += not stripped
        counts.short += 0 < stripped < SHORTEST
        counts.replaced += "\ufffd" in text
        counts.control += _CONTROL.search(text) is not None
        counts.markup += _MARKUP.search(text) is not None
        key = document_hash(text)
        counts.exact_duplicates += bool(stripped) and key in seen
        seen.add(key)
    index = NearDuplicates(SIMILARITY)
    for text in _distinct(texts):
        counts.compared += 1
        counts.near_duplicates += not index.is_new(text[:_COMPARED_CHARACTERS])
    return counts


def _distinct(texts: Sequence[str]) -> Iterator[str]:
    """Yield texts that are not empty and differ, at most `MOST_COMPARED`, evenly spaced."""
    filled = list({document_hash(text): text for text in texts if text.strip()}.values())
    step = max(1, -(-len(filled) // MOST_COMPARED))
    yield from filled[::step]
