"""The size of a model as plain data, and the protocol of architectures.

Read `Shape` first. The plan and training import this module; it imports nothing of the project.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Attention = Literal["full", "causal"]
"""How the FLOPs of attention are counted: all pairs of positions, or only those below the mask."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The size of a model, and the architecture that the size belongs to.

    An architecture without attention has no heads and no MLP: these four numbers are 0.
    """

    width: int
    """Width of the residual stream, or of the state of a recurrent network, d."""
    layers: int
    """Number of blocks, L."""
    heads: int
    """Query heads per block, h."""
    kv_heads: int
    """Key and value heads per block."""
    head_dim: int
    """Width of a head."""
    intermediate: int
    """Width inside the MLP, m."""
    vocab_size: int
    """Entries of the vocabulary, V."""
    context_length: int
    """Tokens per sequence, T."""
    architecture: str = "qwen3"
    """Name of the architecture, a key of `plan.architectures.ARCHITECTURES`."""


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """Llama 3's scaling of low rotary frequencies (`rope_type: llama3`)."""

    factor: float = 8.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_position_embeddings: int = 8192


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The settings of an architecture that a recipe fixes in addition to the size."""

    norm_epsilon: float = 1e-6
    """Added to the mean square in every RMSNorm."""
    rope_theta: float = 10_000.0
    """Base of the rotary frequencies."""
    rope_scaling: RopeScaling | None = None
    """Scaling of the rotary frequencies, if any."""
    init_std: float | None = None
    """Standard deviation of all matrices at initialisation; None scales each by its fan-in (see
    `Architecture.initial_std`)."""


@dataclass(frozen=True, kw_only=True)
class ParameterCount:
    """Number of parameters by component."""

    embedding: int
    head: int
    transformer: int
    """Blocks and the final norm."""

    @property
    def total(self) -> int:
        """Number of all parameters."""
        return self.embedding + self.head + self.transformer


class Architecture(Protocol):
    """Everything that the plan, training and saving must know about an architecture.

    The torch module is the only other part; `training.model` names it. Embedding and head are
    called `model.embed_tokens.weight` and `lm_head.weight` in every architecture.
    """

    name: str
    """The key in the registry and the value of `suite.recipe.architecture`."""
    has_attention: bool
    """Whether blocks have attention and an MLP; if not, heads and `intermediate` of a size are 0,
    and the conventions for counting the FLOPs of attention change nothing."""
    in_transformers: bool
    """Whether `transformers` has the architecture; if not, only this project reads its models."""

    def parameter_shapes(self, shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield name and shape of each parameter, in the order of the torch module.

        The names are those of the `transformers` model, if there is one.
        """

    def initial_std(self, shape: Shape, name: str, size: tuple[int, ...]) -> float:
        """Return the standard deviation of a matrix at initialisation, if the recipe sets none."""

    def initial_vector(self, name: str) -> Sequence[float]:
        """Return the constants of a vector at initialisation, each for an equal part of it."""

    def count_parameters(self, shape: Shape) -> ParameterCount:
        """Count the parameters by component."""

    def forward_flops_per_token(
        self, shape: Shape, attention: Attention, count_softmax: bool
    ) -> int:
        """Return the forward FLOPs of one token, averaged over a sequence."""

    def matrix_parameters_of_a_block(self, shape: Shape) -> int:
        """Return the number of parameters in the matrices of one block."""

    def block_activation_bytes(self, shape: Shape, size: int, compiled: bool = False) -> int:
        """Return the bytes per token that a block keeps for its backward pass.

        Args:
            shape: the size.
            size: bytes per value in the precision of the matrix products.
            compiled: whether the block is compiled, which keeps less.
        """

    def hugging_face_config(self, shape: Shape, choices: Choices) -> dict[str, Any]:
        """Return the `config.json` of a model.

        Where `in_transformers`, `AutoModelForCausalLM` builds the same model from it.
        """

    def read_hugging_face_config(self, config: dict[str, Any]) -> tuple[Shape, Choices]:
        """Return the size and settings of a `config.json`; the inverse of the method above."""
