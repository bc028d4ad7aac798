"""`relscale evaluate`: one model on one family."""

from pathlib import Path
from typing import Annotated

import typer

from relscale.cli.options import BASE, Base, Downloads, Limit, MaxLength, Sources


def evaluate(
    model: Annotated[str, typer.Option(help="A folder in the Hugging Face layout, or a Hub id.")],
    family: Annotated[str, typer.Option(help="Family of the configuration.")],
    out: Annotated[Path, typer.Option(help="Folder for losses, items, record and summary.")],
    revision: Annotated[
        str | None, typer.Option(help="Revision on the Hub, preferably a full commit.")
    ] = None,
    config: Annotated[
        list[Path] | None, typer.Option(help="Overlay of config.yaml; may be repeated.")
    ] = None,
    base: Base = BASE,
    sources: Sources = None,
    downloads: Downloads = None,
    max_length: MaxLength = None,
    limit: Limit = None,
) -> None:
    """Evaluate one model on one family, write the tables and a summary, and print the summary."""
    from relscale.config.load import load_experiment
    from relscale.contract.out_paths import check_out_folder
    from relscale.released.standalone import evaluate_by_hand

    check_out_folder(out)
    experiment = load_experiment(base, *(config or []))
    if downloads is not None:
        experiment = experiment.model_copy(update={"downloads": downloads})
    found = evaluate_by_hand(
        experiment,
        family,
        model,
        revision=revision,
        sources=sources or out / "sources",
        max_length=max_length,
        limit=limit,
    )
    found.write(out)
    typer.echo(found.summary(), nl=False)
