"""`relscale plan predict` and `plan score`: predictions before training, and their scores."""

from pathlib import Path
from typing import Annotated, Any

import typer

from relscale.cli.options import options_of, with_options
from relscale.cli.plan_next import PlannedFrom
from relscale.config.base import Model


class Predicted(Model):
    """Models that are predicted, and the file."""

    models: tuple[str, ...] = ()
    """NAME=PARAMS,TOKENS of a model that is not trained yet, by the name that its run will have;
    may be repeated."""
    leave_out: tuple[str, ...] = ()
    """Run of the table that is not fitted but predicted; may be repeated."""
    beyond: bool = False
    """Also predict models beyond 30 times the largest compute."""
    config: tuple[Path, ...] = ()
    """Configuration whose expectation is registered instead of predictions from a table:
    config.yaml, then overlays (repeat the option)."""
    register_: Path
    """JSON file for the predictions; it must not be there yet."""


@with_options(PlannedFrom, Predicted)
def predict(**values: Any) -> None:
    """Write down predictions of losses and gaps of models before they are trained.

    With --config, write down the expectation of an experiment (laws.representation.expectation)
    before its runs are trained.
    """
    table, wanted = options_of(PlannedFrom, values), options_of(Predicted, values)
    if wanted.register_.exists():
        raise ValueError(f"--register {wanted.register_}: is there already; name another file")
    if wanted.config:
        _register_expectation(table, wanted)
        return
    from relscale.planner.named_model import NamedModel
    from relscale.planner.registered import register

    found = register(
        table.losses,
        [NamedModel.read(text) for text in wanted.models],
        mapping=table.mapping,
        corpus=table.corpus,
        leave_out=wanted.leave_out,
        beyond=wanted.beyond,
        **table.settings(),
    )
    found.write(wanted.register_)
    typer.echo(found.summary(), nl=False)


def _register_expectation(table: PlannedFrom, wanted: Predicted) -> None:
    """Write the file of an experiment's expectation.

    Raises:
        ValueError: for options that belong to predictions from a table.
    """
    from relscale.planner.registered_expectation import register_expectation

    if table.losses or wanted.models or wanted.leave_out:
        raise ValueError(
            "--config registers the expectation of an experiment: leave out --losses, --model and"
            " --leave-out"
        )
    found = register_expectation(*wanted.config)
    found.write(wanted.register_)
    typer.echo(found.summary(), nl=False)


def score(
    register: Annotated[Path, typer.Argument(help="File of registered predictions.")],
    losses: Annotated[
        Path | None, typer.Argument(help="Losses table that has the models as runs.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="Mapping of a table that is laid out in another way.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the scores to this table.")] = None,
) -> None:
    """Score registered predictions, next to the last value and a plain power law."""
    from relscale.planner.registered import Register
    from relscale.planner.scored import score as scored

    found = scored(Register.read(register), losses, mapping=mapping)
    typer.echo(found.summary(), nl=False)
    if out is not None:
        found.write(out)
