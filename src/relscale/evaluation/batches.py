"""Size of the batches that torch models score, and the memory that a batch needs. Light imports."""

from typing import Literal

from relscale.plan.architecture import Shape
from relscale.plan.architectures import architecture_of

BATCH_TOKENS = 2048
"""Padded tokens of a batch on a CPU. Small batches fit the cache of a core: at widths of 16 to 112
this is about twice as fast as 65,536."""
GPU_BATCH_TOKENS = 8192
"""Padded tokens of a batch on a GPU: with a vocabulary of 128,256 entries, logits and their copies
need 13 GB."""


def scoring_bytes(shape: Shape, device: Literal["cpu", "cuda"]) -> int:
    """Return an upper estimate of the memory for scoring a batch, without the parameters.

    Each token needs logits, a copy of the logits that count, their exponentials while these are
    summed, and the widest activations of a block. On a GPU, products are in bfloat16, for which one
    matrix at a time is copied. Parameters are float32.
    """
    size = 4 if device == "cpu" else 2
    architecture = architecture_of(shape)
    widest = (
        4 * size * shape.intermediate
        if architecture.has_attention
        else architecture.block_activation_bytes(shape, size)
    )
    tokens = max(GPU_BATCH_TOKENS if device == "cuda" else BATCH_TOKENS, shape.context_length)
    copies = 0 if device == "cpu" else 2 * shape.vocab_size * shape.width
    return tokens * (12 * shape.vocab_size + widest + 40 * shape.width) + copies
