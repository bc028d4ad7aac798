"""The interface of an optimiser that the trainer uses."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from torch import Tensor

State = Iterator[tuple[str, Tensor]]
"""Name and value of everything that later steps depend on."""


class TorchOptimiser(Protocol):
    """An optimiser of a decoder, created from the decoder, its settings and a process group."""

    def step(self, factor: float) -> Tensor:
        """Take one step with all peak learning rates multiplied by `factor`.

        Sets the gradients to zero and returns their norm before clipping, a scalar.
        """

    def zero_grad(self) -> None:
        """Set the gradients to zero, in place."""

    def state(self) -> State:
        """Yield name and value of moments and counters; all processes of a group take part."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Resume from a state.

        Raises:
            ValueError: if names or shapes differ from those of `state`.
        """
