"""`relscale crate`: finished results as a research object."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from relscale.cli.options import Checkout, Overlays


def crate(
    out: Annotated[
        Path, typer.Option(help="The zip file to write, such as results/default.crate.zip.")
    ],
    licence: Annotated[
        str, typer.Option(help="SPDX identifier of the licence of the results, such as CC-BY-4.0.")
    ],
    overlays: Overlays = None,
    folder: Checkout = Path(),
    agent: Annotated[
        str | None, typer.Option(help="Name of the person who ran the experiment.")
    ] = None,
) -> None:
    """Pack results, workflow and configuration with RO-Crate and Croissant metadata.

    The file has the results of `relscale archive`. ro-crate-metadata.json describes inputs,
    outputs, software, licences and checksums by the profile Workflow Run Crate; croissant.json
    describes the tables of losses and items. Refuses results that are stale or modified.
    """
    import relscale
    from relscale.provenance.archive import METADATA, members
    from relscale.provenance.checkout import verified
    from relscale.provenance.crate import CrateFacts, spdx_url, write_crate
    from relscale.provenance.croissant import DatasetFacts, write_croissant
    from relscale.workflow.project import project_files

    experiment, findings = verified(overlays or [], folder, record=True)
    run = CrateFacts(
        experiment=experiment.experiment,
        licence=licence,
        version=relscale.__version__,
        overlays=tuple(str(path) for path in overlays or []),
        agent=agent,
    )
    about = DatasetFacts(experiment=run.experiment, version=run.version, licence=spdx_url(licence))
    tables = Path(run.results) / "tables"
    names = {
        name for name in members(findings, folder, run.results) if METADATA not in name.parents
    }
    names |= {*project_files(folder), *map(Path, run.overlays)}
    files = {name: folder / name for name in names}
    # Results have only files that the workflow makes, so these are written elsewhere.
    with TemporaryDirectory() as temporary:
        croissant = write_croissant(about, folder / tables, Path(temporary))
        files[tables / croissant.name] = croissant
        digest = write_crate(run, findings, files, folder, out)
    typer.echo(f"{digest}  {out} ({len(files)} files, {out.stat().st_size / 1e6:.1f} MB)")
