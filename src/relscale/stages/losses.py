"""Put evaluations together: the losses and the items of a family, or of all families."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from relscale.contract.check import check_columns
from relscale.contract.io import write_table
from relscale.contract.losses import ITEMS_COLUMNS, LOSSES_COLUMNS
from relscale.files import replacing
from relscale.runtime import run

LOSSES_KEY = ("corpus", "family", "metric", "domain", "run")
"""What a row of the losses is known by, and their order."""
ITEMS_KEY = ("corpus", "family", "metric", "domain", "run", "item")
"""The same for items."""


def put_together(paths: Sequence[Path], columns: Sequence[str], key: Sequence[str]) -> pa.Table:
    """Return the rows of several tables in the order of their key.

    Raises:
        ValueError: naming the file and the columns, where one has others than it should, or two
            rows have the same key.
    """
    tables = []
    for path in paths:
        table = pq.read_table(path)
        check_columns(str(path), table.column_names, columns)
        unknown = [name for name in table.column_names if name not in columns]
        if unknown:
            raise ValueError(
                f"{path}: column(s) {', '.join(unknown)} are not in the table's contract (records.py)"
            )
        tables.append(table.select(list(columns)))
    whole = pa.concat_tables(tables).unify_dictionaries()
    # Sorting goes by text: the codes of a dictionary stand in the order in which words were met.
    plain = pa.table({name: _plain(whole[name]) for name in key})
    order = pc.sort_indices(plain, sort_keys=[(name, "ascending") for name in key])
    plain = plain.take(order)
    if len(plain) > 1:
        same = pc.equal(plain[key[0]][1:], plain[key[0]][:-1])
        for name in key[1:]:
            same = pc.and_(same, pc.equal(plain[name][1:], plain[name][:-1]))
        if pc.any(same).as_py():
            row = plain.slice(pc.index(same, True).as_py(), 1).to_pylist()[0]
            files = ", ".join(str(path) for path in paths[:8])
            raise ValueError(
                f"two rows have the same {', '.join(f'{name} {value!r}' for name, value in row.items())}, in {files}"
            )
    return whole.take(order)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--losses", required=True, type=Path, nargs="+")
    parser.add_argument("--items", required=True, type=Path, nargs="+")
    parser.add_argument("--out-losses", required=True, type=Path)
    parser.add_argument("--out-items", required=True, type=Path)
    parser.add_argument("--out-csv", type=Path, help="the losses as CSV, too")
    args = parser.parse_args(argv)
    losses = put_together(args.losses, LOSSES_COLUMNS, LOSSES_KEY)
    items = put_together(args.items, ITEMS_COLUMNS, ITEMS_KEY)
    for table, path in ((losses, args.out_losses), (items, args.out_items)):
        with replacing(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
    if args.out_csv:
        write_table(losses.to_pandas(), args.out_csv, LOSSES_COLUMNS)


if __name__ == "__main__":
    run(main)
