"""`relscale init`: a folder in which the workflow runs."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write; must be new or empty.")],
) -> None:
    """Write the rules, the default configuration and the experiments to a new folder.

    For an installed package; a checkout has these files already.
    """
    from relscale.workflow.project import write_project

    write_project(folder)
    typer.echo(
        f"{folder}: config.yaml is the default experiment, experiments/ has others.\n"
        f"  cd {folder}\n"
        "  relscale plan experiments/tiny.yaml\n"
        "  relscale run experiments/tiny.yaml"
    )
