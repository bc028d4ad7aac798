"""The torch module of the architecture `lstm`: embedding, layers of `torch.nn.LSTM`, head.

Every layer is an LSTM of its own, so that activation checkpointing and sharding treat it as a
block; without dropout the layers compute the same as one LSTM of several layers. Counts and
`config.json` are in `plan.lstm`.
"""

from typing import ClassVar

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from relscale.plan.architecture import Choices, Shape
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.attention import Attend


class LstmLayer(nn.Module):
    """One layer of LSTM cells."""

    def __init__(self, width: int) -> None:
        """Create the two matrices and the two biases of a width."""
        super().__init__()
        self.lstm = nn.LSTM(width, width, batch_first=True)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (batch, time, width) to the outputs of the same shape, from a state of zero."""
        outputs: Tensor = self.lstm(hidden)[0]
        return outputs


class LstmTrunk(nn.Module):
    """All parts of a model but its head; named as in the other architectures."""

    def __init__(self, shape: Shape) -> None:
        """Create embedding and layers of a shape."""
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.width)
        self.layers = nn.ModuleList(LstmLayer(shape.width) for _ in range(shape.layers))

    def forward(self, tokens: Tensor, activation_checkpointing: bool) -> Tensor:
        """Map token ids (batch, time) to hidden states (batch, time, width)."""
        hidden: Tensor = self.embed_tokens(tokens)
        for layer in self.layers:
            hidden = (
                checkpoint(layer, hidden, use_reentrant=False)
                if activation_checkpointing
                else layer(hidden)
            )
        return hidden


class LstmDecoder(CausalDecoder):
    """A stacked LSTM language model."""

    compiles_blocks: ClassVar[bool] = False

    def __init__(self, shape: Shape, choices: Choices | None = None) -> None:
        """Create a model without initial values; see `training.model.initialise`."""
        super().__init__()
        self.shape = shape
        self.choices = choices or Choices()
        self.model = LstmTrunk(shape)
        self.lm_head = nn.Linear(shape.width, shape.vocab_size, bias=False)

    def blocks(self) -> list[nn.Module]:
        """Return the layers."""
        return list(self.model.layers)

    def use_attention(self, attend: Attend) -> None:
        """Do nothing: the layers have no attention."""

    def hidden(self, tokens: Tensor) -> Tensor:
        """Return the last outputs (batch, time, width) of token ids (batch, time)."""
        hidden: Tensor = self.model(tokens, self.activation_checkpointing)
        return hidden
