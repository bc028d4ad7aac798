"""Several processes that train one run together, through `torch.distributed`: NCCL between GPUs,
gloo between CPU processes.

Each process finds its number and the others by the variables that `torchrun` sets (RANK,
LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT); `launch` sets the same ones.
"""

import os
from datetime import timedelta

import torch
from torch import distributed

from relscale.training.process_group import Team

PATIENCE = timedelta(days=7)
"""How long processes wait for one that waits for the run's lock; a process that died is noticed by
whoever started them."""


class TorchTeam(Team):
    """One of several processes."""

    def __init__(self, on_gpu: bool) -> None:
        """Meet the others; with GPUs, take the one of this process's number on its machine."""
        if on_gpu:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        distributed.init_process_group("nccl" if on_gpu else "gloo")
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        # Flags go between the CPUs, so that asking does not wait for the GPU's queue of work.
        self._flags = distributed.new_group(backend="gloo", timeout=PATIENCE)

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return for each flag whether any process raised it."""
        return tuple(map(bool, self._highest(*flags)))

    def highest(self, value: int) -> int:
        """Return the highest of all processes' values."""
        return self._highest(value)[0]

    def _highest(self, *values: int) -> list[int]:
        # One more, so that processes meet here even with nothing to ask.
        asked = torch.tensor([*values, 0], dtype=torch.int64)
        distributed.all_reduce(asked, distributed.ReduceOp.MAX, group=self._flags)
        return [int(value) for value in asked[:-1].tolist()]

    def total(self, tensor: torch.Tensor) -> None:
        """Add a tensor up over all processes, in place."""
        distributed.all_reduce(tensor)

    def send(self, tensor: torch.Tensor, sender: int) -> None:
        """Give the sender's tensor to all others, in place."""
        distributed.broadcast(tensor, sender)

    def close(self) -> None:
        """Leave the team."""
        distributed.destroy_process_group()
