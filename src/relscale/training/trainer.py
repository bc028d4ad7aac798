"""The protocol of a model in training: it takes batches, has its own optimiser, and saves itself.

Two classes implement it: `torch_trainer.TorchTrainer`, the reference, and
`native_trainer.NativeTrainer`, which is faster for tiny models. Light imports: no torch.
"""

import resource
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class StateInParts(Protocol):
    """The state of a trainer of which each process of the group saves its own part.

    All processes call each method, on the same folder.
    """

    def write(self, folder: Path) -> None:
        """Write the part of this process.

        Raises:
            ValueError: if a process cannot write its part.
        """

    def read(self, folder: Path) -> None:
        """Resume from the parts: the updates that follow give the same bytes.

        Raises:
            ValueError: if names or shapes differ, or a file cannot be read.
        """


class Trainer(Protocol):
    """A model in training, built from the spec of a run with its initial values."""

    name: str
    """Name of the implementation and execution, which decide the bytes of the run."""
    parts: StateInParts | None
    """The state in parts; None if the main process saves the whole state, by `state`."""

    def batches(self, source: Iterator[npt.NDArray[np.int64]]) -> Iterator[Any]:
        """Yield the batches of a source, in order, where `update` needs them.

        A trainer on a GPU prefetches them.
        """

    def update(self, batch: Any, factor: float) -> None:
        """Take one optimiser step.

        Args:
            batch: from `batches`, or an array like those of its source: (sequences, context
                length + 1) token ids; position t predicts t + 1, the loss is the mean over all.
            factor: on the peak learning rates, in (0, 1].
        """

    def losses(self) -> npt.NDArray[np.float32]:
        """Return the loss of each update since the last call, (updates,), in nats per token.

        Each is computed before its update.
        """

    def gradient_norms(self) -> npt.NDArray[np.float32]:
        """Return the gradient norm of each update since the last call, (updates,).

        It is the global norm before clipping.
        """

    def peak_memory_mib(self) -> float:
        """Return the peak memory so far: of the GPU, if one is used, else of the process."""

    def is_finite(self) -> bool:
        """Return whether all weights are finite."""

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that later updates depend on: weights, moments, counters.

        In a process group all processes call this, and only the main process gets a state.
        """

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Resume from a state of `state`: the updates that follow give the same bytes.

        Raises:
            ValueError: if names or shapes differ.
        """

    def finish(self) -> None:
        """Prepare for `save`, which only the main process of a group calls; this all call."""

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors` as `transformers` reads them.

        Parameters are float32.
        """


def process_memory_mib() -> float:
    """Return the peak memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
