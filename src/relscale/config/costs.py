"""Section `costs`: assumptions of the cost estimate that `make plan` prints."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import Model, Share


class Costs(Model):
    """Assumptions of the plan's bill; nothing else uses them."""

    device: Literal["cpu", "gpu"]
    """What the runs are trained on."""
    peak_flops_per_s: Annotated[float, Field(gt=0)]
    """Peak of one device (a core, or a GPU)."""
    utilisation: Share
    """Share of the peak that training reaches on large matrices."""
    step_overhead_s: Annotated[float, Field(ge=0)] = 0.0
    """Seconds that an optimiser step costs beside its arithmetic."""
    layer_overhead_s: Annotated[float, Field(ge=0)] = 0.0
    """The same, for each layer."""
    start_s: Annotated[float, Field(ge=0)] = 0.0
    """Seconds that a job costs before its first step."""
    tokens_per_core_s: Annotated[float, Field(gt=0)] = 500_000.0
    """Tokens that one core makes of text in a second (benchmarks/tokenization.py)."""
