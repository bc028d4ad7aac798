"""The learning rate over the steps of a run. Light imports: no torch."""

import math

from relscale.plan.optimiser import OptimiserSettings
from relscale.training.exact import cosine_of_half_turns


def schedule(step: int, steps: int, settings: OptimiserSettings) -> float:
    """Return the factor in (0, 1] on the peak learning rates at a step, counted from 0.

    Both schedules begin with a linear warm-up over `warmup_share` of the steps; the rate of the
    first step is already above 0.

    - `wsd` (warm-up, stable, decay): constant, then linear to 0 over the last `decay_share` of the
      steps; the last step has one step's share of the decay.
    - `cosine`: f + (1 - f) (1 + cos(pi t)) / 2 with f = `final_share`; t rises from 0 at the end of
      the warm-up to 1 at the last step (Loshchilov and Hutter 2017, arXiv 1608.03983; one cycle
      over the whole run: Hoffmann et al. 2022, arXiv 2203.15556).
    """
    warmup = settings.warmup_share * steps
    rising = (step + 1) / warmup if warmup >= 1 else 1.0
    if settings.schedule == "cosine":
        assert settings.final_share is not None
        begin, last = math.ceil(warmup) - 1 if warmup >= 1 else 0, steps - 1
        done = min(1.0, max(0.0, (step - begin) / (last - begin))) if last > begin else 0.0
        final = settings.final_share
        return min(1.0, rising, final + (1 - final) * (1 + cosine_of_half_turns(done)) / 2)
    assert settings.decay_share is not None
    decay = settings.decay_share * steps
    falling = (steps - step) / decay if decay >= 1 else 1.0
    return min(1.0, rising, falling)
