"""Document readers: the behaviour that belongs to one class of reader settings.

Each module of `relscale.text.readers` declares one `READER = DocumentReader(...)`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from relscale.config.readers import Reader
from relscale.text.formats import Record, text_in

Settings = TypeVar("Settings", bound=Reader)


@dataclass(frozen=True, kw_only=True)
class SourceDocument:
    """One document as it is stored in a source."""

    text: str
    """The raw text, before cleaning."""
    domain: str | None = None
    """Domain of the document; None if the reader does not assign domains."""
    where: str
    """File and position, for messages: "speeches/1790.txt" or "articles.csv record 12"."""


def _all_files(paths: Sequence[Path], settings: Reader) -> list[Path]:
    return list(paths)


@dataclass(frozen=True, kw_only=True)
class DocumentReader(Generic[Settings]):
    """How documents are read with one class of settings."""

    settings: type[Settings]
    """The settings, one of `relscale.config.readers.AnyReader`."""
    read: Callable[[Path, str, Settings], Iterator[SourceDocument]]
    """Yields the documents of a file, given its path, its path inside the source and the
    settings."""
    select: Callable[[Sequence[Path], Settings], list[Path]] = _all_files
    """Chooses the files to read among those that match the settings' globs."""


def record_documents(
    records: Iterable[Record], where: str, text: str, domain: str | None = None
) -> Iterator[SourceDocument]:
    """Yield one document per record.

    Args:
        records: records of one file.
        where: path of the file inside the source, for messages.
        text: key of the text.
        domain: key of the domain; None if there is none.

    Raises:
        ValueError: naming file, record and key, if a key is missing or does not hold a string.
    """
    for number, record in enumerate(records, start=1):
        place = f"{where} record {number}"
        yield SourceDocument(
            text=text_in(record, text, place, "`text` of the reader"),
            domain=text_in(record, domain, place, "`domain` of the reader") if domain else None,
            where=place,
        )
