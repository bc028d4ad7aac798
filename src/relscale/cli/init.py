"""`relscale init`: a folder in which the workflow runs, with an experiment on your own files."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from relscale.start.new_experiment import NewExperiment, StartingPoint

STARTS = ("texts", "models", "table", "nothing")


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write; must be new or empty.")],
    texts: Annotated[
        Path | None,
        typer.Option(
            help="Texts whose domains are compared: a folder per domain, or records with a field "
            "that names the domain."
        ),
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Texts to train on, instead of the default corpora.")
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(help="Released models: a folder with a folder per model, or a table of them."),
    ] = None,
    table: Annotated[Path | None, typer.Option(help="A table of losses.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the experiment; the default is that of the files.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Domain that the others are compared with.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of these files.")] = None,
    citation: Annotated[str | None, typer.Option(help="How to cite these files.")] = None,
) -> None:
    """Write the rules, the default configuration and the experiments to a new folder.

    With --texts, --corpus, --models or --table, also an experiment on your files. On a terminal,
    missing facts are asked for. A checkout has the rules already.
    """
    from relscale.start.new_experiment import StartingPoint, new_experiment
    from relscale.workflow.project import check_new, project_folder, write_project

    check_new(folder)
    start = StartingPoint(
        texts=texts, corpus=corpus, models=models, table=table, name=name, baseline=baseline,
        licence=licence, citation=citation,
    )  # fmt: skip
    if sys.stdin.isatty():
        start = _asked(start)
    experiment = new_experiment(start, project_folder()) if start.paths else None
    write_project(folder)
    if experiment is not None:
        experiment.write(folder)
    typer.echo(_text(folder, experiment))


def _asked(start: "StartingPoint") -> "StartingPoint":
    """Ask for the starting point, if none is given, and for missing facts about it."""
    if not start.paths:
        kind = typer.prompt(f"Start from your own ({', '.join(STARTS)})", default=STARTS[-1])
        if kind not in STARTS:
            raise ValueError(f"{kind!r}: the choices are {', '.join(STARTS)}")
        if kind == STARTS[-1]:
            return start
        path = Path(typer.prompt("File or folder"))
        start = replace(
            start,
            texts=path if kind == "texts" else None,
            models=path if kind == "models" else None,
            table=path if kind == "table" else None,
        )
    if start.texts is None and start.corpus is None:
        return start
    return replace(
        start,
        licence=start.licence or typer.prompt("Licence of the texts"),
        citation=start.citation or typer.prompt("How to cite them"),
    )


def _text(folder: Path, experiment: "NewExperiment | None") -> str:
    """Return the words on the written files, and the next commands."""
    lines = [f"{folder}: config.yaml is the default experiment, experiments/ has others."]
    path = "experiments/tiny.yaml"
    if experiment is not None:
        path = str(experiment.path)
        lines.append(f"{folder / path}: your experiment. Check it before you run it:")
        lines += [f"  - {remark}" for remark in experiment.remarks]
    lines += [
        f"  cd {folder}",
        f"  relscale plan {path}",
        f"  relscale run {path}",
    ]
    return "\n".join(lines)
