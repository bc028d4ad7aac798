"""The processes that train one run together, each on its own device. Light imports: no torch.

All processes take the same optimiser steps, each on its part of every batch. The main process, of
rank 0, writes all files.
"""

from typing import Any


class ProcessGroup:
    """The group of a process that trains alone; see `TorchProcessGroup` for several processes."""

    rank = 0
    """Number of this process, from 0."""
    world_size = 1
    """Number of processes."""

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait until all processes are here."""

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return for each flag whether any process set it. Also a barrier."""
        return flags

    def max(self, value: int) -> int:
        """Return the maximum of all processes' values. Also a barrier."""
        return value

    def all_gather(self, text: str) -> list[str]:
        """Return the texts of all processes, by rank. Also a barrier."""
        return [text]

    def all_reduce(self, tensor: Any) -> None:
        """Sum a tensor over all processes, in place."""

    def broadcast(self, tensor: Any, source: int) -> None:
        """Copy the tensor of rank `source` to all other processes, in place."""

    def close(self) -> None:
        """Leave the group."""


SINGLE_PROCESS = ProcessGroup()
"""The group of a process that trains alone."""
