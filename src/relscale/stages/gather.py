"""Gather tables of one kind into one, row after row in the order given."""

import argparse
import csv
from pathlib import Path

from relscale.contract.law_tables import (
    ABSOLUTE_COLUMNS,
    ABSOLUTE_FITS_COLUMNS,
    BACKTEST_COLUMNS,
    DECOMPOSITION_COLUMNS,
    POINTS_COLUMNS,
    PREDICTIONS_COLUMNS,
    RELATIVE_COLUMNS,
    SURFACE_COLUMNS,
    TWO_STAGE_COLUMNS,
)
from relscale.files import replacing
from relscale.runtime import run
from relscale.training.curve import CURVE_COLUMNS

COLUMNS = {
    "points": POINTS_COLUMNS,
    "absolute": ABSOLUTE_COLUMNS,
    "absolute_fits": ABSOLUTE_FITS_COLUMNS,
    "surface": SURFACE_COLUMNS,
    "relative": RELATIVE_COLUMNS,
    "decomposition": DECOMPOSITION_COLUMNS,
    "two_stage": TWO_STAGE_COLUMNS,
    "predictions": PREDICTIONS_COLUMNS,
    "backtest": BACKTEST_COLUMNS,
    "curves": CURVE_COLUMNS,
}


def gather(paths: list[Path], columns: tuple[str, ...], out: Path) -> None:
    """Write the rows of several CSV tables, value for value, under one header.

    Raises:
        ValueError: naming the file whose columns are not those of its kind.
    """
    with replacing(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(columns)
        for path in paths:
            with path.open(newline="", encoding="utf-8") as handle:
                rows = csv.reader(handle)
                if (header := tuple(next(rows, ()))) != columns:
                    raise ValueError(
                        f"{path}: columns are {', '.join(header)}; they should be {', '.join(columns)}"
                    )
                writer.writerows(rows)


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True, choices=COLUMNS)
    parser.add_argument("--table", required=True, type=Path, nargs="+")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    gather(args.table, COLUMNS[args.kind], args.out)


if __name__ == "__main__":
    run(main)
