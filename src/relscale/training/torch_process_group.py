"""Several processes that train one run together, through `torch.distributed`.

NCCL connects GPUs, gloo connects CPU processes. Each process finds its rank and the others by the
variables that `torchrun` sets (RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT); `launch`
sets the same ones.
"""

import os
from datetime import timedelta

import torch
from torch import distributed

from relscale.training.process_group import ProcessGroup

TIMEOUT = timedelta(days=7)
"""Longest wait for a process that waits for the lock of the run; `launch` notices a process that
died."""


class TorchProcessGroup(ProcessGroup):
    """A group of several processes."""

    def __init__(self, on_gpu: bool) -> None:
        """Join the group; with GPUs, take the one of this process's local rank.

        Raises:
            ValueError: if the machine has fewer GPUs than processes.
        """
        if on_gpu:
            rank, cards = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
            if rank >= cards:
                raise ValueError(
                    f"--processes = {os.environ['WORLD_SIZE']}: torch finds {cards} GPU(s) on this "
                    "machine, and each process needs one; request as many GPUs as processes, or "
                    "lower training.gpus_per_run"
                )
            torch.cuda.set_device(rank)
        distributed.init_process_group("nccl" if on_gpu else "gloo")
        self.rank, self.world_size = distributed.get_rank(), distributed.get_world_size()
        # Flags and texts travel between CPUs, so that a check does not wait for the GPU's queue of
        # work.
        self.between_hosts = distributed.new_group(backend="gloo", timeout=TIMEOUT)

    def barrier(self) -> None:
        """Wait until all processes are here."""
        self._max()

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Return for each flag whether any process set it. Also a barrier."""
        return tuple(map(bool, self._max(*flags)))

    def max(self, value: int) -> int:
        """Return the maximum of all processes' values. Also a barrier."""
        return self._max(value)[0]

    def _max(self, *values: int) -> list[int]:
        # The additional 0 makes this a barrier even without values.
        reduced = torch.tensor([*values, 0], dtype=torch.int64)
        distributed.all_reduce(reduced, distributed.ReduceOp.MAX, group=self.between_hosts)
        return [int(value) for value in reduced[:-1].tolist()]

    def all_gather(self, text: str) -> list[str]:
        """Return the texts of all processes, by rank. Also a barrier."""
        texts: list[str] = [""] * self.world_size
        distributed.all_gather_object(texts, text, group=self.between_hosts)
        return texts

    def all_reduce(self, tensor: torch.Tensor) -> None:
        """Sum a tensor over all processes, in place."""
        distributed.all_reduce(tensor)

    def broadcast(self, tensor: torch.Tensor, source: int) -> None:
        """Copy the tensor of rank `source` to all other processes, in place."""
        distributed.broadcast(tensor, source)

    def close(self) -> None:
        """Leave the group."""
        distributed.destroy_process_group()
