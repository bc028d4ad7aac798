"""The architecture `lstm` as numbers: a stacked LSTM language model.

Embedding, layers of LSTM cells (Hochreiter and Schmidhuber 1997; with the forget gate of Gers et
al. 2000) without anything between them, and a head that is not tied to the embedding: the recurrent
model that Kaplan et al. (2020, figure 7) compare with transformers. `width` is the size of the
state. The state is zero at the start of every window. All counts are exact integers. FLOPs count a
multiply-add as two; the embedding lookup, biases, gates and element-wise operations are free, as
for the other architectures. The torch module is `training.architectures.lstm`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from relscale.plan.architecture import Attention, Choices, ParameterCount, Shape

GATES = 4
"""Input gate, forget gate, cell and output gate, in this order in each matrix and bias."""
KEPT_VALUES = 17
"""Values per unit of the state and token that a layer keeps: its output, and the work space of
oneDNN, 15.4 for gates, cell and states with their copies. A test counts them."""


class Lstm:
    """See `plan.architecture.Architecture`."""

    name = "lstm"
    has_attention = False
    in_transformers = False

    def parameter_shapes(self, shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield name and shape of each parameter; those of a layer are named as in torch."""
        width, gates = shape.width, GATES * shape.width
        yield "model.embed_tokens.weight", (shape.vocab_size, width)
        for layer in range(shape.layers):
            lstm = f"model.layers.{layer}.lstm."
            yield f"{lstm}weight_ih_l0", (gates, width)
            yield f"{lstm}weight_hh_l0", (gates, width)
            yield f"{lstm}bias_ih_l0", (gates,)
            yield f"{lstm}bias_hh_l0", (gates,)
        yield "lm_head.weight", (shape.vocab_size, width)

    def initial_std(self, shape: Shape, name: str, size: tuple[int, ...]) -> float:
        """Return the standard deviation of a matrix at initialisation.

        0.02 for the embedding, 0.01 / sqrt(width) for the head and 1 / sqrt(fan in) for other
        matrices, as for `qwen3`.
        """
        if name.startswith("model.embed_tokens"):
            return 0.02
        if name.startswith("lm_head"):
            return 0.01 / math.sqrt(shape.width)
        return 1 / math.sqrt(size[1])

    def initial_vector(self, name: str) -> Sequence[float]:
        """Return 1 for the forget gate and 0 for the other biases.

        torch adds two biases, of which one has the 1 (Jozefowicz et al. 2015, section 3.2).
        """
        return (0.0, 1.0, 0.0, 0.0) if "bias_ih" in name else (0.0,)

    def count_parameters(self, shape: Shape) -> ParameterCount:
        """Count the parameters by component; a layer has two matrices and torch's two biases."""
        table = shape.vocab_size * shape.width
        biases = 2 * GATES * shape.width
        return ParameterCount(
            embedding=table,
            head=table,
            transformer=shape.layers * (self.matrix_parameters_of_a_block(shape) + biases),
        )

    def matrix_parameters_of_a_block(self, shape: Shape) -> int:
        """Return the number of parameters of the two matrices: of the input, and of the state."""
        return 2 * GATES * shape.width**2

    def forward_flops_per_token(
        self, shape: Shape, attention: Attention, count_softmax: bool
    ) -> int:
        """Return the forward FLOPs of one token: 2 per parameter of matrices and head.

        The same at every position, since the state has a fixed size; there is no attention to
        count. The product with the state of zero at the start of a window counts: it is computed.
        """
        del attention, count_softmax
        matrices = shape.layers * self.matrix_parameters_of_a_block(shape)
        return 2 * matrices + 2 * shape.width * shape.vocab_size

    def block_activation_bytes(self, shape: Shape, size: int, compiled: bool = False) -> int:
        """Return the bytes per token that a layer keeps for its backward pass.

        The same in compiled runs, whose layers are not compiled.
        """
        del compiled
        return KEPT_VALUES * size * shape.width

    def hugging_face_config(self, shape: Shape, choices: Choices) -> dict[str, Any]:
        """Return the `config.json`, with the keys of `transformers`, which has no such model."""
        del choices
        return {
            "architectures": ["LstmForCausalLM"],
            "model_type": self.name,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "hidden_size": shape.width,
            "max_position_embeddings": shape.context_length,
            "num_hidden_layers": shape.layers,
            "tie_word_embeddings": False,
            "dtype": "float32",
            "vocab_size": shape.vocab_size,
        }

    def read_hugging_face_config(self, config: dict[str, Any]) -> tuple[Shape, Choices]:
        """Return the size of a `config.json`; the architecture has no settings."""
        shape = Shape(
            width=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=0,
            kv_heads=0,
            head_dim=0,
            intermediate=0,
            vocab_size=config["vocab_size"],
            context_length=config["max_position_embeddings"],
            architecture=self.name,
        )
        return shape, Choices()
