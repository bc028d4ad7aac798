"""Gather tables of one kind into one, in the order given."""

from pathlib import Path

from relscale.contract.concatenate import concatenate_csv
from relscale.contract.law_tables import FAMILY_TABLES
from relscale.runtime import run
from relscale.training.curve import CURVE_COLUMNS

COLUMNS = {table.name: table.names for table in FAMILY_TABLES} | {"training_curves": CURVE_COLUMNS}
"""Columns of each kind of table."""


def main(*, kind: str, table: list[Path], out: Path) -> None:
    """Write one table of a kind.

    Raises:
        ValueError: if the kind is not known.
    """
    if kind not in COLUMNS:
        raise ValueError(f"--kind {kind!r}: not known; the choices are {', '.join(COLUMNS)}")
    concatenate_csv(table, COLUMNS[kind], out)


if __name__ == "__main__":
    run(main)
