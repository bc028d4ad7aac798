"""The state of a run with sharded parameters, of which each process saves and reads its own part.

The files are safetensors: `torch.distributed.checkpoint` writes one per process, without pickle.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import (
    HuggingFaceStorageReader,
    HuggingFaceStorageWriter,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from relscale.training.process_group import ProcessGroup
from relscale.training.torch_process_group import TorchProcessGroup


class ShardedState:
    """Reads and writes the parts; all processes call each method, on the same folder.

    An error in one process is raised in all of them.
    """

    def __init__(
        self,
        values: Callable[[], Mapping[str, Tensor]],
        loaded: Callable[[Mapping[str, Tensor]], None],
        group: ProcessGroup,
    ) -> None:
        """Describe the state.

        Args:
            values: returns name and value of all that later updates depend on; a divided value is a
                DTensor over the rows of this process, which `read` changes in place.
            loaded: called with the values that were read.
            group: the processes of the run.
        """
        assert isinstance(group, TorchProcessGroup)
        self._values, self._loaded, self._group = values, loaded, group

    def write(self, folder: Path) -> None:
        """Write the part of this process into a folder of the run.

        Raises:
            ValueError: if a process cannot write its part.
        """
        try:
            save(
                self._state(),
                storage_writer=HuggingFaceStorageWriter(str(folder), save_distributed=True),
                process_group=self._group.between_hosts,
            )
        except CheckpointException as error:
            raise ValueError(_summary(error)) from error

    def read(self, folder: Path) -> None:
        """Resume from the parts in a folder: the updates that follow give the same bytes.

        Raises:
            ValueError: if names or shapes differ, or a process cannot read its part.
        """
        state = self._state()
        reader = HuggingFaceStorageReader(str(folder))
        # `load` reads the names that it needs and ignores all others.
        if wrong := sorted(set(state) ^ set(reader.read_metadata().state_dict_metadata)):
            raise ValueError(f"{folder}: {', '.join(wrong)} missing or unknown")
        try:
            load(
                state,
                storage_reader=reader,
                process_group=self._group.between_hosts,
            )
        except CheckpointException as error:
            raise ValueError(f"{folder}: {_summary(error)}") from error
        # A slice of a file has no shape (), so single numbers are saved as vectors.
        self._loaded(
            {
                name: state[name].view(value.shape) if value.dim() == 0 else state[name]
                for name, value in self._values().items()
            }
        )

    def _state(self) -> dict[str, Tensor]:
        with torch.no_grad():
            return {
                name: value.detach().view(1) if value.dim() == 0 else value.detach()
                for name, value in self._values().items()
            }


def _summary(error: CheckpointException) -> str:
    """Return the first line of each process's error."""
    failures = sorted(error.failures.items())
    return "; ".join(
        f"rank {rank}: {str(cause).splitlines()[0] if str(cause) else type(cause).__name__}"
        for rank, (cause, _) in failures
    )
