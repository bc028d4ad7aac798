import numpy as np
import pytest
import torch
from byte_tokenizer import encoder, tokenizer

from relscale.evaluation.torch_model import CausalModel

__all__ = ["encoder", "tokenizer"]


class Unigram(torch.nn.Module):
    """Every token has the same probabilities, whatever came before."""

    def __init__(self, probabilities: list[float]) -> None:
        super().__init__()
        self.logits = torch.tensor(np.log(probabilities), dtype=torch.float32)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(*tokens.shape, -1)


@pytest.fixture
def halves() -> CausalModel:
    """Four tokens of probability 1/2, 1/4, 1/8, 1/8."""
    return CausalModel(Unigram([0.5, 0.25, 0.125, 0.125]), vocab_size=4, context_length=8)
