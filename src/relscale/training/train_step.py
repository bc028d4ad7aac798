"""What the training loop knows of a model in training: it takes batches, keeps its own optimiser,
and saves itself.

Two kinds implement it: `torch_step.TorchStep`, the reference, and `native_step.NativeStep`, faster
for tiny models. Light imports: no torch.
"""

import resource
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class TrainingStep(Protocol):
    """A model in training, made from a run's spec with its initial values."""

    name: str
    """Which implementation it is: part of what decides a run's bytes."""

    def batches(self, source: Iterator[npt.NDArray[np.int64]]) -> Iterator[Any]:
        """Bring batches where `update` wants them, in order; a step whose device can copy meanwhile
        reads some ahead."""

    def update(self, batch: Any, factor: float) -> None:
        """Take one optimiser step.

        Args:
            batch: from `batches`, or an array like its source's: (sequences, context length + 1)
                token ids; position t predicts t + 1, the loss is the mean over all of them.
            factor: on the peak learning rates, in (0, 1].
        """

    def losses(self) -> npt.NDArray[np.float32]:
        """Return the loss of each update since the last call, (updates,), in nats per token, each
        taken before its update."""

    def gradient_norms(self) -> npt.NDArray[np.float32]:
        """Return the gradient's global norm before clipping of each update since the last call,
        (updates,)."""

    def peak_memory_mib(self) -> float:
        """Return the most memory used so far: of the GPU, where one is used, else of the
        process."""

    def is_finite(self) -> bool:
        """Tell whether all weights are finite."""

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that later updates depend on: weights, moments, the number of
        updates.

        Where several processes train a run, all of them call this, and only the leader gets
        anything.
        """

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state that `state` gave: the updates that follow give the same bytes.

        Raises:
            ValueError: where names or shapes differ.
        """

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors` as `transformers` reads them, parameters in
        float32."""


def process_memory_mib() -> float:
    """Return the most memory that this process has used so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
