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
    name: str | None = None
    """Name of the document inside its source, by which documents of several sources are paired;
    None if the reader does not name documents."""
    group: str | None = None
    """Name of the larger text that a named document belongs to, such as its chapter."""
    where: str
    """File and position, for messages: "speeches/1790.txt" or "articles.csv line 12"."""


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
    records: Iterable[tuple[str, Record]], text: str, domain: str | None = None
) -> Iterator[SourceDocument]:
    """Yield one document per record.

    Args:
        records: records with their places, as `relscale.text.formats.read_located` yields them.
        text: key of the text.
        domain: key of the domain; None if there is none.

    Raises:
        ValueError: naming file, line and key, if a key is missing or does not hold a string.
    """
    for where, record in records:
        yield SourceDocument(
            text=text_in(record, text, where, "`text` of the reader"),
            domain=text_in(record, domain, where, "`domain` of the reader") if domain else None,
            where=where,
        )
