"""`relscale run`: an experiment from text to report, with one progress display."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from relscale.cli.options import Overlays

FURTHER = "relscale.further"
"""Key of the words after `--` in the context of the command."""


class WithFurtherOptions(TyperCommand):
    """A command whose words after `--` are options of another program."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the words after `--` and parse those before."""
        before, _, after = _parted(args)
        ctx.meta[FURTHER] = after
        return super().parse_args(ctx, before)


def _parted(words: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the words before, at and after the first `--`."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at : at + 1], words[at + 1 :]


def run(
    context: typer.Context,
    overlays: Overlays = None,
    folder: Annotated[
        Path, typer.Option("--folder", help="The checkout to run the experiment in.")
    ] = Path(),
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores to use; the default is all of this machine.")
    ] = None,
    gpus: Annotated[int | None, typer.Option(min=0, help="GPUs to use; the default is 1.")] = None,
    mem_mb: Annotated[
        int | None,
        typer.Option(min=1, help="Memory of all jobs together in MB; the default is 4000."),
    ] = None,
    downloads: Annotated[
        Path | None, typer.Option(help="Folder of packages that were downloaded before.")
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(help="Folder of a Snakemake profile for a cluster, such as profiles/slurm."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print Snakemake's own output and no display.")
    ] = False,
) -> None:
    """Run an experiment from text to report; only stale steps run.

    The configuration is checked first, and the bill is printed. The full log is in
    logs/<experiment>. Words after `--` are options and targets of Snakemake, such as
    `-- --forcerun laws`. The exit code is that of Snakemake.
    """
    from relscale.runner.prepare import Machine, prepared

    more = context.meta.get(FURTHER, [])
    machine = Machine(cores=cores, gpus=gpus, mem_mb=mem_mb, profile=profile, downloads=downloads)
    found = prepared(folder, overlays or [], machine, more)

    from rich.console import Console

    from relscale.runner.session import run as run_session  # slow to import

    command = shlex.join(["relscale", *sys.argv[1:]])
    console = Console(highlight=False)
    raise typer.Exit(run_session(found, console, command, verbose or found.only_shows))
