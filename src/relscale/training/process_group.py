"""Processes that train one run together, each on its own device: which one this is, and how they
agree. Light imports: no torch.

Every process goes through the same steps; each takes its part of every batch. The first one, the
leader, writes all files.
"""

from typing import Any


class Team:
    """A process that trains alone; `torch_team.TorchTeam` is one of several."""

    rank = 0
    """Number of this process, from 0."""
    size = 1
    """Number of processes."""

    @property
    def leads(self) -> bool:
        """Tell whether this is the process that writes files."""
        return self.rank == 0

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return for each flag whether any process raised it; all processes wait for each other
        here."""
        return flags

    def highest(self, value: int) -> int:
        """Return the highest of all processes' values."""
        return value

    def total(self, tensor: Any) -> None:
        """Add a tensor up over all processes, in place."""

    def send(self, tensor: Any, sender: int) -> None:
        """Give the sender's tensor to all others, in place."""

    def close(self) -> None:
        """Leave the team."""
