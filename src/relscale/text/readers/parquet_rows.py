"""Reader `parquet`: each row of a Parquet file is one document."""

from collections.abc import Iterator
from pathlib import Path

from relscale.config.readers import ParquetRows
from relscale.text.document_reader import DocumentReader, SourceDocument, record_documents
from relscale.text.formats import read_located


def _read(path: Path, where: str, settings: ParquetRows) -> Iterator[SourceDocument]:
    columns = [name for name in (settings.text, settings.domain) if name is not None]
    records = read_located(path, settings.member, columns)
    yield from record_documents(records, settings.text, settings.domain)


READER = DocumentReader(settings=ParquetRows, read=_read)
