"""Reader `csv`: each row of a CSV file is one document."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from relscale.config.readers import CsvRows
from relscale.text.document_reader import DocumentReader, SourceDocument, record_documents
from relscale.text.formats import read_located


def _read(path: Path, where: str, settings: CsvRows) -> Iterator[SourceDocument]:
    records = read_located(path, settings.member)
    for document in record_documents(records, settings.text, settings.domain):
        if settings.domain_is_host and document.domain:
            document = replace(document, domain=host_of(document.domain))
        yield document


def host_of(address: str) -> str:
    """Return the host name of a web address, in lower case and without a leading "www."."""
    return (urlsplit(address.strip()).hostname or "").removeprefix("www.")


READER = DocumentReader(settings=CsvRows, read=_read)
