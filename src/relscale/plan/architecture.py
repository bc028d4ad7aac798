"""What a decoder is, as plain data: its size and the few choices beside it. Imported by the plan
and by training."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The size of a decoder."""

    width: int
    """Width of the residual stream, d."""
    layers: int
    """Number of blocks, L."""
    heads: int
    """Query heads of a block, h."""
    kv_heads: int
    """Key and value heads of a block."""
    head_dim: int
    """Width of a head."""
    intermediate: int
    """Width inside the MLP, m."""
    vocab_size: int
    """Entries of the vocabulary, V."""
    context_length: int
    """Tokens of a sequence, T."""


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """Llama 3's stretching of low rotary frequencies (`rope_type: llama3`)."""

    factor: float = 8.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_position_embeddings: int = 8192


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a recipe fixes beside the size."""

    norm_epsilon: float = 1e-6
    """Added to the mean square in every RMSNorm."""
    rope_theta: float = 10_000.0
    """Base of the rotary frequencies."""
    rope_scaling: RopeScaling | None = None
    """Stretching of the rotary frequencies, if any."""
    init_std: float | None = None
    """Standard deviation of all matrices at the start; None scales each by its fan-in (see
    `training.initial`)."""
