"""Parameters and FLOPs of a decoder, and the number of steps that spends a budget.

The formulas belong to the architecture (`plan.qwen3`); which of them a recipe counts is its
`FlopCounting`. Light imports only.
"""

from dataclasses import dataclass
from typing import Literal

from relscale.plan.architecture import Attention, ParameterCount, Shape
from relscale.plan.architectures import architecture_of

TRAINING_OVER_FORWARD = 3
"""The backward pass costs twice the forward pass (Kaplan et al. 2020, section 2.1)."""


@dataclass(frozen=True, kw_only=True)
class FlopCounting:
    """A recipe's convention for counting FLOPs."""

    attention: Attention
    """Whether all pairs of positions count, or only those below the causal mask."""
    softmax: bool
    """Whether the softmax counts."""
    label: Literal["forward_flops", "training_flops"]
    """The FLOPs that the label of a budget means."""

    def forward_flops_per_token(self, shape: Shape) -> int:
        """Return the forward FLOPs of one token by this convention."""
        return forward_flops_per_token(shape, self.attention, self.softmax)

    def labelled_flops_per_token(self, shape: Shape) -> int:
        """Return the FLOPs of one token that count towards the label of a budget."""
        times = TRAINING_OVER_FORWARD if self.label == "training_flops" else 1
        return times * self.forward_flops_per_token(shape)


def count_parameters(shape: Shape) -> ParameterCount:
    """Count the parameters of a decoder by component."""
    return architecture_of(shape).count_parameters(shape)


def forward_flops_per_token(shape: Shape, attention: Attention, count_softmax: bool) -> int:
    """Return the forward FLOPs of one token, averaged over a sequence."""
    return architecture_of(shape).forward_flops_per_token(shape, attention, count_softmax)


def steps_for(
    budget_flops: float, flops_per_token: int, batch_size: int, context_length: int
) -> int:
    """Return the number of optimiser steps whose FLOPs are nearest to a budget."""
    return round(budget_flops / (flops_per_token * batch_size * context_length))
