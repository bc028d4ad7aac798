"""The learning rate over the steps of a run. Light imports: no torch."""

import math
from collections.abc import Mapping
from typing import Any


def schedule(step: int, steps: int, settings: Mapping[str, Any]) -> float:
    """Return the factor (0..1] on the peak learning rate at a step, counted from 0.

    Both kinds begin with a linear warm-up over `warmup_share` of the steps; the first step already
    has a rate above 0.

    - `wsd` (warm-up, stable, decay; what is meant where `schedule` is not there): constant, then
    linear to 0 over the last `decay_share`
      of the steps; the last step has one step's share of the decay.
    - `cosine`: f + (1 - f) (1 + cos(pi t)) / 2 with f = `final_share` and t rising from 0 at the
    end of the warm-up to 1 at the
      last step (Loshchilov & Hutter, arXiv 1608.03983; one cycle as long as the run: Hoffmann et
      al., arXiv 2203.15556).

    Raises:
        ValueError: for another kind of schedule.
    """
    warmup = settings["warmup_share"] * steps
    rising = (step + 1) / warmup if warmup >= 1 else 1.0
    kind = settings.get("schedule", "wsd")
    if kind == "cosine":
        begin, last = math.ceil(warmup) - 1 if warmup >= 1 else 0, steps - 1
        done = min(1.0, max(0.0, (step - begin) / (last - begin))) if last > begin else 0.0
        final = settings["final_share"]
        return min(1.0, rising, final + (1 - final) * (1 + math.cos(math.pi * done)) / 2)
    if kind != "wsd":
        raise ValueError(f"optimiser.schedule = {kind!r}; the choices are 'wsd', 'cosine'")
    decay = settings["decay_share"] * steps
    falling = (steps - step) / decay if decay >= 1 else 1.0
    return min(1.0, rising, falling)
