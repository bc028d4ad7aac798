"""The interface of a model's torch module that the trainer uses."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from relscale.plan.architecture import Choices, Shape
from relscale.training.attention import Attend


class CausalDecoder(nn.Module, ABC):
    """A language model: token ids (batch, time) to logits (batch, time, vocab).

    No position sees a later token.

    Subclasses set the attributes below in `__init__`, and name parameters as their architecture's
    `parameter_shapes` does.
    """

    compiles_blocks: ClassVar[bool] = True
    """Whether `torch.compile` can compile the blocks. The compiler does not trace into
    `torch.nn.LSTM`, whose kernels are fused already."""
    shape: Shape
    """Size of the decoder."""
    choices: Choices
    """Settings of the architecture."""
    lm_head: nn.Linear
    """Projection of hidden states to logits, without bias."""
    activation_checkpointing: bool = False
    """Whether each block keeps only its input and recomputes the rest in the backward pass
    (arXiv 1604.06174)."""

    @abstractmethod
    def blocks(self) -> list[nn.Module]:
        """Return the blocks; all have the same code, so that one compilation serves all."""

    @abstractmethod
    def use_attention(self, attend: Attend) -> None:
        """Compute the attention of all blocks by a function; the default is `attention.sdpa`."""

    @abstractmethod
    def hidden(self, tokens: Tensor) -> Tensor:
        """Return the last hidden states (batch, time, width) of token ids (batch, time).

        The time is at most the context length.
        """

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (batch, time, vocab) of token ids (batch, time)."""
        logits: Tensor = self.lm_head(self.hidden(tokens))
        return logits
