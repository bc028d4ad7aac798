"""`relscale certify`: results compared with the published ones."""

from pathlib import Path
from typing import Annotated

import typer

from relscale.cli.options import Checkout, Overlays


def certify(
    overlays: Overlays = None,
    folder: Checkout = Path(),
    against: Annotated[
        Path | None,
        typer.Option(
            help="Folder of another certificate, or its certificate.json; the default is "
            "experiments/certified/<experiment>."
        ),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Publish these results: write experiments/certified/<experiment> anew. Results "
            "that are stale or modified are refused.",
        ),
    ] = False,
) -> None:
    """Compare verdicts and slopes with the published ones. Exit code 1 if they differ.

    If they differ, the differences and their likely cause are listed: other text, configuration,
    libraries, code, training step, or an edited file.
    """
    from relscale.config.load import load_experiment
    from relscale.provenance.certificate import published_folder
    from relscale.provenance.checkout import compared, verified, write_certificate

    overlays = overlays or []
    name = load_experiment(folder / "config.yaml", *overlays).experiment
    published = published_folder(name, folder)
    where = against or published
    if write:
        _, findings = verified(overlays, folder, record=True)
        for path in write_certificate(name, findings, folder, published):
            typer.echo(f"{path} ({path.stat().st_size / 1e3:.1f} kB)")
    elif against is None and not published.is_dir():
        typer.echo(f"{name}: {published} has no published results to compare with")
    else:
        found = compared(overlays, folder, where)
        typer.echo(found.text(str(where)), nl=False)
        if not found.equal:
            raise typer.Exit(1)
