"""Shapes of small models for tests."""

from dataclasses import replace

from relscale.plan.architecture import Shape

SMALL = Shape(
    width=24,
    layers=2,
    heads=3,
    kv_heads=3,
    head_dim=8,
    intermediate=64,
    vocab_size=97,
    context_length=33,
)
WIDE = replace(
    SMALL,
    width=40,
    layers=1,
    heads=2,
    kv_heads=2,
    head_dim=20,
    intermediate=112,
    vocab_size=512,
    context_length=128,
)
"""One layer with other sizes, a larger vocabulary and a longer context."""


def lstm_shape(shape: Shape) -> Shape:
    """Return the size of an LSTM with the width, layers, vocabulary and context of a decoder."""
    unused = {"heads": 0, "kv_heads": 0, "head_dim": 0, "intermediate": 0}
    return replace(shape, architecture="lstm", **unused)
