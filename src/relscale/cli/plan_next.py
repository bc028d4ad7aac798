"""`relscale plan next`: the model to train for a budget."""

from pathlib import Path
from typing import Any

import typer

from relscale.cli.options import options_of, with_options
from relscale.config.analysis import Compute
from relscale.config.base import Model


class PlannedFrom(Model):
    """The losses table, and the laws that are read."""

    losses: Path | None = None
    """Losses table with parameters and tokens of each run."""
    mapping: Path | None = None
    """Mapping of a table that is laid out in another way."""
    corpus: str | None = None
    """Corpus of the table; the only one if left out."""
    family: str | None = None
    """Family whose losses are predicted; the only one if left out."""
    baseline: str | None = None
    """Domain that the others are compared with; without one, no gaps."""
    metric: str | None = None
    """Metric; the default is bits_per_byte or the only one."""
    compute: Compute = "training_flops"
    """Compute axis, a column of the table."""
    optimum_by: str = "validation"
    """Family whose loss is minimised; family_mean for the mean over the family's domains."""

    def settings(self) -> dict[str, Any]:
        """Return the fields that say how laws are fitted."""
        left_out = {"losses", "mapping", "corpus"}
        return {name: value for name, value in dict(self).items() if name not in left_out}


class NextOptions(Model):
    """The budget and the costs."""

    flops: float
    """Training FLOPs to spend, on the compute axis of the table."""
    max_tokens: float | None = None
    """Most tokens that are there to train on."""
    inference_tokens: float | None = None
    """Tokens that the model will process after training."""
    loss: float | None = None
    """Loss to reach, with --inference-tokens; the default is the least loss of the budget."""
    six_nd: bool = False
    """Count 6 N D instead of as the table's runs are counted."""
    peak_flops: float = 989e12
    """Peak FLOPs per second of a device."""
    utilisation: float = 0.4
    """Share of the peak that training reaches."""
    price: float | None = None
    """Money per device-hour."""
    beyond: bool = False
    """Also answer far outside the data; the answer says extrapolated."""


class NextOutputs(Model):
    """The recipe, and the file."""

    config: tuple[Path, ...] = ()
    """Configuration whose recipe counts the FLOPs and builds the shapes: config.yaml, then overlays
    (repeat the option)."""
    out: Path | None = None
    """JSON file for the answer."""


@with_options(PlannedFrom, NextOptions, NextOutputs)
def next_(**values: Any) -> None:
    """Find the model to train for a budget: size, tokens, predicted losses and gaps, cost."""
    from relscale.planner.next_answer import NextRequest
    from relscale.planner.next_model import next_model

    table, outputs = options_of(PlannedFrom, values), options_of(NextOutputs, values)
    request = NextRequest(**dict(options_of(NextOptions, values)))
    experiment = None
    if outputs.config:
        from relscale.config.load import load_experiment

        experiment = load_experiment(*outputs.config)
    found = next_model(
        table.losses,
        request,
        mapping=table.mapping,
        corpus=table.corpus,
        experiment=experiment,
        **table.settings(),
    )
    typer.echo(found.summary(), nl=False)
    if outputs.out is not None:
        found.write(outputs.out)
