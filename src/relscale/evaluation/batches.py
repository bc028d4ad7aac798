"""How much of the requests a torch model is given at a time, and what memory that takes. Pure,
light: the plan's resources import it."""

from typing import Literal

from relscale.plan.architecture import Shape

BATCH_TOKENS = 2048
"""Padded tokens of a batch on a processor. Small batches stay in a core's cache: at widths of 16 to
112 this is about twice as fast as 65,536."""
GPU_BATCH_TOKENS = 8192
"""Padded tokens of a batch on a GPU: with 128,256 entries of a vocabulary, logits and what is made
of them take 13 GB."""


def scoring_bytes(shape: Shape, device: Literal["cpu", "cuda"]) -> int:
    """Return an upper estimate of what scoring a batch takes beside the parameters, which are
    float32.

    A token has logits, those of them that count, and their exponentials while they are summed; and
    the widest that a block holds at once. On a GPU products are in bfloat16, for which one matrix
    at a time is copied.
    """
    size = 4 if device == "cpu" else 2
    tokens = max(GPU_BATCH_TOKENS if device == "cuda" else BATCH_TOKENS, shape.context_length)
    copies = 0 if device == "cpu" else 2 * shape.vocab_size * shape.width
    return (
        tokens * (12 * shape.vocab_size + 4 * size * shape.intermediate + 40 * shape.width) + copies
    )
