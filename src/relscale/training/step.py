"""What the training loop knows of a model in training: it takes batches, keeps its own optimiser, and saves itself.

Two kinds implement it: `torch_step.TorchStep`, the reference, and `native_step.NativeStep`, faster for tiny models. Light imports: no
torch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt


class TrainingStep(Protocol):
    """A model in training, made from a run's spec with its initial values."""

    name: str
    """Which implementation it is: part of what decides a run's bytes."""

    def update(self, batch: npt.NDArray[np.int64], factor: float) -> None:
        """Take one optimiser step.

        Args:
            batch: (sequences, context length + 1) token ids; position t predicts t + 1, the loss is the mean over all of them.
            factor: on the peak learning rates, in (0, 1].
        """

    def losses(self) -> npt.NDArray[np.float32]:
        """Return the loss of each update since the last call, (updates,), in nats per token, each taken before its update."""

    def is_finite(self) -> bool:
        """Tell whether all weights are finite."""

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that later updates depend on: weights, moments, the number of updates."""

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state that `state` gave: the updates that follow give the same bytes.

        Raises:
            ValueError: where names or shapes differ.
        """

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors` as `transformers` reads them, parameters in float32."""
