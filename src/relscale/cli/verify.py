"""`relscale verify`: stale and modified results."""

from pathlib import Path
from typing import Annotated

import typer

from relscale.cli.options import Checkout, Overlays


def verify(
    overlays: Overlays = None,
    folder: Checkout = Path(),
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Record checksums of results that have none yet and look unmodified."
        ),
    ] = False,
) -> None:
    """List stale and modified results and the reasons. Exit code 1 if there are any.

    Records that the jobs wrote are compared with the present workflow; Snakemake's metadata is not
    needed.
    """
    from relscale.provenance.checkout import verified
    from relscale.provenance.verify import summary

    _, findings = verified(overlays or [], folder, record=record)
    typer.echo(summary(findings), nl=False)
    if not all(finding.fresh for finding in findings):
        raise typer.Exit(1)
