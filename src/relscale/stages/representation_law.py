"""Stage `representation_law`: gaps in corpora that differ in the shares of two domains' text."""

from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.representation import REPRESENTATION
from relscale.laws.representation import fit_representation
from relscale.laws.spec import RepresentationSpec
from relscale.runtime import run


def main(
    *, spec: RepresentationSpec, losses: Path, items: Path, optimum_losses: Path, out: Path
) -> None:
    """Read losses and items, compare the corpora, write the table."""
    table = fit_representation(
        read_table(losses, LOSSES_REQUIRED),
        spec,
        items=read_table(items),
        optimum_losses=read_table(optimum_losses, LOSSES_REQUIRED),
        where=str(losses),
    )
    write_table(table, out, REPRESENTATION)


if __name__ == "__main__":
    run(main)
