"""Stage `explorer`: write the explorer of an experiment's losses and laws."""

from pathlib import Path

from relscale.contract.io import read_table, read_tables
from relscale.contract.law_tables import ABSOLUTE_COLUMNS, POINTS_COLUMNS, RELATIVE_COLUMNS
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.files import write_text
from relscale.pages.explorer import ExplorerTables, explorer_page
from relscale.pages.spec import ExplorerSpec
from relscale.runtime import run


def main(
    *,
    spec: ExplorerSpec,
    losses: Path,
    points: Path,
    absolute: Path,
    relative: Path,
    baselines: list[Path] | None = None,
    out: Path,
) -> None:
    """Read the tables and write the page; `baselines` are laws against other baselines."""
    tables = ExplorerTables(
        losses=read_table(losses, LOSSES_REQUIRED),
        points=read_table(points, POINTS_COLUMNS),
        absolute=read_table(absolute, ABSOLUTE_COLUMNS),
        relative=read_table(relative, RELATIVE_COLUMNS),
        baselines=read_tables(baselines, RELATIVE_COLUMNS) if baselines else None,
    )
    write_text(out, explorer_page(tables, spec))


if __name__ == "__main__":
    run(main)
