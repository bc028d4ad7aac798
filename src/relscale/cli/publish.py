"""`relscale publish`: one folder per trained model."""

from pathlib import Path
from typing import Annotated

import typer

from relscale.cli.options import Checkout, Overlays


def publish(
    out: Annotated[Path, typer.Option(help="Folder for the model folders.")],
    licence: Annotated[
        str,
        typer.Option(
            help="Licence of the weights, as the Hub names it (apache-2.0); it must be compatible "
            "with the licences of the training text."
        ),
    ],
    overlays: Overlays = None,
    folder: Checkout = Path(),
    upload: Annotated[
        str | None, typer.Option(help="Also upload to this owner; needs a token in HF_TOKEN.")
    ] = None,
    public: Annotated[bool, typer.Option(help="Create public repositories.")] = False,
) -> None:
    """Write one folder per run with weights, model card, record and evaluations.

    The tables of losses and items are written to the folder `dataset`, with Croissant metadata.
    `models.csv` lists the models for an experiment with a section `released`.
    Nothing is uploaded without --upload.
    """
    import relscale
    from relscale.files import write_text
    from relscale.hub import check_licence, runs_to_publish
    from relscale.hub import publish as write
    from relscale.hub import upload as send
    from relscale.provenance.archive import CERTIFICATE
    from relscale.provenance.certificate import NAME
    from relscale.provenance.checkout import verified, write_certificate
    from relscale.provenance.croissant import DatasetFacts, write_dataset
    from relscale.released.models_table import PUBLISHED_TABLE, published_models, released_csv

    check_licence(licence)
    experiment, findings = verified(overlays or [], folder)
    results = f"results/{experiment.experiment}"
    runs = runs_to_publish(findings, results)
    folders, without = write(experiment.experiment, runs, folder / results, out, licence)
    for line in without:
        typer.echo(line)
    if folders:
        models = published_models(experiment.experiment, folders)
        write_text(out / PUBLISHED_TABLE, released_csv(models))
    typer.echo(f"{len(folders)} of {len(runs)} runs in {out}")
    about = DatasetFacts(
        experiment=experiment.experiment, version=relscale.__version__, licence=licence
    )
    write_dataset(about, folder / results / "tables", out / "dataset")
    typer.echo(f"losses and items in {out / 'dataset'}")
    try:
        write_certificate(experiment.experiment, findings, folder, out / CERTIFICATE)
    except ValueError as error:
        (out / CERTIFICATE / NAME).unlink(missing_ok=True)
        typer.echo(f"no certificate: {error}")
    if upload is None:
        typer.echo("nothing was uploaded; --upload OWNER uploads")
        return
    for name in send(folders, upload, public=public):
        typer.echo(f"uploaded {name}")
