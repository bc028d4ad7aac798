"""`relscale explain`: the origin of a file of the results, or of a number in its tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relscale.cli.options import Checkout, Overlays

if TYPE_CHECKING:
    from relscale.contract.column_meanings import Meanings
    from relscale.provenance.explain import Origins
    from relscale.provenance.number_search import Cell

MOST_CELLS, MOST_TABLES = 20, 3
"""Matches that are listed, and tables whose jobs are explained."""


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
    itself. If the matches are in at most three tables, the jobs of the tables follow.
    """
    from relscale.provenance.explain import Origins
    from relscale.provenance.number_search import cell_at, number, search, tables_of

    origins = Origins(folder=folder, overlays=overlays or ())
    shown = number(target)
    if shown is not None and not Path(target).exists():
        cells = list(search(tables_of(folder, experiment), shown))
        typer.echo(_cells_text(cells, target, folder), nl=False)
        if not cells:
            raise typer.Exit(1)
        _explain_tables(cells, origins)
        return
    parts = target.rsplit(":", 2)
    if len(parts) == 3 and not Path(target).exists():
        cell = cell_at(Path(parts[0]), parts[1], parts[2])
        typer.echo(_cells_text([cell], target, folder), nl=False)
        _explain_tables([cell], origins)
        return
    if not Path(target).exists():
        raise ValueError(f"{target}: is not a file, not FILE:ROW:COLUMN and not a number")
    typer.echo(origins.of(Path(target)), nl=False)


def _explain_tables(cells: "list[Cell]", origins: "Origins") -> None:
    """Print the origin of the tables of some cells, if they are few and results of a workflow."""
    tables = dict.fromkeys((cell.path, cell.values.get("family", "")) for cell in cells)
    if len(tables) > MOST_TABLES:
        typer.echo(f"\nThe cells are in {len(tables)} tables and families, too many to explain.")
        return
    for path, family in tables:
        if origins.is_result(path):
            typer.echo(f"\n{origins.of(path, family)}", nl=False)
        else:
            typer.echo(f"\n{path} is not a result of the workflow, so no job made it.")


def _cells_text(cells: "list[Cell]", target: str, folder: Path) -> str:
    """List cells: table, row, column, value, the key of the row, meaning of the column."""
    from relscale.contract.column_meanings import REFERENCE, read_meanings
    from relscale.workflow.project import project_folder

    if not cells:
        return f"No cell of the tables in {folder.resolve()} rounds to {target}.\n"
    try:
        meanings = read_meanings(project_folder() / REFERENCE)
    except ValueError:  # an installation without the files of the workflow
        meanings = {}
    lines = [] if len(cells) == 1 else [f"{len(cells)} cells round to {target}:", ""]
    for cell in cells[:MOST_CELLS]:
        lines += _cell_lines(cell, meanings)
    if len(cells) > MOST_CELLS:
        lines.append(
            f"and {len(cells) - MOST_CELLS} more; give more digits, or an experiment with "
            "--experiment"
        )
    if len(cells) > 1:
        lines += ["", "`relscale explain FILE:ROW:COLUMN` explains one of them."]
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
