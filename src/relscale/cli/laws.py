"""`relscale laws`: laws of any table of losses."""

from pathlib import Path
from typing import Annotated, Any

import typer

from relscale.cli.options import with_options
from relscale.config.analysis import FitSettings, TwoStageAxes


@with_options(FitSettings, TwoStageAxes)
def laws(
    losses: Annotated[
        Path, typer.Option(help="Losses table, CSV or Parquet (columns: docs/reference/tables.md).")
    ],
    family: Annotated[str, typer.Option(help="Family whose domains are compared.")],
    baseline: Annotated[str, typer.Option(help="Domain that the others are compared with.")],
    out: Annotated[Path, typer.Option(help="Folder for the law tables.")],
    items: Annotated[
        Path | None,
        typer.Option(help="Items table; adds the noise of evaluation items to the intervals."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Metric to fit; may be repeated, the summary shows the first."),
    ] = None,
    higher_is_better: Annotated[
        list[str] | None,
        typer.Option(help="A metric, not known, whose larger values are better; may be repeated."),
    ] = None,
    lower_is_better: Annotated[
        list[str] | None,
        typer.Option(help="A metric, not known, whose smaller values are better; may be repeated."),
    ] = None,
    chance: Annotated[
        float | None, typer.Option(help="Accuracy of guessing, for the two-stage law.")
    ] = None,
    outside_models: Annotated[
        Path | None,
        typer.Option(
            help="Table of models that are not runs of the suite (name, compute, loss, accuracy; "
            "params, tokens), compared with the two-stage law's predictions."
        ),
    ] = None,
    covariates: Annotated[
        Path | None,
        typer.Option(help="Table (domain, value) to correlate with the slopes."),
    ] = None,
    at: Annotated[
        list[float] | None,
        typer.Option(
            help="Also predict losses, gaps and, with --chance, accuracies at this compute in "
            "FLOPs, on the path; may be repeated."
        ),
    ] = None,
    params: Annotated[
        float | None,
        typer.Option(
            help="Predict a model with this number of parameters (with --tokens or --at)."
        ),
    ] = None,
    tokens: Annotated[
        float | None,
        typer.Option(help="Predict a model with this number of tokens (with --params or --at)."),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            help="Path of the predictions: optimal, observed, fixed_ratio:20, fixed_tokens:1e10, "
            "fixed_params:1e9; the default is that of the law."
        ),
    ] = None,
    beyond: Annotated[
        bool,
        typer.Option("--beyond", help="Also predict models outside the sizes and tokens trained."),
    ] = False,
    **settings: Any,
) -> None:
    """Fit absolute and relative laws to any table of losses, and print a summary."""
    from relscale.laws.predict import Request
    from relscale.laws.run import fit_laws

    request = Request(at=tuple(at or ()), params=params, tokens=tokens, path=path, beyond=beyond)
    if request.is_empty and (path is not None or beyond):
        raise ValueError("--path and --beyond are for predictions: add --at with the compute")
    found = fit_laws(
        losses,
        request=None if request.is_empty else request,
        items=items,
        covariates=covariates,
        outside_models=outside_models,
        out=out,
        family=family,
        baseline=baseline,
        metrics=tuple(metric or ["bits_per_byte"]),
        higher_is_better=tuple(higher_is_better or ()),
        lower_is_better=tuple(lower_is_better or ()),
        chance=chance,
        **settings,
    )
    typer.echo(found.summary(), nl=False)
