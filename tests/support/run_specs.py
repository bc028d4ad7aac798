"""Specs of small runs for tests of training."""

from typing import Any

from pydantic import TypeAdapter

from relscale.plan.accounting import FlopCounting
from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import Optimiser
from relscale.plan.planned_run import Run
from relscale.plan.run_spec import RunSpec

_OPTIMISER: TypeAdapter[Optimiser] = TypeAdapter(Optimiser)


def optimiser_of(settings: dict[str, Any]) -> Optimiser:
    """Return the typed settings of an optimiser."""
    return _OPTIMISER.validate_python(settings)


def run_spec(
    shape: Shape, settings: dict[str, Any], *, steps: int, batch_size: int, seed: int = 1
) -> RunSpec:
    """Return the spec of a run with torch on the CPU."""
    counting = FlopCounting(attention="causal", softmax=False, label="training_flops")
    return Run(
        corpus="a",
        budget="1e8",
        recipe="cpu_small",
        counting=counting,
        seed=seed,
        shape=shape,
        batch_size=batch_size,
        steps=steps,
        optimiser=optimiser_of(settings),
        choices=Choices(),
        implementation="torch",
        device="cpu",
    ).spec()
