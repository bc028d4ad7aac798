"""`relscale table import`: a losses table from files of another program."""

from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated

import typer

import relscale

FORMATS = tuple(
    module.name
    for module in iter_modules([str(Path(relscale.__file__).parent / "importers" / "formats")])
)
"""Names of the formats, each of which has a module; they are listed without importing them."""


def import_files(
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help=f"Program that wrote the files: {', '.join(FORMATS)}.",
        ),
    ],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.")],
    out: Annotated[Path, typer.Option(help="Losses table to write, .csv or .parquet.")],
    runs: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with facts that the files lack: run, corpus, num_params_total, tokens, "
            "training_flops, budget."
        ),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(help="Corpus of the runs for which nothing states one.")
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(help="Name of the family; of formats with several families, the one to keep."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="Metric to keep; may be repeated.")
    ] = None,
    domain: Annotated[
        list[str] | None, typer.Option(help="Glob of domains to keep; may be repeated.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="How logged names are built, such as 'eval/{domain}/{metric}'; may be repeated."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="A column of W&B's table of runs that has a fact, such as "
            "num_params_total=model.params; may be repeated."
        ),
    ] = None,
    six_nd: Annotated[
        bool,
        typer.Option("--six-nd", help="Unknown training FLOPs are 6 x parameters x tokens."),
    ] = False,
    x_is_tokens: Annotated[
        bool, typer.Option("--x-is-tokens", help="The logged step is the number of tokens.")
    ] = False,
    leave_out_incomplete: Annotated[
        bool,
        typer.Option(
            "--leave-out-incomplete",
            help="Leave out runs that lack a needed fact; otherwise they are an error.",
        ),
    ] = False,
) -> None:
    """Write a losses table from files of another program, and print what was left out."""
    from relscale.importers.importer import ImportOptions
    from relscale.importers.table import check_out, import_losses

    check_out(out)
    options = ImportOptions(
        runs=runs,
        corpus=corpus,
        family=family,
        metrics=tuple(metric or ()),
        domains=tuple(domain or ()),
        keys=tuple(key or ()),
        columns=_pairs(column or []),
        six_nd=six_nd,
        x_is_tokens=x_is_tokens,
        leave_out_incomplete=leave_out_incomplete,
    )
    found = import_losses(form, paths, options)
    notes = found.write(out)
    typer.echo(found.notes(), nl=False)
    typer.echo(f"{out}, {notes}")


def _pairs(words: list[str]) -> dict[str, str]:
    """Return the columns of `--column OURS=THEIRS`.

    Raises:
        ValueError: naming a word without `=`, or a name that occurs twice.
    """
    pairs: dict[str, str] = {}
    for word in words:
        ours, sign, theirs = word.partition("=")
        if not (ours and sign and theirs):
            raise ValueError(f"--column {word!r}: must be OURS=THEIRS, such as tokens=train_tokens")
        if ours in pairs:
            raise ValueError(f"--column {word!r}: {ours} is given twice")
        pairs[ours] = theirs
    return pairs
