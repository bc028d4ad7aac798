"""`relscale plan add`: the run to add to a suite."""

from pathlib import Path
from typing import Any

import typer

from relscale.cli.options import options_of, with_options
from relscale.cli.plan_next import PlannedFrom
from relscale.config.base import Model


class Pool(Model):
    """The target and the candidates."""

    target: str
    """Compute at which the prediction should be certain, such as F=1e20."""
    candidates: Path
    """Table of runs that could be trained: name, params, tokens, and maybe training_flops."""
    budget: float
    """FLOPs for all added runs."""
    beyond: bool = False
    """Also take a target far outside the data."""
    out: Path | None = None
    """Write the runs to this table."""


@with_options(PlannedFrom, Pool)
def add(**values: Any) -> None:
    """Find the runs that lower the variance of a prediction most per FLOP."""
    from relscale.planner.added_run import AddRequest, add_runs
    from relscale.planner.candidate_runs import read_candidates

    table, pool = options_of(PlannedFrom, values), options_of(Pool, values)
    found = add_runs(
        table.losses,
        read_candidates(pool.candidates),
        AddRequest(flops=_target(pool.target), budget=pool.budget, beyond=pool.beyond),
        mapping=table.mapping,
        corpus=table.corpus,
        **table.settings(),
    )
    typer.echo(found.summary(), nl=False)
    if pool.out is not None:
        found.write(pool.out)


def _target(text: str) -> float:
    """Return the compute of a target such as `F=1e20`.

    Raises:
        ValueError: for another form.
    """
    name, _, number = text.rpartition("=")
    try:
        flops = float(number)
    except ValueError:
        flops = float("nan")
    if name.strip() not in ("", "F") or not flops > 0:
        raise ValueError(f"--target {text}: must be F=FLOPS, such as F=1e20")
    return flops
