"""Read the records of Parquet files."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relscale.text.compressed_files import check_no_pointer, is_archive, open_binary
from relscale.text.json_values import repeated

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 256


def parquet_rows(
    path: Path, member: str | None, columns: Sequence[str] | None, skip: int = 0
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a Parquet file with their numbers, counted from 1.

    Text that was written without the mark of UTF-8 (columns of type binary) is decoded; bytes that
    are not UTF-8 stay bytes. Row groups before `skip` are not read.

    Args:
        path: the file, or a zip archive with it.
        member: name of the file inside a zip archive.
        columns: columns to read; all if None.
        skip: number of rows to leave out at the beginning.

    Raises:
        ValueError: naming the file, and the row if it is known, if a column is missing or occurs
            twice, or the file cannot be read.
    """
    import pyarrow as pa  # slow to import
    import pyarrow.parquet as pq

    try:
        with ExitStack() as stack:
            source: Any = path
            if is_archive(path):
                source = pa.BufferReader(stack.enter_context(open_binary(path, member)).read())
            else:
                check_no_pointer(path)
            table = stack.enter_context(pq.ParquetFile(source))
            schema = table.schema_arrow
            _check_columns(path, schema.names, columns)
            has_bytes = any("binary" in str(kind) for kind in schema.types)
            before = 0
            for group in range(table.num_row_groups):
                num_rows = table.metadata.row_group(group).num_rows
                if before + num_rows <= skip:
                    before += num_rows
                    continue
                for batch in table.iter_batches(
                    batch_size=_BATCH_ROWS, row_groups=[group], columns=columns
                ):
                    start = max(0, skip - before)
                    rows = _rows(path, batch, before) if start < len(batch) else []
                    for number, row in enumerate(rows[start:], start=before + start + 1):
                        yield number, _decoded(row) if has_bytes else row
                    before += len(batch)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable Parquet file: {error}") from error


def _check_columns(path: Path, names: Sequence[str], columns: Sequence[str] | None) -> None:
    missing = [name for name in columns or () if name not in names]
    if missing:
        raise ValueError(f"{path}: no column {missing[0]!r}; the choices are {', '.join(names)}")
    twice = repeated(name for name in names if columns is None or name in columns)
    if twice is not None:
        raise ValueError(f"{path}: the column {twice!r} occurs twice")


def _rows(path: Path, batch: "pa.RecordBatch", before: int) -> list[dict[str, Any]]:
    """Return the rows of a batch, before which the file has some others.

    Raises:
        ValueError: naming the row, if a value cannot be read.
    """
    try:
        return list(batch.to_pylist())
    except (ValueError, OverflowError):
        for index in range(len(batch)):
            try:
                batch.slice(index, 1).to_pylist()
            except (ValueError, OverflowError) as error:
                raise ValueError(
                    f"{path} record {before + index + 1}: cannot be read: {error}"
                ) from None
        raise


def _decoded(value: Any) -> Any:
    """Return a value in which bytes that are UTF-8 are text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if isinstance(value, list):
        return [_decoded(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _decoded(inner) for key, inner in value.items()}
    return value
