"""`relscale explain`: the origin of a file of the results, or of a number in its tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relscale.cli.options import Checkout, Overlays

if TYPE_CHECKING:
    from relscale.contract.column_meanings import Meanings
    from relscale.provenance.number_search import Cell

MOST_CELLS = 20
"""Matches that are listed; further ones are counted."""


def explain(
    target: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER_OR_FILE",
            help="A file of the results; a cell, FILE:ROW:COLUMN (rows count from 1 after the "
            "header); or a number as it is printed, such as -0.0135.",
        ),
    ],
    overlays: Overlays = None,
    folder: Checkout = Path(),
    experiment: Annotated[
        str, typer.Option(help="Search a number in the tables of this experiment only.")
    ] = "",
) -> None:
    """Say where a result comes from: its job, inputs, settings, code, log and time.

    A number is searched in the tables of all experiments; a folder without `results/` is searched
    itself. If all matches are in one table, the job of the table follows.
    """
    from relscale.provenance.number_search import cell_at, number, search, tables_of

    shown = number(target)
    if shown is not None and not Path(target).exists():
        cells = list(search(tables_of(folder, experiment), shown))
        typer.echo(_cells_text(cells, target, folder), nl=False)
        if not cells:
            raise typer.Exit(1)
        if len({cell.path for cell in cells}) == 1:
            families = {cell.values.get("family", "") for cell in cells}
            _explain_table(
                cells[0].path, overlays, folder, families.pop() if len(families) == 1 else ""
            )
        return
    parts = target.rsplit(":", 2)
    if len(parts) == 3 and not Path(target).exists():
        cell = cell_at(Path(parts[0]), parts[1], parts[2])
        typer.echo(_cells_text([cell], target, folder), nl=False)
        _explain_table(cell.path, overlays, folder, cell.values.get("family", ""))
        return
    if not Path(target).exists():
        raise ValueError(f"{target}: is not a file, not FILE:ROW:COLUMN and not a number")
    typer.echo(_file_text(Path(target), overlays, folder, ""), nl=False)


def _explain_table(path: Path, overlays: list[Path] | None, folder: Path, family: str) -> None:
    """Print the origin of a table, if it is in the results of a checkout."""
    from relscale.provenance.explain import experiment_of, inside

    try:
        is_result = bool(experiment_of(inside(path, folder)))
    except ValueError:
        is_result = False
    if is_result:
        typer.echo()
        typer.echo(_file_text(path, overlays, folder, family), nl=False)
    else:
        typer.echo(f"\n{path} is not a result of the workflow, so no job made it.")


def _file_text(path: Path, overlays: list[Path] | None, folder: Path, family: str) -> str:
    from relscale.provenance.explain import (
        Workflow,
        experiment_of,
        explain_file,
        inside,
        overlays_of,
    )

    name = inside(path, folder)
    experiment = experiment_of(name)
    if not overlays and not experiment:
        raise ValueError(
            f"{name}: is not in the results of one experiment; name the overlays of an experiment "
            "that uses it after the file (config.yaml: the default experiment)"
        )
    found = overlays or overlays_of(experiment, folder)
    found = [path for path in found if path.name != "config.yaml"]
    return explain_file(name, Workflow.read(folder, found), family)


def _cells_text(cells: "list[Cell]", target: str, folder: Path) -> str:
    """List cells: table, row, column, value, the key of the row, meaning of the column."""
    from relscale.contract.column_meanings import REFERENCE, read_meanings
    from relscale.workflow.project import project_folder

    meanings = read_meanings(project_folder() / REFERENCE)
    if not cells:
        return f"No cell of the tables in {folder.resolve()} rounds to {target}.\n"
    lines = [] if len(cells) == 1 else [f"{len(cells)} cells round to {target}:", ""]
    for cell in cells[:MOST_CELLS]:
        lines += _cell_lines(cell, meanings)
    if len(cells) > MOST_CELLS:
        lines.append(
            f"and {len(cells) - MOST_CELLS} more; give more digits, or an experiment with "
            "--experiment"
        )
    if len(cells) > 1:
        lines.append("`relscale explain FILE:ROW:COLUMN` explains one of them.")
    return "\n".join(lines) + "\n"


def _cell_lines(cell: "Cell", meanings: "Meanings") -> list[str]:
    known = meanings.get(cell.path.name, {}).get(cell.column)
    unit = f" (unit: {known.unit})" if known and known.unit else ""
    lines = [
        f"{cell.path}:{cell.row}:{cell.column}  =  {cell.text}",
        "  row      " + ", ".join(f"{name} {value}" for name, value in cell.key().items()),
    ]
    meaning = known.meaning if known else "docs/reference/tables.md does not describe it"
    return [*lines, f"  column   {cell.column}{unit}: {meaning}"]
