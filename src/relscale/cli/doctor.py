"""`relscale doctor`: what is installed, what is missing, and what works without it."""

import json
from pathlib import Path
from typing import Annotated

import typer


def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Also try to reach the hub (at most 3 seconds).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")] = False,
) -> None:
    """Check this machine: what is there, what is missing, and what works without it.

    Exit code 1 only if something is broken that everything needs.
    """
    from relscale.doctor import check, run

    checks = run.all_checks(Path(), online=online)
    text = json.dumps(check.as_json(checks), indent=1) + "\n" if as_json else check.report(checks)
    typer.echo(text, nl=False)
    if check.is_broken(checks):
        raise typer.Exit(1)
