"""Parameters and FLOPs of a Qwen3-type decoder, by component; budgets to tokens and steps.

All counts are exact integers of one architecture: pre-RMSNorm, SwiGLU, QK-norm, no biases, untied
embedding and head. FLOPs count a multiply-add as two; the embedding lookup, norms and element-wise
operations are free. Light imports only.
"""

from dataclasses import dataclass
from typing import Literal

from relscale.plan.architecture import Shape

Attention = Literal["full", "causal"]
TRAINING_OVER_FORWARD = 3
"""The backward pass costs twice the forward pass (Kaplan et al. 2020, section 2.1)."""


@dataclass(frozen=True, kw_only=True)
class ParameterCount:
    """Number of parameters by component."""

    embedding: int
    head: int
    transformer: int
    """Blocks and the final norm."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.embedding + self.head + self.transformer


def count_parameters(shape: Shape) -> ParameterCount:
    """Count parameters: each block has Q, K, V, O, three MLP matrices, two norms of the width and
    two of the head."""
    attention = shape.width * shape.head_dim * (2 * shape.heads + 2 * shape.kv_heads)
    mlp = 3 * shape.width * shape.intermediate
    norms = 2 * shape.width + 2 * shape.head_dim
    table = shape.vocab_size * shape.width
    return ParameterCount(
        embedding=table,
        head=table,
        transformer=shape.layers * (attention + mlp + norms) + shape.width,
    )


def forward_flops_per_token(shape: Shape, attention: Attention, count_softmax: bool) -> int:
    """Return the forward FLOPs of one token, averaged over a sequence.

    Matrices and head cost 2 FLOPs a parameter. Scores and weighted values cost 4 T d_attention with
    full attention; a causal mask halves that. The softmax, where counted, costs 3 T a head (the
    paper's convention, full attention only).
    """
    matrices = (
        shape.width * shape.head_dim * (2 * shape.heads + 2 * shape.kv_heads)
        + 3 * shape.width * shape.intermediate
    )
    maps = 4 * shape.context_length * shape.heads * shape.head_dim
    if attention == "causal":
        maps //= 2
    softmax = 3 * shape.context_length * shape.heads if count_softmax else 0
    return shape.layers * (2 * matrices + maps + softmax) + 2 * shape.width * shape.vocab_size


def steps_for(
    budget_flops: float, flops_per_token: int, batch_size: int, context_length: int
) -> int:
    """Return the number of optimiser steps whose FLOPs are nearest to a budget."""
    return round(budget_flops / (flops_per_token * batch_size * context_length))
