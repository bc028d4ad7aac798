"""The files of a corpus's documents: Parquet with the columns component, document and text."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from relscale.files import replacing

SCHEMA = pa.schema([("component", pa.int32()), ("document", pa.string()), ("text", pa.string())])
"""Index of the component in the corpus; hash of the document (16 hexadecimal digits); its text."""
_ROWS_PER_GROUP = 4096
_CHARACTERS_PER_GROUP = 32_000_000


class DocumentRow(Protocol):
    """The fields of a document that are written."""

    @property
    def component(self) -> int:
        """Index of its component in the corpus, counted from 0."""

    @property
    def document(self) -> str:
        """Its hash."""

    @property
    def text(self) -> str:
        """Its text."""


def write_documents(documents: Iterable[DocumentRow], path: Path) -> None:
    """Write documents in order; the same documents give the same bytes.

    Memory is that of one row group.
    """
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer,
    ):
        for some in _groups(documents):
            columns = {name: [getattr(one, name) for one in some] for name in SCHEMA.names}
            writer.write_table(pa.table(columns, schema=SCHEMA))


def _groups(documents: Iterable[DocumentRow]) -> Iterator[list[DocumentRow]]:
    """Yield groups of documents that are limited both in number and in characters."""
    some: list[DocumentRow] = []
    characters = 0
    for one in documents:
        some.append(one)
        characters += len(one.text)
        if len(some) == _ROWS_PER_GROUP or characters >= _CHARACTERS_PER_GROUP:
            yield some
            some, characters = [], 0
    if some:
        yield some


def read_batches(path: Path, batch_size: int = 1024) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file of documents in batches; memory is that of a few batches.

    Raises:
        ValueError: naming the file, if it is not a file of documents.
    """
    try:
        with pq.ParquetFile(path) as table:
            if table.schema_arrow.names != SCHEMA.names:
                raise ValueError(
                    f"{path}: has columns {', '.join(table.schema_arrow.names)}; they must be"
                    f" {', '.join(SCHEMA.names)}"
                )
            # Group by group: one iterator over all groups would hold more memory with each group.
            for group in range(table.num_row_groups):
                yield from table.iter_batches(batch_size=batch_size, row_groups=[group])
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: not a Parquet file of documents: {error}") from error
