"""The files of a corpus's documents: Parquet with the columns component, document and text."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from relscale.files import replacing

SCHEMA = pa.schema([("component", pa.int32()), ("document", pa.string()), ("text", pa.string())])
"""Place of the component in the mixture; hash of the document (16 hexadecimal digits); its text."""
_ROWS_PER_GROUP = 4096
_CHARACTERS_PER_GROUP = 32_000_000


class Row(Protocol):
    """What is written of a document."""

    @property
    def component(self) -> int:
        """Place of its component in the mixture, from 0."""

    @property
    def document(self) -> str:
        """Its hash."""

    @property
    def text(self) -> str:
        """Its text."""


def write_documents(documents: Iterable[Row], path: Path) -> None:
    """Write documents in order: the same documents, the same bytes. Memory is that of one group of
    rows."""
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer,
    ):
        for some in _groups(documents):
            columns = {name: [getattr(one, name) for one in some] for name in SCHEMA.names}
            writer.write_table(pa.table(columns, schema=SCHEMA))


def _groups(documents: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield documents so many at a time that a group is neither long nor large, whatever their
    lengths."""
    some: list[Row] = []
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
    """Yield the rows of such a file in batches; memory stays that of a few batches.

    Raises:
        ValueError: naming the file, where it is no such file.
    """
    try:
        with pq.ParquetFile(path) as table:
            if table.schema_arrow.names != SCHEMA.names:
                raise ValueError(
                    f"{path}: columns {', '.join(table.schema_arrow.names)}; they must be {', '.join(SCHEMA.names)}"
                )
            for group in range(
                table.num_row_groups
            ):  # of all groups at once, it would hold more with each
                yield from table.iter_batches(batch_size=batch_size, row_groups=[group])
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: not a Parquet file of documents: {error}") from error
