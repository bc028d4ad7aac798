"""The architecture `qwen3` (arXiv 2505.09388) as numbers.

Pre-RMSNorm, rotary positions, QK-norm, SwiGLU, no biases, untied embedding and head. All counts are
exact integers. FLOPs count a multiply-add as two; the embedding lookup, norms and element-wise
operations are free. The torch module is `training.architectures.qwen3`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from relscale.plan.architecture import Attention, Choices, ParameterCount, RopeScaling, Shape


class Qwen3:
    """See `plan.architecture.Architecture`."""

    name = "qwen3"
    has_attention = True
    in_transformers = True

    def parameter_shapes(self, shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield name and shape of each parameter; names are those of `Qwen3ForCausalLM`."""
        width = shape.width
        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
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

    def initial_std(self, shape: Shape, name: str, size: tuple[int, ...]) -> float:
        """Return the standard deviation of a matrix at initialisation.

        0.02 for the embedding, 0.01 / sqrt(width) for the head, and 1 / sqrt(fan in) for
        other matrices, divided by sqrt(2 layers) for output projections.
        """
        if name.startswith("model.embed_tokens"):
            return 0.02
        if name.startswith("lm_head"):
            return 0.01 / math.sqrt(shape.width)
        deviation = 1 / math.sqrt(size[1])
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            deviation /= math.sqrt(2 * shape.layers)
        return deviation

    def initial_vector(self, name: str) -> Sequence[float]:
        """Return 1: all vectors are norms."""
        return (1.0,)

    def count_parameters(self, shape: Shape) -> ParameterCount:
        """Count the parameters by component.

        A block has Q, K, V, O, three MLP matrices, two norms of the width and two of the
        head.
        """
        norms = 2 * shape.width + 2 * shape.head_dim
        table = shape.vocab_size * shape.width
        return ParameterCount(
            embedding=table,
            head=table,
            transformer=shape.layers * (self.matrix_parameters_of_a_block(shape) + norms)
            + shape.width,
        )

    def matrix_parameters_of_a_block(self, shape: Shape) -> int:
        """Return the number of parameters in Q, K, V, O and the three MLP matrices."""
        attention = shape.width * shape.head_dim * (2 * shape.heads + 2 * shape.kv_heads)
        return attention + 3 * shape.width * shape.intermediate

    def forward_flops_per_token(
        self, shape: Shape, attention: Attention, count_softmax: bool
    ) -> int:
        """Return the forward FLOPs of one token, averaged over a sequence.

        Matrices and head cost 2 FLOPs per parameter. Scores and weighted values cost
        4 T d_attention with full attention, half of it with causal attention. The softmax, where
        counted, costs 3 T per head (the paper's convention).
        """
        matrices = self.matrix_parameters_of_a_block(shape)
        maps = 4 * shape.context_length * shape.heads * shape.head_dim
        if attention == "causal":
            maps //= 2
        softmax = 3 * shape.context_length * shape.heads if count_softmax else 0
        return shape.layers * (2 * matrices + maps + softmax) + 2 * shape.width * shape.vocab_size

    def block_activation_bytes(self, shape: Shape, size: int, compiled: bool = False) -> int:
        """Return the bytes per token that a block keeps for its backward pass.

        Not compiled: the residual stream twice (float32); normed inputs, queries and keys before
        and after their norm and after rotation, values and the mixed heads; the MLP's gate, its
        silu, its up projection and their product. Values have the precision of the matrix products,
        outputs of norms exist in both precisions.

        Compiled, only the inputs and outputs of products and of attention are kept, and everything
        between them is computed again: the residual stream once (float32), two normed inputs and
        the output of attention; queries and keys before their norm and after rotation, values and
        mixed heads; gate, up projection and their product; one float32 per norm, head and token. It
        is the choice of Inductor's minimum cut, which tests count.
        """
        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        if compiled:
            products = 3 * shape.width + 3 * (queries + keys) + 3 * shape.intermediate
            norms = 4 * (2 + 2 * shape.heads + shape.kv_heads)
            return 4 * shape.width + size * products + norms
        attention = (
            2 * shape.width * (4 + size + 4)
            + (queries + keys) * (size + 12 + 2 * size)
            + (queries + 2 * keys) * size
        )
        return attention + shape.intermediate * 4 * size + 12 * (shape.heads + shape.kv_heads)

    def hugging_face_config(self, shape: Shape, choices: Choices) -> dict[str, Any]:
        """Return the `config.json` from which `AutoModelForCausalLM` builds the same model."""
        rope: dict[str, Any] = {"rope_type": "default", "rope_theta": choices.rope_theta}
        if choices.rope_scaling is not None:
            rope |= {"rope_type": "llama3", **asdict(choices.rope_scaling)}
        return {
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": "qwen3",
            "attention_bias": False,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "head_dim": shape.head_dim,
            "hidden_act": "silu",
            "hidden_size": shape.width,
            "intermediate_size": shape.intermediate,
            "max_position_embeddings": shape.context_length,
            "num_attention_heads": shape.heads,
            "num_hidden_layers": shape.layers,
            "num_key_value_heads": shape.kv_heads,
            "rms_norm_eps": choices.norm_epsilon,
            "rope_parameters": rope,
            "tie_word_embeddings": False,
            "dtype": "float32",
            "use_cache": True,
            "vocab_size": shape.vocab_size,
        }

    def read_hugging_face_config(self, config: dict[str, Any]) -> tuple[Shape, Choices]:
        """Return the size and settings of a `config.json`."""
        shape = Shape(
            width=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            kv_heads=config["num_key_value_heads"],
            head_dim=config["head_dim"],
            intermediate=config["intermediate_size"],
            vocab_size=config["vocab_size"],
            context_length=config["max_position_embeddings"],
            architecture=self.name,
        )
        rope = dict(config["rope_parameters"])
        theta, kind = rope.pop("rope_theta"), rope.pop("rope_type")
        return shape, Choices(
            norm_epsilon=config["rms_norm_eps"],
            rope_theta=theta,
            rope_scaling=RopeScaling(**rope) if kind == "llama3" else None,
        )
