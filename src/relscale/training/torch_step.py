"""The reference training step: the decoder in torch, on the device that the recipe trains on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from relscale.architecture import Choices, Shape
from relscale.training.model import Decoder, initialise, save_decoder
from relscale.training.optim import make_optimiser


class TorchStep:
    """A decoder, its optimiser and the losses not yet asked for; see `step.TrainingStep`."""

    name = "torch"

    def __init__(self, shape: Shape, choices: Choices, optimiser: Mapping[str, Any], seed: int, device: str = "cpu") -> None:
        """Make a decoder with its initial values.

        Args:
            shape: its size.
            choices: what the recipe fixes beside the size.
            optimiser: settings of `plan.Run.optimiser`.
            seed: of the initial values.
            device: torch's name of the device.
        """
        self.decoder = Decoder(shape, choices)
        initialise(self.decoder, seed)
        self.decoder.to(device)
        self.optimiser = make_optimiser(self.decoder, optimiser)
        self._device = device
        self._losses: list[torch.Tensor] = []

    def update(self, batch: npt.NDArray[np.int64], factor: float) -> None:
        """Take one optimiser step on (sequences, context length + 1) token ids at `factor` times the peak learning rates."""
        tokens = torch.from_numpy(batch).to(self._device)
        logits = self.decoder(tokens[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        self.optimiser.step(factor)
        self._losses.append(loss.detach())

    def losses(self) -> npt.NDArray[np.float32]:
        """Return the losses since the last call, (updates,), in nats per token."""
        drained, self._losses = self._losses, []
        return torch.stack(drained).float().cpu().numpy() if drained else np.empty(0, dtype=np.float32)

    def is_finite(self) -> bool:
        """Tell whether all weights are finite."""
        return all(bool(parameter.isfinite().all()) for parameter in self.decoder.parameters())

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of weights and optimiser state, by name."""
        weights = {name: parameter.detach().cpu().numpy().copy() for name, parameter in self.decoder.named_parameters()}
        return weights | {name: value.detach().cpu().numpy().copy() for name, value in self.optimiser.state().items()}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state.

        Raises:
            ValueError: where names or shapes differ.
        """
        parameters = dict(self.decoder.named_parameters())
        moments = {name: value for name, value in state.items() if name not in parameters}
        with torch.no_grad():
            for name, parameter in parameters.items():
                there = state[name].shape if name in state else None
                if there != parameter.shape:
                    raise ValueError(f"state of a run: {name} is {there}, not {tuple(parameter.shape)}")
                parameter.copy_(torch.from_numpy(state[name]))
        self.optimiser.load_state({name: torch.from_numpy(value) for name, value in moments.items()})

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors`."""
        save_decoder(self.decoder, folder)
