"""The recipe `cpu_small`: clean IsoFLOP curves of tiny models on a CPU."""

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from relscale.config.base import NUMBER, Positive, Share
from relscale.plan.accounting import FlopCounting
from relscale.plan.optimiser import Optimiser, OptimiserKind
from relscale.plan.recipes.base import ListedSizesRecipe
from relscale.plan.run_spec import Implementation

REFERENCE_BATCH_TOKENS = 2048
"""Tokens per step at which the learning rates have their stated constants."""

NATIVE = {"architecture": "qwen3", "optimiser": "adam"}
"""Choices of a recipe that the native implementation has, as `training.native_build.covers`."""


class CpuSmall(ListedSizesRecipe):
    """Recipe for clean IsoFLOP curves of tiny models on a CPU.

    Budgets are labelled by training FLOPs, causal attention counted.
    """

    name: Literal["cpu_small"]
    optimiser: OptimiserKind = "adam"
    """Optimiser that trains the models; the native implementation has `adam` only."""
    context_length: Positive = 128
    """Tokens per sequence."""
    head_dim: Positive = 16
    """Wanted width of an attention head."""
    batch_reference_tokens: Positive = 200_000
    """Batch size = max(1, round(sqrt(tokens / this))) sequences."""
    matrix_learning_rate: Annotated[float, Field(gt=0), NUMBER] = 0.15
    """Learning rate of matrices = this / sqrt(width) * sqrt(batch tokens / 2048)."""
    embedding_learning_rate: Annotated[float, Field(gt=0), NUMBER] = 0.5
    """Learning rate of the embedding = this * sqrt(batch tokens / 2048)."""
    head_learning_rate_ratio: Annotated[float, Field(gt=0), NUMBER] = 2.0
    """Learning rate of the head over that of the matrices."""
    beta1: Share = 0.9
    """Decay of the first moment."""
    beta2: Share = 0.99
    """Decay of the second moment."""
    warmup_share: Share = 0.1
    """Share of the steps in which the learning rate rises linearly."""
    decay_share: Share = 0.5
    """Share of the steps, at the end, in which it falls linearly to 0."""
    weight_decay: Annotated[float, Field(ge=0), NUMBER] = 0.0
    """Factor of the weight decay, times the learning rate; the optimiser says which parameters it
    applies to. Without any, `adamc` is `adamw`."""
    clip_norm: Annotated[float, Field(gt=0), NUMBER] = 1.0
    """Global norm at which gradients are clipped."""
    flop_tolerance: Share = 0.01
    """Largest relative miss of a budget."""
    implementation: Implementation = "auto"
    """Program that computes the training steps: the compiled one if it was built, or torch; their
    losses differ by rounding only."""

    counting: ClassVar[FlopCounting] = FlopCounting(
        attention="causal", softmax=False, label="training_flops"
    )

    def batch_size(self, tokens: float) -> int:
        """Return sequences per step: the square root of the number of tokens, scaled."""
        return max(1, round(math.sqrt(tokens / self.batch_reference_tokens)))

    def optimiser_of(self, batch_size: int, width: int) -> Optimiser:
        """Return the settings of a run's optimiser.

        All learning rates follow the square root of the batch, and all but the embedding's
        follow the width.
        """
        scale = math.sqrt(batch_size * self.context_length / REFERENCE_BATCH_TOKENS)
        matrices = self.matrix_learning_rate / math.sqrt(width) * scale
        return self.optimiser_settings(
            learning_rate=matrices,
            embedding=self.embedding_learning_rate * scale,
            head=self.head_learning_rate_ratio * matrices,
            weight_decay=self.weight_decay,
        )

    def settings_problems(self) -> dict[str, str]:
        """Return problems between settings, also what the native implementation cannot train."""
        found = super().settings_problems()
        for key, trained in NATIVE.items():
            if self.implementation == "native" and getattr(self, key) != trained:
                found[key] = (
                    "is not trained by suite.recipe.implementation = 'native', which has "
                    f"{trained!r} only: take auto or torch"
                )
        return found

    def run_implementation(self) -> Implementation:
        """Return the configured implementation."""
        return self.implementation
