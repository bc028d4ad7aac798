"""`relscale plan predict` and `plan score`: predictions before training, and their scores."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relscale.cli.options import options_of, with_options
from relscale.cli.plan_next import PlannedFrom
from relscale.config.base import Model

if TYPE_CHECKING:
    from relscale.planner.scored import RegisterScores
    from relscale.planner.scored_expectation import ExpectationScores


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
    register: Annotated[
        Path | None,
        typer.Argument(help="File of registered predictions, or of a registered expectation."),
    ] = None,
    losses: Annotated[
        Path | None,
        typer.Argument(
            help="Losses table that has the models as runs; for an expectation, "
            "representation.csv, by default that in results/<experiment>/laws."
        ),
    ] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            help="Configuration of a registered expectation: config.yaml, then overlays (repeat "
            "the option). Its settings are compared with the registered ones. Without a file, that "
            "in the folder `registered` next to the last overlay is read."
        ),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="Mapping of a table that is laid out in another way.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the scores to this table.")] = None,
) -> None:
    """Score registered predictions, next to the last value and a plain power law.

    For the registered expectation of an experiment, compare it with the result.
    """
    from relscale.planner.registered_expectation import RegisteredExpectation

    if config or (register is not None and RegisteredExpectation.marks(register)):
        if mapping is not None:
            raise ValueError("--mapping: is for a losses table; an expectation is not about one")
        found: ExpectationScores | RegisterScores = _scored_expectation(
            register, losses, config or []
        )
    else:
        if register is None:
            raise ValueError("REGISTER: name the file of the predictions, or give --config")
        from relscale.planner.registered import Register
        from relscale.planner.scored import score as scored

        found = scored(Register.read(register), losses, mapping=mapping)
    typer.echo(found.summary(), nl=False)
    if out is not None:
        found.write(out)


def _scored_expectation(
    register: Path | None, table: Path | None, config: list[Path]
) -> "ExpectationScores":
    """Compare a registered expectation with the result.

    Raises:
        ValueError: for a file or table that is missing or is another one.
    """
    from relscale.config.load import load_experiment
    from relscale.planner.registered_expectation import RegisteredExpectation
    from relscale.planner.scored_expectation import score_expectation

    experiment = load_experiment(*config) if config else None
    if register is None:
        assert experiment is not None
        register = config[-1].parent / "registered" / f"{experiment.experiment}.json"
    found = RegisteredExpectation.read(register)
    if table is None:
        table = Path("results", found.experiment, "laws", "representation.csv")
    return score_expectation(found, table, experiment)
