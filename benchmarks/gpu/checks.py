"""Checks of correctness: a curve against the CPU's, and a resumed run against a straight one."""

from typing import Any

import numpy as np

from relscale.plan.recipes.marin2025 import MARIN_CHOICES
from relscale.training.execution import Execution
from relscale.training.torch_trainer import TorchTrainer

from .bench import Bench
from .models import OPTIMISER, batches, checked_shape

CURVE_TOLERANCE = 0.03
"""Largest relative difference of a loss from the CPU's: a logit in bfloat16 errs by up to 2^-8 of
its size, and cautious masks turn signs of small gradients into other updates, so up to eight such
errors after some steps (as in `tests/gpu`)."""


def curve(bench: Bench) -> dict[str, Any]:
    """Compare the losses of 50 steps with those of the CPU in float32."""
    shape = checked_shape(bench.quick)
    data = batches(shape, 4, 50)
    losses = []
    for execution in (Execution(), bench.execution()):
        step = TorchTrainer(shape, MARIN_CHOICES, OPTIMISER, 0, execution)
        for batch in step.batches(iter(data)):
            step.update(batch, 1.0)
        losses.append(step.losses().astype(np.float64))
    largest = float(np.abs(losses[1] / losses[0] - 1).max())
    learned = float(losses[1][0] - losses[1][-1])
    return {
        "passed": largest < CURVE_TOLERANCE and learned > 0.5,
        "largest_relative_difference": largest,
        "tolerance": CURVE_TOLERANCE,
        "nats_learned": learned,
        "cpu": losses[0].tolist(),
        "device": losses[1].tolist(),
    }


def resume(bench: Bench) -> dict[str, Any]:
    """Compare a run that is stopped and resumed with one that is not, bit for bit."""
    shape = checked_shape(bench.quick)
    data = batches(shape, 4, 8)
    straight, stopped, resumed = (
        TorchTrainer(shape, MARIN_CHOICES, OPTIMISER, seed, bench.execution()) for seed in (0, 0, 1)
    )
    for number, batch in enumerate(data):
        straight.update(batch, 1.0)
        if number == 3:
            resumed.load_state(stopped.state())
        (stopped if number < 3 else resumed).update(batch, 1.0)
    states = straight.state(), resumed.state()
    different = [
        name for name, value in states[0].items() if not np.array_equal(value, states[1][name])
    ]
    return {"passed": not different, "tensors": len(states[0]), "different": different}
