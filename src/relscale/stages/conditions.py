"""Stage `conditions`: laws of training conditions, over a corpus and its arms."""

from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.conditions import CONDITIONS
from relscale.laws.condition_table import fit_conditions
from relscale.laws.conditions_spec import ConditionsSpec
from relscale.runtime import run


def main(*, spec: ConditionsSpec, losses: Path, suite: Path, out: Path) -> None:
    """Read losses and the suite, fit the laws, write their table."""
    table = fit_conditions(read_table(losses, LOSSES_REQUIRED), read_table(suite), spec)
    write_table(table, out, CONDITIONS)


if __name__ == "__main__":
    run(main)
