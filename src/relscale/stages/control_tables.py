"""Stage `control_tables`: gaps of controls, compared with the relative laws of the runs."""

from pathlib import Path

from relscale.contract.control_losses import CONTROL_COLUMNS, CONTROL_ITEMS_COLUMNS
from relscale.contract.io import read_table, read_tables, write_table
from relscale.contract.tables.control_slopes import CONTROL_SLOPES
from relscale.contract.tables.controls import CONTROLS
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.text_tables import CORPORA_COLUMNS
from relscale.controls.gaps import Controlled, control_table
from relscale.controls.reading import reading
from relscale.controls.slopes import run_texts, slope_table
from relscale.controls.spec import ControlsSpec
from relscale.files import write_text
from relscale.runtime import run


def main(
    *,
    spec: ControlsSpec,
    losses: list[Path],
    items: list[Path],
    relative: Path,
    optima: Path,
    corpora: Path,
    out_controls: Path,
    out_slopes: Path,
    out_reading: Path,
) -> None:
    """Read losses and items of the controls and laws of the runs; write two tables and a text."""
    controlled = Controlled(
        losses=read_tables(losses, CONTROL_COLUMNS),
        items=read_tables(items, CONTROL_ITEMS_COLUMNS),
        spec=spec,
    )
    texts = run_texts(read_table(optima, OPTIMA.names), read_table(corpora, CORPORA_COLUMNS))
    slopes = slope_table(controlled, read_table(relative, RELATIVE.names), texts)
    write_table(control_table(controlled), out_controls, CONTROLS)
    write_table(slopes, out_slopes, CONTROL_SLOPES)
    write_text(out_reading, reading(slopes, spec.level) + "\n")


if __name__ == "__main__":
    run(main)
