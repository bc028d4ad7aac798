"""Build the losses table and the items table from the evaluations of single IsoFLOP curves."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from relscale.contract.check import check_columns


def gather_rows(paths: Sequence[Path], columns: Sequence[str], key: Sequence[str]) -> pa.Table:
    """Return the rows of several tables, sorted by their key.

    Args:
        paths: Parquet files.
        columns: the columns that each must have.
        key: the columns that identify a row.

    Raises:
        ValueError: naming the file and the columns, if a table has other columns; naming the row,
            if two rows have the same key.
    """
    tables = []
    for path in paths:
        table = pq.read_table(path)
        check_columns(str(path), table.column_names, columns)
        unknown = [name for name in table.column_names if name not in columns]
        if unknown:
            raise ValueError(f"{path}: unknown column(s) {', '.join(unknown)}")
        tables.append(table.select(list(columns)))
    whole = pa.concat_tables(tables).unify_dictionaries()
    # Sort by text: dictionary codes are in the order in which the words occurred.
    plain = pa.table({name: _without_dictionary(whole[name]) for name in key})
    order = pc.sort_indices(plain, sort_keys=[(name, "ascending") for name in key])
    _check_unique(plain.take(order), paths)
    return whole.take(order)


def _check_unique(keys: pa.Table, paths: Sequence[Path]) -> None:
    """Check that no two neighbouring rows of a sorted table are equal.

    Raises:
        ValueError: naming the first such row.
    """
    if len(keys) < 2:
        return
    first, *others = keys.column_names
    same = pc.equal(keys[first][1:], keys[first][:-1])
    for name in others:
        same = pc.and_(same, pc.equal(keys[name][1:], keys[name][:-1]))
    if pc.any(same).as_py():
        row = keys.slice(pc.index(same, True).as_py(), 1).to_pylist()[0]
        named = ", ".join(f"{name} {value!r}" for name, value in row.items())
        files = ", ".join(str(path) for path in paths[:8])
        raise ValueError(f"two rows have the same {named}, in {files}")


def _without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
