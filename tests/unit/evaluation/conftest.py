from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from relscale.evaluation.tokens import TextEncoder, byte_alphabet
from relscale.evaluation.torch_model import CausalModel
from relscale.text.tokenizer import END_OF_TEXT


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """Bytes are tokens 1 to 256 in the order of their values; two merges besides: " a" is 257 and
    "bc" is 258."""
    vocabulary = (
        {END_OF_TEXT: 0}
        | {character: 1 + byte for byte, character in enumerate(byte_alphabet())}
        | {"Ġa": 257, "bc": 258}
    )
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ġ", "a"), ("b", "c")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END_OF_TEXT])
    tokenizer.encode_special_tokens = True
    return tokenizer


@pytest.fixture(scope="session")
def encoder(tokenizer: Tokenizer) -> TextEncoder:
    return TextEncoder(tokenizer)


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


@pytest.fixture(scope="session")
def reference():
    """The script that makes the checkpoints and texts of the comparison with lm-evaluation-harness,
    as a module."""
    spec = spec_from_file_location(
        "reference_harness", Path(__file__).parents[2] / "golden" / "reference_harness.py"
    )
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def checkpoints(reference, tmp_path_factory) -> dict[str, Path]:
    """Folders of small random checkpoints by architecture; tests that change one work on a copy."""
    return reference.make_checkpoints(tmp_path_factory.mktemp("checkpoints"))
