"""`relscale convert`: a model in GGUF as a folder that can be scored."""

from pathlib import Path
from typing import Annotated

import typer


def convert(
    file: Annotated[Path, typer.Argument(help="A model in GGUF.")],
    out: Annotated[Path, typer.Option(help="The folder to write; it must not exist.")],
    sha256: Annotated[
        str | None, typer.Option(help="Expected SHA-256 of the file; another one is an error.")
    ] = None,
) -> None:
    """Write a model in GGUF as a folder of safetensors with its tokenizer.

    Quantised weights become the float32 numbers that they stand for. Needs the extra `gguf`.
    """
    from relscale.released.gguf_folder import convert_gguf

    found = convert_gguf(file, out, sha256)
    types = ", ".join(f"{count} {name}" for name, count in found.tensors.items())
    typer.echo(f"{found.name}: {found.num_params:,} parameters in {out} (tensors: {types})")
