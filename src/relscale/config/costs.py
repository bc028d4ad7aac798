"""Section `costs`: assumptions of the cost estimate that `make plan` prints."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import NUMBER, Model


class Costs(Model):
    """Assumptions of the plan's cost estimate; nothing else depends on them."""

    device: Literal["cpu", "gpu"]
    """Device that runs are trained on."""
    peak_flops_per_s: Annotated[float, Field(ge=1), NUMBER]
    """Peak FLOPs per second of one device (a core, or a GPU)."""
    utilisation: Annotated[float, Field(ge=1e-6, lt=1), NUMBER]
    """Share of the peak that training reaches on large matrices."""
    step_overhead_s: Annotated[float, Field(ge=0), NUMBER] = 0.0
    """Seconds per optimiser step in addition to its arithmetic."""
    layer_overhead_s: Annotated[float, Field(ge=0), NUMBER] = 0.0
    """Seconds per layer and optimiser step in addition to its arithmetic."""
    start_s: Annotated[float, Field(ge=0), NUMBER] = 0.0
    """Seconds from the start of a job to its first step."""
    tokens_per_core_s: Annotated[float, Field(gt=0), NUMBER] = 500_000.0
    """Tokens per second that one core produces from text (measured by
    benchmarks/tokenization.py)."""
