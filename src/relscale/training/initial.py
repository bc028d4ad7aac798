"""The values that a decoder's parameters start from: the same bytes for every implementation. Light
imports: no torch."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from relscale.plan.architecture import Choices, Shape

Values = dict[str, npt.NDArray[np.float32]]


def parameter_shapes(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of each parameter of a decoder, in order; names are those of
    `transformers`' `Qwen3ForCausalLM`."""
    width, queries, keys = (
        shape.width,
        shape.heads * shape.head_dim,
        shape.kv_heads * shape.head_dim,
    )
    yield "model.embed_tokens.weight", (shape.vocab_size, width)
    for layer in range(shape.layers):
        block = f"model.layers.{layer}."
        yield f"{block}input_layernorm.weight", (width,)
        yield f"{block}self_attn.q_proj.weight", (queries, width)
        yield f"{block}self_attn.k_proj.weight", (keys, width)
        yield f"{block}self_attn.v_proj.weight", (keys, width)
        yield f"{block}self_attn.o_proj.weight", (width, queries)
        yield f"{block}self_attn.q_norm.weight", (shape.head_dim,)
        yield f"{block}self_attn.k_norm.weight", (shape.head_dim,)
        yield f"{block}post_attention_layernorm.weight", (width,)
        yield f"{block}mlp.gate_proj.weight", (shape.intermediate, width)
        yield f"{block}mlp.up_proj.weight", (shape.intermediate, width)
        yield f"{block}mlp.down_proj.weight", (width, shape.intermediate)
    yield "model.norm.weight", (width,)
    yield "lm_head.weight", (shape.vocab_size, width)


def initial_values(
    shape: Shape, choices: Choices, seed: int
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield name and value of each parameter, drawn from a seed in the order of `parameter_shapes`.

    Norms are 1. Matrices are normal with `choices.init_std`, or without one: embedding 0.02,
    matrices 1/sqrt(fan in), output projections less by sqrt(2 layers), head 0.01/sqrt(width).
    """
    generator = np.random.default_rng(seed)
    for name, size in parameter_shapes(shape):
        if len(size) == 1:
            yield name, np.ones(size, dtype=np.float32)
            continue
        deviation = size[1] ** -0.5
        if choices.init_std is not None:
            deviation = choices.init_std
        elif name.startswith("model.embed_tokens"):
            deviation = 0.02
        elif name.startswith("lm_head"):
            deviation = 0.01 * shape.width**-0.5
        elif name.endswith(("o_proj.weight", "down_proj.weight")):
            deviation *= (2 * shape.layers) ** -0.5
        yield name, generator.standard_normal(size, dtype=np.float32) * np.float32(deviation)
