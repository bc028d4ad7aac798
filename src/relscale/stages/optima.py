"""Stage `optima`: compute-optimal point of every corpus and budget."""

from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.optima import OPTIMA
from relscale.laws.optima_table import find_optima
from relscale.laws.spec import OptimaSpec
from relscale.runtime import run


def main(*, spec: OptimaSpec, losses: Path, out: Path) -> None:
    """Read losses, find the optima, write their table."""
    write_table(find_optima(read_table(losses, LOSSES_REQUIRED), spec), out, OPTIMA)


if __name__ == "__main__":
    run(main)
