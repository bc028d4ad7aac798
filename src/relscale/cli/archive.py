"""`relscale archive`: all that figures are drawn from, in one file."""

from pathlib import Path
from typing import Annotated

import typer

from relscale.cli.options import Checkout, Overlays


def archive(
    out: Annotated[
        Path, typer.Option(help="The archive to write, such as results/default.tar.gz.")
    ],
    overlays: Overlays = None,
    folder: Checkout = Path(),
) -> None:
    """Pack everything that figures can be redrawn from without training.

    Weights are left out, and so are texts that we may not redistribute.
    """
    from relscale.provenance.archive import CERTIFICATE, members, pack
    from relscale.provenance.checkout import verified, write_certificate

    experiment, findings = verified(overlays or [], folder, record=True)
    results = f"results/{experiment.experiment}"
    names = members(findings, folder, results)
    certificate = folder / results / CERTIFICATE
    written = write_certificate(experiment.experiment, findings, folder, certificate)
    names = sorted({*names, *(path.relative_to(folder) for path in written)})
    digest = pack(names, folder, results, out)
    typer.echo(f"{digest}  {out} ({len(names)} files, {out.stat().st_size / 1e6:.1f} MB)")
