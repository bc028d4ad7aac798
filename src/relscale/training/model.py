"""The decoder that we train: Qwen3's architecture, compact and quick to import.

Pre-RMSNorm, rotary positions, QK-norm, SwiGLU, no biases, untied embedding and head (Qwen3: arXiv
2505.09388). Parameter names are those of `transformers`' `Qwen3ForCausalLM`, so that a saved folder
loads there with equal logits.
"""

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from relscale.plan.architecture import Choices, Shape
from relscale.training.folder import read_config, read_values, save_folder
from relscale.training.initial import initial_values


class Attention(nn.Module):
    """Causal multi-head attention with rotary positions and RMS-normalised queries and keys."""

    def __init__(self, shape: Shape, epsilon: float) -> None:
        """Make the four projections and two norms of a shape."""
        super().__init__()
        self.shape = shape
        self.q_proj = nn.Linear(shape.width, shape.heads * shape.head_dim, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.kv_heads * shape.head_dim, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.kv_heads * shape.head_dim, bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.head_dim, shape.width, bias=False)
        self.q_norm = nn.RMSNorm(shape.head_dim, eps=epsilon)
        self.k_norm = nn.RMSNorm(shape.head_dim, eps=epsilon)

    def forward(self, hidden: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Map hidden states (batch, time, width) to the same shape; the angles are (time,
        head_dim)."""
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
        mixed = functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, enable_gqa=shape.kv_heads != shape.heads
        )
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, time, -1))


class MLP(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x))."""

    def __init__(self, shape: Shape) -> None:
        """Make the three projections of a shape."""
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
        """Make the two halves of a shape."""
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
    """All of a decoder but its head; named as in `transformers`."""

    def __init__(self, shape: Shape, epsilon: float) -> None:
        """Make embedding, blocks and the final norm of a shape."""
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.width)
        self.layers = nn.ModuleList(Block(shape, epsilon) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=epsilon)
        self.recompute = False

    def forward(self, tokens: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Map token ids (batch, time) to hidden states (batch, time, width).

        With `recompute`, a block keeps its input alone, and makes the rest again in the backward
        pass (arXiv 1604.06174).
        """
        hidden = self.embed_tokens(tokens)
        for block in self.layers:
            hidden = (
                checkpoint(block, hidden, cosine, sine, use_reentrant=False)
                if self.recompute
                else block(hidden, cosine, sine)
            )
        return self.norm(hidden)


class Decoder(nn.Module):
    """A decoder-only transformer: token ids (batch, time) to logits (batch, time, vocab)."""

    def __init__(self, shape: Shape, choices: Choices | None = None) -> None:
        """Make an uninitialised decoder; see `initialise`."""
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

    def hidden(self, tokens: Tensor) -> Tensor:
        """Return the last hidden states (batch, time, width) of token ids (batch, time), time at
        most the context's length."""
        time = tokens.shape[1]
        return self.model(tokens, self.cosine[:time], self.sine[:time])

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (batch, time, vocab) of token ids (batch, time), time at most the context's
        length."""
        return self.lm_head(self.hidden(tokens))


def rotary_angles(length: int, head_dim: int, choices: Choices) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (length, head_dim) of RoFormer's angles, position * theta^(-2i /
    head_dim) (arXiv 2104.09864).

    With scaling, frequencies whose wavelength is above `original / low` are divided by `factor`,
    those below `original / high` are kept, and those between are blended linearly in original /
    wavelength (Llama 3, arXiv 2407.21783).
    """
    frequencies = choices.rope_theta ** (
        -torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
    )
    scaling = choices.rope_scaling
    if scaling is not None:
        rotations = scaling.original_max_position_embeddings * frequencies / (2 * math.pi)
        kept = (rotations - scaling.low_freq_factor) / (
            scaling.high_freq_factor - scaling.low_freq_factor
        )
        kept = kept.clamp(0, 1)
        frequencies = (1 - kept) * frequencies / scaling.factor + kept * frequencies
    angles = torch.outer(torch.arange(length, dtype=torch.float32), frequencies).repeat(1, 2)
    return angles.cos(), angles.sin()


def rotate(vectors: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate (batch, heads, time, head_dim) by their positions; halves are paired as in
    `transformers`."""
    first, second = vectors.chunk(2, dim=-1)
    return vectors * cosine + torch.cat((-second, first), dim=-1) * sine


def initialise(decoder: Decoder, seed: int) -> None:
    """Fill parameters with `initial_values`; they do not depend on the device."""
    parameters = dict(decoder.named_parameters())
    with torch.no_grad():
        for name, value in initial_values(decoder.shape, decoder.choices, seed):
            parameters[name].copy_(torch.from_numpy(value))


def save_decoder(decoder: Decoder, folder: Path) -> None:
    """Save `config.json` and `model.safetensors`, the form that
    `AutoModelForCausalLM.from_pretrained` reads."""
    values = {
        name: parameter.detach().cpu().contiguous().numpy()
        for name, parameter in decoder.state_dict().items()
    }
    save_folder(folder, decoder.shape, decoder.choices, values)


def load_decoder(folder: Path) -> Decoder:
    """Load a decoder that `save_decoder` wrote.

    Raises:
        ValueError: naming the file, where the folder holds no such model or its tensors do not fit
            the configuration.
    """
    shape, choices = read_config(folder)
    decoder = Decoder(shape, choices)
    decoder.load_state_dict(
        {name: torch.from_numpy(value) for name, value in read_values(folder, shape).items()}
    )
    return decoder.eval()
