"""The reference trainer: the decoder in torch, in one process or several.

The recipe chooses the device.
"""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import Optimiser
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.attention import attention_of
from relscale.training.compilation import compile_blocks
from relscale.training.execution import Execution
from relscale.training.folder import save_folder
from relscale.training.loss import summed_cross_entropy
from relscale.training.model import build_decoder, initialise, save_decoder
from relscale.training.optimisers import build_optimiser
from relscale.training.prefetch import prefetch
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup
from relscale.training.sharding import (
    gathered,
    initialise_shards,
    local,
    shard_parameters,
)
from relscale.training.trainer import StateInParts, process_memory_mib

ON_CPU = Execution()


class Objective(nn.Module):
    """A decoder and its loss as one module.

    It maps token ids (sequences, time + 1) to the summed loss of predicting each next token.
    """

    def __init__(self, decoder: CausalDecoder, execution: Execution = ON_CPU) -> None:
        """Wrap a decoder; the execution decides how the loss is computed."""
        super().__init__()
        self.decoder = decoder
        self._logits_per_chunk = execution.logits_per_chunk
        self._compiled = execution.compiled

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the sum over tokens of their loss in nats, a float32 scalar."""
        hidden = self.decoder.hidden(tokens[:, :-1])
        return summed_cross_entropy(
            hidden.flatten(0, 1),
            self.decoder.lm_head.weight,
            tokens[:, 1:].flatten(),
            self._logits_per_chunk,
            compiled=self._compiled,
        )


class TorchTrainer:
    """A decoder, its optimiser and the losses not yet returned; see `trainer.Trainer`."""

    def __init__(
        self,
        shape: Shape,
        choices: Choices,
        optimiser: Optimiser,
        seed: int,
        execution: Execution = ON_CPU,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        """Build a decoder with its initial values.

        Args:
            shape: size of the decoder.
            choices: settings of the architecture.
            optimiser: settings of the optimiser.
            seed: of the initial values.
            execution: device, micro batch and the like.
            group: the processes that train the decoder together.
        """
        self.execution, self.group = execution, group
        self.name = execution.name
        with torch.device("meta") if execution.fully_sharded else nullcontext():
            self.decoder = build_decoder(shape, choices)
        self.decoder.activation_checkpointing = execution.activation_checkpointing
        self.decoder.use_attention(attention_of(execution.attention))
        if execution.compiled and self.decoder.compiles_blocks:
            compile_blocks(self.decoder.blocks())
        self._objective: nn.Module = Objective(self.decoder, execution)
        if execution.fully_sharded:
            shard_parameters(self._objective, self.decoder, execution.device)
            initialise_shards(self.decoder, seed)
        else:
            initialise(self.decoder, seed)
            self.decoder.to(execution.device)
        self.optimiser = build_optimiser(
            self.decoder,
            optimiser,
            group if execution.sharded or execution.fully_sharded else SINGLE_PROCESS,
            execution.fully_sharded,
        )
        if group.world_size > 1 and not execution.fully_sharded:
            self._distribute(shape, optimiser.keeps_gradients)
        self.parts: StateInParts | None = None
        if execution.fully_sharded:
            from relscale.training.sharded_state import ShardedState  # slow to import

            self.parts = ShardedState(self._values, self._loaded, group)
        self._losses: list[Tensor] = []
        self._norms: list[Tensor] = []
        self._whole: dict[str, npt.NDArray[np.float32]] = {}

    def _distribute(self, shape: Shape, keeps_gradients: bool) -> None:
        """Let backward passes all-reduce the gradients.

        Unless the optimiser keeps gradients in its own buffer, they live in the buckets of
        the all-reduce, instead of twice.
        """
        in_buckets = not keeps_gradients
        self._objective = DistributedDataParallel(
            self._objective, broadcast_buffers=False, gradient_as_bucket_view=in_buckets
        )
        if in_buckets:
            # The first distributed backward pass moves the gradients into the buckets; do one here
            # and set them to zero.
            tokens = torch.zeros(
                (1, shape.context_length + 1), dtype=torch.int64, device=self.execution.device
            )
            with self._precision():
                loss = self._objective(tokens)
            loss.backward()
            self.optimiser.zero_grad()

    def _precision(self) -> torch.autocast:
        return torch.autocast(
            self.execution.device, torch.bfloat16, enabled=self.execution.in_bfloat16
        )

    def batches(self, source: Iterator[npt.NDArray[np.int64]]) -> Iterator[Any]:
        """Return batches as they are, or, for a GPU, this process's part of them, prefetched."""
        if self.execution.device == "cpu":
            return source
        return prefetch(map(self._part, source), self.execution.device)

    def _part(self, batch: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return this process's sequences of a batch.

        The windows of a step do not depend on the number of processes.
        """
        rank, size = self.group.rank, self.group.world_size
        assert len(batch) % size == 0
        return batch[len(batch) // size * rank : len(batch) // size * (rank + 1)]

    def update(self, batch: npt.NDArray[np.int64] | Tensor, factor: float) -> None:
        """Take one optimiser step at `factor` times the peak learning rates.

        Args:
            batch: (sequences, context length + 1) token ids of the whole batch, or, as a tensor on
                the device, of this process's part.
            factor: on the peak learning rates.
        """
        tokens = (
            batch
            if isinstance(batch, Tensor)
            else torch.from_numpy(self._part(batch)).to(self.execution.device)
        )
        share = 1 / (len(tokens) * (tokens.shape[1] - 1))
        parts = tokens.split(self.execution.micro_batch or len(tokens))
        mean = torch.zeros((), device=tokens.device)
        for number, part in enumerate(parts, start=1):
            together = (
                self._objective if isinstance(self._objective, DistributedDataParallel) else None
            )
            # Only the last part's backward pass all-reduces.
            with (
                together.no_sync()
                if together is not None and number < len(parts)
                else nullcontext()
            ):
                with self._precision():
                    loss = self._objective(part) * share
                loss.backward()
            mean += loss.detach()
        self._norms.append(self.optimiser.step(factor))
        self._losses.append(mean)

    def losses(self) -> npt.NDArray[np.float32]:
        """Return the losses since the last call, (updates,), in nats per token.

        Each is the mean over the batches of all processes.
        """
        drained, self._losses = self._losses, []
        if not drained:
            return np.empty(0, dtype=np.float32)
        means = torch.stack(drained)
        self.group.all_reduce(means)
        return (means / self.group.world_size).cpu().numpy()

    def gradient_norms(self) -> npt.NDArray[np.float32]:
        """Return the global gradient norms before clipping since the last call, (updates,)."""
        drained, self._norms = self._norms, []
        return (
            torch.stack(drained).float().cpu().numpy() if drained else np.empty(0, dtype=np.float32)
        )

    def peak_memory_mib(self) -> float:
        """Return the most memory used so far: of the GPU, or of the process."""
        return (
            torch.cuda.max_memory_allocated() / 2**20
            if self.execution.device == "cuda"
            else process_memory_mib()
        )

    def is_finite(self) -> bool:
        """Return whether all weights are finite."""
        finite = all(
            bool(self._rows(parameter).isfinite().all()) for parameter in self.decoder.parameters()
        )
        return not self.group.any(not finite)[0]

    def _rows(self, parameter: Tensor) -> Tensor:
        """Return the part of a parameter that this process has."""
        return local(parameter) if self.execution.fully_sharded else parameter

    def _values(self) -> dict[str, Tensor]:
        """Return weights and optimiser state by name; divided ones are DTensors."""
        return {**dict(self.decoder.named_parameters()), **dict(self.optimiser.state())}

    def _loaded(self, values: Mapping[str, Tensor]) -> None:
        """Take values that were read in place of those of `_values`."""
        parameters = dict(self.decoder.named_parameters())
        self.optimiser.load_state(
            {name: value for name, value in values.items() if name not in parameters}
        )
        self._losses, self._norms = [], []

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of weights and optimiser state, by name.

        Empty unless this is the main process. Sharded parameters are saved by `parts` instead.
        """
        assert self.parts is None
        state: dict[str, np.ndarray] = {}
        for values in (self.decoder.named_parameters(), self.optimiser.state()):
            for name, value in values:
                if self.group.is_main_process:
                    state[name] = value.detach().cpu().numpy().copy()
        return state

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Resume from a state of `state`.

        Raises:
            ValueError: if names or shapes differ.
        """
        assert self.parts is None
        parameters = dict(self.decoder.named_parameters())
        moments = {name: value for name, value in state.items() if name not in parameters}
        with torch.no_grad():
            for name, parameter in parameters.items():
                there = state[name].shape if name in state else None
                if there != parameter.shape:
                    raise ValueError(
                        f"state of a run: {name} is {there}, not {tuple(parameter.shape)}"
                    )
                parameter.copy_(torch.from_numpy(state[name]))
        self.optimiser.load_state(
            {name: torch.from_numpy(value) for name, value in moments.items()}
        )
        self._losses, self._norms = [], []

    def finish(self) -> None:
        """Gather the weights for `save`; all processes of a group call this."""
        if not self.execution.fully_sharded:
            return
        for name, parameter in self.decoder.named_parameters():
            value = gathered(parameter)
            if self.group.is_main_process:
                self._whole[name] = value.cpu().contiguous().numpy()

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors`."""
        if self.execution.fully_sharded:
            save_folder(folder, self.decoder.shape, self.decoder.choices, self._whole)
        else:
            save_decoder(self.decoder, folder)
