"""The recipe `marin2025`: that of the paper (arXiv 2510.24626), from the authors' training code."""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from relscale.config.base import MOST_WIDTH, NUMBER, WHOLE, Positive, Share
from relscale.plan.accounting import FlopCounting, steps_for
from relscale.plan.architecture import Choices, RopeScaling, Shape
from relscale.plan.architectures import ARCHITECTURES
from relscale.plan.optimiser import Optimiser, OptimiserKind
from relscale.plan.recipes.base import (
    MOST_BATCH,
    BaseRecipe,
    PlannedGrid,
    PlannedSize,
    too_large_a_batch,
)
from relscale.plan.run_spec import Device, Implementation

MARIN_CHOICES = Choices(
    norm_epsilon=1e-5, rope_theta=500_000.0, rope_scaling=RopeScaling(), init_std=0.02
)


class Marin2025(BaseRecipe):
    """The paper's recipe.

    Budgets are labelled by forward FLOPs, full attention and softmax counted.
    """

    name: Literal["marin2025"]
    optimiser: OptimiserKind = "cautious_adamc"
    """Optimiser that trains the models."""
    context_length: Positive = 4096
    """Tokens per sequence."""
    head_dim: Positive = 128
    """Width of an attention head."""
    mlp_ratio: Positive = 4
    """Intermediate width over width."""
    reference_steps: Positive = 65_536
    """Steps from which the batch size is derived."""
    learning_rate_constant: Annotated[float, Field(gt=0), NUMBER] = 0.33
    """Learning rate = this * sqrt(batch size) / width."""
    learning_rate_cap: Annotated[float, Field(gt=0), NUMBER] = 0.01
    """The batch is halved until the learning rate is not above this."""
    min_batch_size: Positive = 8
    """Runs with a smaller batch are left out of the grid."""
    min_width: Annotated[int, Field(gt=0, le=MOST_WIDTH), WHOLE] = 512
    """First width of the grid."""
    max_width: Annotated[int, Field(gt=0, le=MOST_WIDTH), WHOLE] = 4096
    """Last width of the grid."""
    beta1: Share = 0.95
    """Decay of the first moment."""
    weight_decay: Annotated[float, Field(ge=0), NUMBER] = 0.1
    """AdamC weight decay."""
    warmup_share: Share = 0.1
    """Share of the steps in which the learning rate rises linearly (0.05 where the paper is
    quoted)."""
    decay_share: Share = 0.2
    """Share of the steps, at the end, in which it falls linearly to 0."""
    clip_norm: Annotated[float, Field(gt=0), NUMBER] = 1.0
    """Global norm at which gradients are clipped."""
    flop_tolerance: Share = 0.01
    """Largest relative miss of a budget."""

    counting: ClassVar[FlopCounting] = FlopCounting(
        attention="full", softmax=True, label="forward_flops"
    )
    choices: ClassVar[Choices] = MARIN_CHOICES

    def shapes_problem(self, shapes: Sequence[str] | None) -> str | None:
        """Refuse the key: the recipe derives its sizes."""
        if shapes is None:
            return None
        return f"recipe {self.name} derives its sizes: leave the key out"

    def grid(self, budget: str, shapes: Sequence[str] | None, vocab_size: int) -> PlannedGrid:
        """Return the widths that the paper's rule keeps."""
        step = 256 if float(budget) > 9e18 else 128
        widths = range(self.min_width, self.max_width + 1, step)
        found = [self._planned_size(float(budget), width, vocab_size) for width in widths]
        sizes = [size for size in found if size is not None]
        largest = max((size.batch_size for size in sizes), default=0)
        if largest > MOST_BATCH:
            return PlannedGrid(sizes=[], problems={("label",): too_large_a_batch(largest)})
        message = f"no run of recipe {self.name} meets this budget"
        return PlannedGrid(sizes=sizes, problems={} if sizes else {("label",): message})

    def run_implementation(self) -> Implementation:
        """Return torch: the models are too large for the compiled implementation."""
        return "torch"

    def run_device(self) -> Device:
        """Return the GPU."""
        return "gpu"

    def optimiser_of(self, batch_size: int, width: int) -> Optimiser:
        """Return one learning rate for all parameters, and the decay that follows the batch."""
        rate = self._learning_rate(batch_size, width)
        return self.optimiser_settings(
            learning_rate=rate, embedding=rate, head=rate, beta2=0.98 ** (batch_size / 128)
        )

    def _learning_rate(self, batch_size: int, width: int) -> float:
        return self.learning_rate_constant * math.sqrt(batch_size) / width

    def _planned_size(self, budget: float, width: int, vocab_size: int) -> PlannedSize | None:
        """Return the planned size of a width (steps 1-9 of the paper's IsoFLOP grid).

        None if the batch is too small or the budget is missed.
        """
        attention = ARCHITECTURES[self.architecture].has_attention
        heads = width // self.head_dim if attention else 0
        shape = Shape(
            width=width,
            layers=round(width / (64 + 4 * math.log2(width) - 9)),
            heads=heads,
            kv_heads=heads,
            head_dim=self.head_dim if attention else 0,
            intermediate=self.mlp_ratio * width if attention else 0,
            vocab_size=vocab_size,
            context_length=self.context_length,
            architecture=self.architecture,
        )
        per_token = self.counting.labelled_flops_per_token(shape)
        ideal = budget / (per_token * self.context_length * self.reference_steps)
        batch_size = 1 if ideal <= 1 else 2 ** math.ceil(math.log2(ideal))
        while self._learning_rate(batch_size, width) > self.learning_rate_cap:
            batch_size //= 2
        if batch_size < self.min_batch_size:
            return None
        steps = steps_for(budget, per_token, batch_size, self.context_length)
        achieved = steps * batch_size * self.context_length * per_token
        if abs(achieved / budget - 1) > self.flop_tolerance:
            return None
        return PlannedSize(
            shape=shape,
            batch_size=batch_size,
            steps=steps,
            optimiser=self.optimiser_of(batch_size, width),
        )
