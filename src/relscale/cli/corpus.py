"""`relscale corpus`: texts for a corpus or a family."""

from pathlib import Path
from typing import Annotated

import typer

from relscale.cli.help_text import help_of

corpus = typer.Typer(no_args_is_help=True, help="Look at texts for a corpus or a family.")


@corpus.callback()
def _group() -> None:
    """Look at texts for a corpus or a family."""


def inspect_texts(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A file or folder of texts or records.")
    ],
) -> None:
    """Describe a file or folder of texts, and print the configuration to copy.

    Readers, documents, encodings, odd and repeated texts, fields and domains. A large folder is
    sampled, and the report says so.
    """
    from relscale.text.inspection.report import TextInspection

    typer.echo(TextInspection.of(path).report(), nl=False)


corpus.command("inspect", help=help_of(inspect_texts))(inspect_texts)
