"""The torch module of the architecture `qwen3`: compact and quick to import.

Pre-RMSNorm, rotary positions, QK-norm, SwiGLU, no biases, untied embedding and head (Qwen3: arXiv
2505.09388). Parameter names are those of `transformers`' `Qwen3ForCausalLM`, so that a saved folder
loads there with equal logits. Counts and `config.json` are in `plan.qwen3`.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from relscale.plan.architecture import Choices, Shape
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.attention import Attend, sdpa


class Attention(nn.Module):
    """Causal multi-head attention with rotary positions and RMS-normalised queries and keys."""

    def __init__(self, shape: Shape, epsilon: float) -> None:
        """Create the four projections and two norms of a shape."""
        super().__init__()
        self.shape = shape
        self.attend: Attend = sdpa
        self.q_proj = nn.Linear(shape.width, shape.heads * shape.head_dim, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.kv_heads * shape.head_dim, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.kv_heads * shape.head_dim, bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.head_dim, shape.width, bias=False)
        self.q_norm = nn.RMSNorm(shape.head_dim, eps=epsilon)
        self.k_norm = nn.RMSNorm(shape.head_dim, eps=epsilon)

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Map hidden states (batch, time, width) to the same shape.

        The angles are (time, head_dim).
        """
        batch, time, _ = hidden.shape
        shape = self.shape
        # Norms in the precision of their weights: products may be in a lower one.
        precision = self.q_norm.weight.dtype
        query = self.q_norm(
            self.q_proj(hidden).view(batch, time, shape.heads, shape.head_dim).to(precision)
        ).transpose(1, 2)
        key = self.k_norm(
            self.k_proj(hidden).view(batch, time, shape.kv_heads, shape.head_dim).to(precision)
        ).transpose(1, 2)
        value = (
            self.v_proj(hidden).view(batch, time, shape.kv_heads, shape.head_dim).transpose(1, 2)
        )
        query, key = rotate(query, cosine, sine), rotate(key, cosine, sine)
        mixed = self.attend(query, key, value)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, time, -1))


class MLP(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x))."""

    def __init__(self, shape: Shape) -> None:
        """Create the three projections of a shape."""
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.intermediate, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.intermediate, bias=False)
        self.down_proj = nn.Linear(shape.intermediate, shape.width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (batch, time, width) to the same shape."""
        return self.down_proj(functional.silu(self.gate_proj(hidden)) * self.up_proj(hidden))


class Block(nn.Module):
    """Attention and MLP, each behind a norm and added to the residual stream."""

    def __init__(self, shape: Shape, epsilon: float) -> None:
        """Create the two halves of a shape."""
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.width, eps=epsilon)
        self.self_attn = Attention(shape, epsilon)
        self.post_attention_layernorm = nn.RMSNorm(shape.width, eps=epsilon)
        self.mlp = MLP(shape)

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Map (batch, time, width) to the same shape."""
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), cosine, sine)
        return hidden + self.mlp(self.post_attention_layernorm(hidden))


class Trunk(nn.Module):
    """All parts of a decoder but its head; named as in `transformers`."""

    def __init__(self, shape: Shape, epsilon: float) -> None:
        """Create embedding, blocks and the final norm of a shape."""
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.width)
        self.layers = nn.ModuleList(Block(shape, epsilon) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=epsilon)

    def forward(
        self, tokens: Tensor, cosine: Tensor, sine: Tensor, activation_checkpointing: bool
    ) -> Tensor:
        """Map token ids (batch, time) to hidden states (batch, time, width)."""
        hidden = self.embed_tokens(tokens)
        for block in self.layers:
            hidden = (
                checkpoint(block, hidden, cosine, sine, use_reentrant=False)
                if activation_checkpointing
                else block(hidden, cosine, sine)
            )
        return self.norm(hidden)


class Decoder(CausalDecoder):
    """A Qwen3-type decoder."""

    def __init__(self, shape: Shape, choices: Choices | None = None) -> None:
        """Create a decoder without initial values; see `training.model.initialise`."""
        super().__init__()
        self.shape = shape
        self.choices = choices = choices or Choices()
        self.model = Trunk(shape, choices.norm_epsilon)
        self.lm_head = nn.Linear(shape.width, shape.vocab_size, bias=False)
        self.cosine: Tensor
        self.sine: Tensor
        cosine, sine = rotary_angles(shape.context_length, shape.head_dim, choices)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)

    def blocks(self) -> list[nn.Module]:
        """Return the blocks."""
        return list(self.model.layers)

    def use_attention(self, attend: Attend) -> None:
        """Compute the attention of all blocks by a function."""
        for module in self.modules():
            if isinstance(module, Attention):
                module.attend = attend

    def hidden(self, tokens: Tensor) -> Tensor:
        """Return the last hidden states (batch, time, width) of token ids (batch, time).

        The time is at most the context length.
        """
        time = tokens.shape[1]
        hidden: Tensor = self.model(
            tokens, self.cosine[:time], self.sine[:time], self.activation_checkpointing
        )
        return hidden


def rotary_angles(length: int, head_dim: int, choices: Choices) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (length, head_dim) of the rotary angles.

    The angles are position * theta^(-2i / head_dim) (RoFormer, arXiv 2104.09864).

    With scaling, frequencies whose wavelength is above `original / low` are divided by `factor`,
    those below `original / high` are kept, and those between are blended linearly in original /
    wavelength (Llama 3, arXiv 2407.21783).
    """
    # On the CPU even if the decoder is built on the device `meta`: nothing fills buffers later.
    cpu = torch.device("cpu")
    frequencies = choices.rope_theta ** (
        -torch.arange(0, head_dim, 2, dtype=torch.float32, device=cpu) / head_dim
    )
    scaling = choices.rope_scaling
    if scaling is not None:
        rotations = scaling.original_max_position_embeddings * frequencies / (2 * math.pi)
        kept = (rotations - scaling.low_freq_factor) / (
            scaling.high_freq_factor - scaling.low_freq_factor
        )
        kept = kept.clamp(0, 1)
        frequencies = (1 - kept) * frequencies / scaling.factor + kept * frequencies
    angles = torch.outer(torch.arange(length, dtype=torch.float32, device=cpu), frequencies).repeat(
        1, 2
    )
    return angles.cos(), angles.sin()


def rotate(vectors: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate (batch, heads, time, head_dim) by position.

    Halves are paired as in `transformers`.
    """
    first, second = vectors.chunk(2, dim=-1)
    return vectors * cosine + torch.cat((-second, first), dim=-1) * sine
