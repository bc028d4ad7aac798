"""Stage `explorer`: write the explorer of an experiment's losses and laws."""

from pathlib import Path

from relscale.contract.io import read_table, read_tables
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.contrasts import CONTRASTS
from relscale.contract.tables.points import POINTS
from relscale.contract.tables.relative import RELATIVE
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
    contrasts: Path | None = None,
    out: Path,
) -> None:
    """Read the tables and write the page; `baselines` are laws against other baselines."""
    tables = ExplorerTables(
        losses=read_table(losses, LOSSES_REQUIRED),
        points=read_table(points, POINTS.names),
        absolute=read_table(absolute, ABSOLUTE.names),
        relative=read_table(relative, RELATIVE.names),
        baselines=read_tables(baselines, RELATIVE.names) if baselines else None,
        contrasts=read_table(contrasts, CONTRASTS.names) if contrasts else None,
    )
    write_text(out, explorer_page(tables, spec))


if __name__ == "__main__":
    run(main)
