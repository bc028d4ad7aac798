"""Build, initialise, save and load the torch module of any architecture."""

from collections.abc import Callable
from pathlib import Path

import torch

from relscale.plan.architecture import Choices, Shape
from relscale.plan.architectures import architecture_of
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.architectures.lstm import LstmDecoder
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.folder import read_config, read_values, save_folder
from relscale.training.initial import initial_values

MODULES: dict[str, Callable[[Shape, Choices | None], CausalDecoder]] = {
    "qwen3": Decoder,
    "lstm": LstmDecoder,
}
"""Torch module by architecture."""


def build_decoder(shape: Shape, choices: Choices | None = None) -> CausalDecoder:
    """Build a decoder without initial values, on the default device.

    Raises:
        ValueError: if there is no such architecture.
    """
    return MODULES[architecture_of(shape).name](shape, choices)


def initialise(decoder: CausalDecoder, seed: int) -> None:
    """Fill the parameters with `initial_values`; they do not depend on the device."""
    parameters = dict(decoder.named_parameters())
    with torch.no_grad():
        for name, value in initial_values(decoder.shape, decoder.choices, seed):
            parameters[name].copy_(torch.from_numpy(value))


def save_decoder(decoder: CausalDecoder, folder: Path) -> None:
    """Save `config.json` and `model.safetensors` in the form that `transformers` reads."""
    values = {
        name: parameter.detach().cpu().contiguous().numpy()
        for name, parameter in decoder.state_dict().items()
    }
    save_folder(folder, decoder.shape, decoder.choices, values)


def load_decoder(folder: Path) -> CausalDecoder:
    """Load a decoder that `save_decoder` wrote.

    Raises:
        ValueError: naming the file, if the folder holds no such model or its tensors do not fit the
            configuration.
    """
    shape, choices = read_config(folder)
    decoder = build_decoder(shape, choices)
    decoder.load_state_dict(
        {name: torch.from_numpy(value) for name, value in read_values(folder, shape).items()}
    )
    return decoder.eval()
