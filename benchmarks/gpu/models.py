"""The models that are measured, their optimiser, and batches to train them on."""

from dataclasses import dataclass

import numpy as np

from relscale.plan.architecture import Shape
from relscale.plan.optimiser import CautiousAdamCSettings

OPTIMISER = CautiousAdamCSettings(
    learning_rate=0.003,
    embedding_learning_rate=0.003,
    head_learning_rate=0.003,
    beta1=0.95,
    beta2=0.98,
    weight_decay=0.1,
    clip_norm=1.0,
    warmup_share=0.1,
    decay_share=0.2,
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One model whose training step is measured."""

    shape: Shape
    batch: int
    """Sequences per batch."""

    @property
    def model(self) -> str:
        """Width x layers, the name of the model in the results."""
        return f"{self.shape.width}x{self.shape.layers}"


def shape_of(width: int, layers: int, *, head: int, vocabulary: int, context: int) -> Shape:
    """Return a shape with the ratios of the recipe `marin2025`."""
    return Shape(
        width=width,
        layers=layers,
        heads=width // head,
        kv_heads=width // head,
        head_dim=head,
        intermediate=4 * width,
        vocab_size=vocabulary,
        context_length=context,
    )


def cases(quick: bool) -> list[Case]:
    """Return the models to measure, the most informative first."""
    if quick:
        sizes, settings = [(64, 2, 4), (32, 1, 4)], {"head": 16, "vocabulary": 500, "context": 64}
    else:
        sizes = [(2048, 21, 16), (512, 6, 64), (1024, 11, 32), (4096, 6, 8), (768, 8, 32)]
        settings = {"head": 128, "vocabulary": 128_256, "context": 4096}
    return [
        Case(shape=shape_of(width, layers, **settings), batch=batch)
        for width, layers, batch in sizes
    ]


def checked_shape(quick: bool) -> Shape:
    """Return the shape of the small model whose losses and checkpoints are checked."""
    if quick:
        return shape_of(32, 1, head=16, vocabulary=64, context=32)
    return shape_of(256, 4, head=128, vocabulary=1024, context=512)


def batches(shape: Shape, sequences: int, steps: int) -> list[np.ndarray]:
    """Return batches with something to learn: each token follows from the one before it.

    Returns:
        One array per step, (sequences, context length + 1).
    """
    generator = np.random.default_rng(0)
    starts = generator.integers(0, shape.vocab_size, (steps, sequences, 1))
    return list((starts + 7 * np.arange(shape.context_length + 1)) % shape.vocab_size)
