"""Reader `domain_folders`: one folder per domain, which holds plain text files or records."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from relscale.config.readers import DomainFolders
from relscale.text.compressed_files import content_name
from relscale.text.document_reader import DocumentReader, SourceDocument, record_documents
from relscale.text.formats import OTHER_RECORDS, endings, read_located, read_text
from relscale.text.source_files import folder_at

RECORD_ENDINGS = (".jsonl", ".json", ".csv", ".parquet")
"""Endings of the files that hold records; each other file is one document."""


def _read(path: Path, where: str, settings: DomainFolders) -> Iterator[SourceDocument]:
    domain = folder_at(where, settings.level)
    name = content_name(path, settings.member)
    if name.endswith(OTHER_RECORDS):
        raise ValueError(
            f"{path}: records in an unknown format; the endings that can be read are {endings()}"
        )
    if not name.endswith(RECORD_ENDINGS):
        yield SourceDocument(text=read_text(path, settings.member), domain=domain, where=where)
        return
    records = read_located(path, settings.member)
    for document in record_documents(records, settings.text):
        yield replace(document, domain=domain)


READER = DocumentReader(settings=DomainFolders, read=_read)
