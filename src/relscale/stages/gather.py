"""Gather tables of one kind into one, in the order given."""

from pathlib import Path

from relscale.contract.concatenate import concatenate_csv
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
