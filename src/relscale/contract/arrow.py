"""Arrow arrays to and from NumPy without `pyarrow.array` and `to_numpy`.

These two import pandas, which takes longer than scoring a tiny model.
"""

import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from relscale.files import replacing

_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def schema_of(row: type) -> pa.Schema:
    """Return the Arrow schema of a row's `TypedDict`: strings, integers, floats and booleans."""
    return pa.schema([(name, _TYPES[_plain(hint)]) for name, hint in get_type_hints(row).items()])


def _plain(hint: Any) -> Any:
    """Return a type without `| None`: every Arrow type has nulls."""
    if get_origin(hint) is types.UnionType:
        (hint,) = (kind for kind in get_args(hint) if kind is not type(None))
    return hint


def arrow_array(values: Sequence[Any] | np.ndarray, kind: pa.DataType) -> pa.Array:
    """Return an array of strings, booleans or numbers; None is null.

    Raises:
        ValueError: if the type is another one.
    """
    valid = np.array([value is not None for value in values], dtype=bool)
    nulls = int((~valid).sum())
    presence = pa.py_buffer(_bits(valid)) if nulls else None
    if pa.types.is_string(kind):
        encoded = [b"" if value is None else value.encode() for value in values]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
        np.cumsum([len(text) for text in encoded], out=offsets[1:])
        buffers = [presence, pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(encoded))]
        return pa.Array.from_buffers(kind, len(encoded), buffers, nulls)
    if nulls:
        values = [0 if value is None else value for value in values]
    if pa.types.is_boolean(kind):
        data = _bits(np.asarray(values, dtype=bool))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        data = np.asarray(values).astype(kind.to_pandas_dtype(), casting="same_kind").tobytes()
    else:
        raise ValueError(f"arrays of type {kind} are not supported")
    return pa.Array.from_buffers(kind, len(values), [presence, pa.py_buffer(data)], nulls)


def _bits(flags: np.ndarray) -> bytes:
    return np.packbits(flags, bitorder="little").tobytes()


def arrow_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return a table of rows that have a value, or None, for each field of a schema."""
    return pa.Table.from_arrays(
        [arrow_array([row[field.name] for row in rows], field.type) for field in schema],
        schema=schema,
    )


def numpy_array(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Return the values of a column of numbers or booleans without nulls."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    assert not array.null_count
    _, data = array.buffers()
    if pa.types.is_boolean(array.type):
        bits = (
            np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little").astype(bool)
            if data
            else np.empty(0, dtype=bool)
        )
    else:
        bits = (
            np.frombuffer(data, dtype=array.type.to_pandas_dtype())
            if data
            else np.empty(0, dtype=array.type.to_pandas_dtype())
        )
    return bits[array.offset : array.offset + len(array)]


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one Parquet file; nothing is inferred from the names of its folders.

    Raises:
        ValueError: naming the file, if it is missing, cut, or not Parquet.
    """
    try:
        with pq.ParquetFile(path) as file:
            return file.read(columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path}: not a readable Parquet table: {reason}") from None


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table, whole or not at all."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
