"""The learning rate over the steps of a run. Light imports: no torch."""

from collections.abc import Mapping
from typing import Any


def schedule(step: int, steps: int, settings: Mapping[str, Any]) -> float:
    """Return the factor (0..1] on the peak learning rate at a step, counted from 0: linear warm-up, constant, linear decay to 0.

    The first step already has a rate above 0, and the last step one step's share of the decay (warm-up, stable, decay: WSD).
    """
    warmup = settings["warmup_share"] * steps
    decay = settings["decay_share"] * steps
    rising = (step + 1) / warmup if warmup >= 1 else 1.0
    falling = (steps - step) / decay if decay >= 1 else 1.0
    return min(1.0, rising, falling)
