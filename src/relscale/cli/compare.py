"""`relscale compare`: two models, runs or corpora on the same items."""

from pathlib import Path
from typing import Annotated, Any

import typer

from relscale.cli.options import BASE, Base, Downloads, Limit, MaxLength, Sources, with_options
from relscale.compare.spec import CompareSettings


@with_options(CompareSettings)
def compare(
    out: Annotated[Path, typer.Option(help="Folder for tables, JSON, summary and figure.")],
    tables: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Two items tables (CSV, Parquet, or the folders that `relscale evaluate` wrote), "
            "or one that has both sides."
        ),
    ] = None,
    a: Annotated[
        str | None,
        typer.Option(
            "--a",
            help="Run of side a (`CORPUS/RUN` if corpora share its name), or `corpus:NAME` for all "
            "runs of a corpus.",
        ),
    ] = None,
    b: Annotated[str | None, typer.Option("--b", help="The same for side b.")] = None,
    model_a: Annotated[
        str | None,
        typer.Option(
            "--model-a", help="Evaluate this model first: a folder, or a Hub id; needs --family."
        ),
    ] = None,
    model_b: Annotated[str | None, typer.Option("--model-b", help="The same for side b.")] = None,
    name_a: Annotated[
        str | None, typer.Option("--name-a", help="Name of side a in tables and figure.")
    ] = None,
    name_b: Annotated[str | None, typer.Option("--name-b", help="The same for side b.")] = None,
    losses_a: Annotated[
        Path | None,
        typer.Option(
            "--losses-a", help="Losses table of side a; the default is in the folder of its items."
        ),
    ] = None,
    losses_b: Annotated[
        Path | None, typer.Option("--losses-b", help="The same for side b.")
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(help="Table with `item` and `text`; writes texts into worst_documents.csv."),
    ] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option(help="Overlay of config.yaml, for models; may be repeated."),
    ] = None,
    base: Base = BASE,
    sources: Sources = None,
    downloads: Downloads = None,
    max_length: MaxLength = None,
    limit: Limit = None,
    **settings: Any,
) -> None:
    """Compare two models, runs or corpora on the same items, and print a summary."""
    from relscale.compare.run import compare as compare_items
    from relscale.contract.out_paths import check_out_folder

    check_out_folder(out)
    given = list(tables or [])
    if model_a or model_b:
        from relscale.cli.compared_models import Models, evaluated

        if given or a or b:
            raise ValueError("--model-a and --model-b replace the tables, --a and --b")
        given = evaluated(
            Models(
                paths=(model_a, model_b),
                families=tuple(settings["family"]),
                overlays=tuple(config or ()),
                base=base,
                sources=sources,
                downloads=downloads,
                max_length=max_length,
                limit=limit,
            ),
            out,
        )
    if not 1 <= len(given) <= 2:
        raise ValueError(
            f"{len(given)} table(s) are given: give two items tables, one with --a and --b, or "
            "--model-a, --model-b and --family"
        )
    found = compare_items(
        given[0],
        given[1] if len(given) == 2 else None,
        choose=(a, b),
        names=(name_a, name_b),
        losses=(losses_a, losses_b),
        texts=texts,
        out=out,
        **settings,
    )
    typer.echo(found.summary(), nl=False)
