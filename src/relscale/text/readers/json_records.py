"""Reader `json`: each record of a JSON or JSON Lines file is one document."""

from collections.abc import Iterator
from pathlib import Path

from relscale.config.readers import JsonRecords
from relscale.text.document_reader import DocumentReader, SourceDocument, record_documents
from relscale.text.formats import read_located


def _read(path: Path, where: str, settings: JsonRecords) -> Iterator[SourceDocument]:
    records = read_located(path, settings.member)
    yield from record_documents(records, settings.text, settings.domain)


READER = DocumentReader(settings=JsonRecords, read=_read)
