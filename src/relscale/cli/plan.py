"""`relscale plan suite`: the runs of a configuration and their cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relscale.cli.options import BASE, Base, Overlays

if TYPE_CHECKING:
    from relscale.config.experiment import Experiment


def plan(
    overlays: Overlays = None,
    config: Base = BASE,
    out: Annotated[Path | None, typer.Option(help="Write the runs to this CSV file.")] = None,
    released: Annotated[
        Path | None,
        typer.Option(
            help="Write the table of released models of these runs: the paper's for "
            "experiments/paper.yaml, and otherwise those that `relscale publish` writes."
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Measure the speed of this machine for the cost instead of taking that of the "
            "configuration: 10 seconds for the native step, 50 steps of three shapes for torch.",
        ),
    ] = False,
    costs_out: Annotated[
        Path | None,
        typer.Option(
            "--costs", help="Measure the speed, and write it as an overlay with the key costs."
        ),
    ] = None,
    devices: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="GPUs or cores for the wall-clock time; the default is 8 GPUs or the cores of "
            "this machine.",
        ),
    ] = None,
    price: Annotated[
        float | None, typer.Option(min=0, help="Price of a GPU-hour or core-hour, for the money.")
    ] = None,
    sizes: Annotated[
        bool, typer.Option("--sizes", help="Ask the package index for the sizes of downloads.")
    ] = False,
) -> None:
    """Check a configuration and print the planned runs and their cost, without training.

    For released models, print which models are scored on which families; for a losses table, its
    runs, budgets and domains.
    """
    from relscale.cli.plan_costs import downloads_of, further_costs, write_costs
    from relscale.config.load import load_experiment
    from relscale.files import write_text
    from relscale.plan.cost import STATED, bill
    from relscale.plan.suite import plan_suite, suite_csv
    from relscale.released.bill import released_plan
    from relscale.released.models_table import models_of_runs, read_released, released_csv
    from relscale.resources.report import gpu_jobs_report
    from relscale.training.machine_speed import measured_costs

    experiment = load_experiment(config, *(overlays or []))
    if experiment.losses is not None:
        _plan_table(experiment, out, released)
        return
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
    if calibrate or costs_out is not None:
        costs, source = measured_costs(runs, costs)
    if costs_out is not None:
        write_costs(costs_out, costs, source)
    typer.echo(bill(runs, costs, source), nl=False)
    typer.echo(further_costs(experiment, runs, costs, devices, price), nl=False)
    typer.echo(downloads_of(experiment, config.parent, sizes), nl=False)
    tokens = {
        name: experiment.families[name].tokens_to_score(experiment.suite.recipe.context_length)
        for name in experiment.evaluate
    }
    typer.echo(gpu_jobs_report(runs, experiment.training, costs, tokens), nl=False)
    if out is not None:
        write_text(out, suite_csv(runs))
    if released is not None:
        write_text(released, released_csv(models_of_runs(experiment.experiment, runs)))


def _plan_table(experiment: "Experiment", out: Path | None, released: Path | None) -> None:
    """Print the runs, budgets and domains of a losses table, and every decision about it.

    Raises:
        ValueError: if the table cannot be used, or for an option that needs planned runs.
    """
    from relscale.contract.io import write_table
    from relscale.contract.suite_table import SUITE_COLUMNS
    from relscale.losses_table.families import check_families, plan_text, suite_of
    from relscale.losses_table.read import read_losses

    table = experiment.losses
    assert table is not None
    if released is not None:
        raise ValueError(
            "--released: the table is made from planned runs, and this experiment reads the losses "
            f"of {table.path}"
        )
    found = read_losses(table)
    families = {name: experiment.families[name].domain_names() for name in experiment.evaluate}
    frame = check_families(found.frame, families, table.path)
    typer.echo(plan_text(frame, table.path, found.decisions), nl=False)
    if out is not None:
        write_table(suite_of(frame), out, SUITE_COLUMNS)
