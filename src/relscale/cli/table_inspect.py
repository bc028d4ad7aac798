"""`relscale table inspect`: the layout of a table of losses, and a mapping to edit."""

from pathlib import Path
from typing import Annotated

import typer


def inspect_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Table of losses: CSV, Parquet or JSON lines, with a row per run (and domain).",
        ),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(help="File to which the mapping is written, as YAML to edit."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a mapping that is there already.")
    ] = False,
) -> None:
    """Describe the layout of a table of losses, and write a mapping to edit."""
    from relscale.contract.out_paths import check_out_file
    from relscale.files import write_text
    from relscale.losses_table.proposal.inspection import inspect_table

    if mapping is not None:
        check_out_file(mapping, "--mapping")
    if mapping is not None and mapping.exists() and not force:
        raise ValueError(f"{mapping}: is there already; add --force to replace it")
    found = inspect_table(file)
    if mapping is not None:
        write_text(mapping, found.mapping())
    typer.echo(found.report(mapping), nl=False)
