"""The recipe `chinchilla`: AdamW, one learning rate, cosine schedule."""

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from relscale.config.base import NUMBER, Positive, Share
from relscale.plan.accounting import FlopCounting
from relscale.plan.optimiser import Optimiser, OptimiserKind, Schedule
from relscale.plan.recipes.base import ListedSizesRecipe
from relscale.plan.run_spec import Device, Implementation

SHARED_BATCH = 8
"""Larger batches are multiples of this, so that up to eight GPUs can share them."""


class Chinchilla(ListedSizesRecipe):
    """The usual recipe: AdamW, one learning rate, cosine schedule.

    Budgets are labelled by training FLOPs, full attention and softmax counted.

    After Hoffmann et al. 2022 (arXiv 2203.15556): AdamW, weight decay 0.1, one cosine cycle over
    the whole run, down to a tenth of the peak. The learning rate follows the width as in table 2.1
    of Brown et al. 2020 (arXiv 2005.14165), whose values are 0.4 to 0.75 over the width. Sizes are
    listed by budget: tiny ones for a CPU, or larger ones for GPUs.
    """

    name: Literal["chinchilla"]
    optimiser: OptimiserKind = "adam"
    """Optimiser that trains the models."""
    context_length: Positive = 256
    """Tokens per sequence."""
    head_dim: Positive = 32
    """Wanted width of an attention head."""
    batch_tokens_constant: Annotated[float, Field(gt=0), NUMBER] = 0.4
    """Tokens per step = this * sqrt(tokens of the run), in whole sequences: 570 for a run of 2e6
    tokens, 18,000 for one of 2e9."""
    learning_rate_constant: Annotated[float, Field(gt=0), NUMBER] = 0.5
    """Learning rate of all parameters = this / width, up to the cap."""
    learning_rate_cap: Annotated[float, Field(gt=0), NUMBER] = 0.01
    """Highest learning rate."""
    beta1: Share = 0.9
    """Decay of the first moment."""
    beta2: Share = 0.95
    """Decay of the second moment."""
    weight_decay: Annotated[float, Field(ge=0), NUMBER] = 0.1
    """Decoupled weight decay of all parameters."""
    warmup_share: Share = 0.02
    """Share of the steps in which the learning rate rises linearly."""
    final_share: Share = 0.1
    """Learning rate of the last step over the peak."""
    clip_norm: Annotated[float, Field(gt=0), NUMBER] = 1.0
    """Global norm at which gradients are clipped."""
    flop_tolerance: Share = 0.01
    """Largest relative miss of a budget."""
    device: Device = "cpu"
    """Device that the runs are trained on: `cpu` with the compiled implementation where it can
    train them, `gpu` with torch in bfloat16."""

    counting: ClassVar[FlopCounting] = FlopCounting(
        attention="full", softmax=True, label="training_flops"
    )
    schedule: ClassVar[Schedule] = "cosine"

    def batch_size(self, tokens: float) -> int:
        """Return sequences per step; batches above 8 are multiples of 8."""
        sequences = max(
            1, round(self.batch_tokens_constant * math.sqrt(tokens) / self.context_length)
        )
        if sequences > SHARED_BATCH:
            sequences = SHARED_BATCH * round(sequences / SHARED_BATCH)
        return sequences

    def optimiser_of(self, batch_size: int, width: int) -> Optimiser:
        """Return one learning rate for all parameters, in inverse proportion to the width."""
        rate = min(self.learning_rate_cap, self.learning_rate_constant / width)
        return self.optimiser_settings(learning_rate=rate, embedding=rate, head=rate)

    def run_implementation(self) -> Implementation:
        """Return torch for GPUs, else the default."""
        return "torch" if self.device == "gpu" else "auto"

    def run_device(self) -> Device:
        """Return the configured device."""
        return self.device
