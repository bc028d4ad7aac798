"""`relscale experiments`: the experiments of a checkout and their costs."""

from pathlib import Path
from typing import Annotated

import typer


def experiments(
    folder: Annotated[
        Path, typer.Option("--folder", help="The checkout that has the experiments.")
    ] = Path(),
) -> None:
    """List the experiments, each with a sentence and its cost; nothing runs."""
    from relscale.workflow.experiment_list import list_experiments, listing_text

    typer.echo(listing_text(list_experiments(folder)), nl=False)
