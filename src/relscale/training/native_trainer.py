"""The native trainer: forward, backward, clipping and Adam in one call of a compiled library.

For tiny models the overhead of many small operations dominates; here there is one call.
`torch_trainer.TorchTrainer` is the reference, and the fallback where `supports` says no. Light
imports: no torch.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import Optimiser
from relscale.training.folder import save_folder
from relscale.training.initial import initial_values
from relscale.training.native_build import Library
from relscale.training.native_library import NativeDecoder, adam_settings, flat_values, named_values
from relscale.training.trainer import StateInParts, process_memory_mib


class NativeTrainer:
    """A decoder in training on one core; see `trainer.Trainer`.

    Build one only where `native_build.supports` allows it. Every level of instructions gives the
    same bytes, so that its name does not contain the level.
    """

    def __init__(
        self,
        shape: Shape,
        choices: Choices,
        optimiser: Optimiser,
        seed: int,
        level: str | Library | None = None,
    ) -> None:
        """Build a decoder with its initial values.

        Args:
            shape: size of the decoder.
            choices: settings of the architecture.
            optimiser: settings of the optimiser; `supports` allows `adam` only.
            seed: of the initial values.
            level: of instructions (`native_build.LEVELS`), or an opened library; None takes the
                best level that this machine has.

        Raises:
            UnavailableError: if the library cannot be used.
        """
        self.shape, self.choices = shape, choices
        self.decoder = NativeDecoder(shape, choices, for_training=True, level=level)
        self.name = "native"
        self.parts: StateInParts | None = None
        self.values = flat_values(shape, dict(initial_values(shape, choices, seed)))
        self._settings = adam_settings(optimiser)
        self._gradients = np.zeros_like(self.values)
        self._first, self._second = np.zeros_like(self.values), np.zeros_like(self.values)
        self._updates = 0
        self._losses: list[float] = []
        self._norms: list[float] = []

    def batches(self, source: Iterator[npt.NDArray[np.int64]]) -> Iterator[npt.NDArray[np.int64]]:
        """Return batches as they are."""
        return source

    def update(self, batch: npt.NDArray[np.int64], factor: float) -> None:
        """Take one optimiser step at `factor` times the peak learning rates.

        The batch is (sequences, context length + 1) token ids.

        Raises:
            ValueError: if a token is not in the vocabulary or the batch has another shape; the
                state is unchanged then.
        """
        loss, norm = self.decoder.update(
            self.values,
            self._gradients,
            self._first,
            self._second,
            batch,
            self._settings,
            factor,
            self._updates + 1,
        )
        self._updates += 1
        self._losses.append(loss)
        self._norms.append(norm)

    def losses(self) -> npt.NDArray[np.float32]:
        """Return the losses since the last call, (updates,), in nats per token."""
        drained, self._losses = self._losses, []
        return np.array(drained, dtype=np.float32)

    def gradient_norms(self) -> npt.NDArray[np.float32]:
        """Return the global gradient norms before clipping since the last call, (updates,)."""
        drained, self._norms = self._norms, []
        return np.array(drained, dtype=np.float32)

    def peak_memory_mib(self) -> float:
        """Return the peak memory of the process."""
        return process_memory_mib()

    def is_finite(self) -> bool:
        """Return whether all weights are finite."""
        return bool(np.isfinite(self.values).all())

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of weights, moments and the number of updates, one array each."""
        return {
            "values": self.values.copy(),
            "first": self._first.copy(),
            "second": self._second.copy(),
            "updates": np.array([self._updates], dtype=np.int64),
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Resume from a state.

        Raises:
            ValueError: if names, shapes or types differ.
        """
        own = self.state()
        for name in sorted({*own, *state}):
            there, here = (
                (part[name].shape, part[name].dtype.name) if name in part else None
                for part in (state, own)
            )
            if there != here:
                raise ValueError(f"state of a run: {name} is {there}, not {here}")
        for array, name in (
            (self.values, "values"),
            (self._first, "first"),
            (self._second, "second"),
        ):
            array[...] = state[name]
        self._updates = int(state["updates"][0])
        self._losses, self._norms = [], []

    def finish(self) -> None:
        """Do nothing: there is one process."""

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors`."""
        save_folder(folder, self.shape, self.choices, named_values(self.shape, self.values))
