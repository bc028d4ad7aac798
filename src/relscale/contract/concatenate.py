"""Concatenating CSV tables of one kind without parsing their values. Light imports."""

import csv
from collections.abc import Sequence
from pathlib import Path

from relscale.files import replacing


def concatenate_csv(paths: Sequence[Path], columns: Sequence[str], out: Path) -> None:
    """Write the rows of several CSV tables under one header, in the order given.

    Args:
        paths: the tables.
        columns: the columns that each must have, in order.
        out: the table to write.

    Raises:
        ValueError: naming the file whose columns differ.
    """
    with replacing(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(columns)
        for path in paths:
            with path.open(newline="", encoding="utf-8") as handle:
                rows = csv.reader(handle)
                if (header := tuple(next(rows, ()))) != tuple(columns):
                    raise ValueError(
                        f"{path}: the columns are {', '.join(header)}; they must be "
                        f"{', '.join(columns)}"
                    )
                writer.writerows(rows)
