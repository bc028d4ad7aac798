"""How a run is executed on a machine, and the memory that it takes.

Pure functions, imported by `resources` and by training. Another execution of the same run gives the
same losses within rounding, but not the same bytes; `Execution.name` is therefore part of the key
of a run's checkpoints.
"""

from dataclasses import dataclass, replace
from typing import Literal

from relscale.plan.architecture import Shape
from relscale.plan.architectures import architecture_of
from relscale.plan.optimiser import SETTINGS

GIB = 2**30
CPU_ROOM_BYTES = 2 * GIB
"""Memory for activations of a run on the CPU: fixed, since the machine's memory must not decide the
bytes of a run."""
LOGITS_PER_CHUNK = 2**26
"""Most logits in memory at one time, where memory does not allow more: 256 MiB of float32."""
GPU_LOGITS_PER_CHUNK = (2**30, 2**29, 2**28, 2**27)
"""Larger chunks on a GPU that has the memory. Each chunk adds to the gradient of the head, which
moves 12 bytes or more per entry while its product takes 2 operations per entry and row: an H100
(9.9e14 FLOP/s, 3.35e12 B/s) needs 2,000 rows to be limited by arithmetic, and 2^26 logits are 523
rows with 128,256 entries."""
ENTRIES_UPDATED_TOGETHER = 2**26
"""Most entries of the tensors that an optimiser updates together; a larger tensor is updated
alone."""
USABLE_SHARE = 0.9
"""Share of a GPU's memory that the plan uses; the rest is for gaps of the allocator and work space
of the libraries."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a run is executed."""

    device: Literal["cpu", "cuda"] = "cpu"
    """Device. A GPU computes in bfloat16 with float32 parameters, compiled; the CPU in float32."""
    processes: int = 1
    """Number of processes, each with a device and an equal part of every batch."""
    micro_batch: int | None = None
    """Sequences per forward pass of a process, with gradient accumulation; None takes its whole
    part of the batch."""
    activation_checkpointing: bool = False
    """Whether the backward pass recomputes the activations inside a block."""
    sharded: bool = False
    """Whether each process keeps only its part of the moments."""
    fully_sharded: bool = False
    """Whether each process keeps only its part of parameters, gradients and moments."""
    compiled: bool = False
    """Whether blocks and loss are compiled; only on a GPU."""
    logits_per_chunk: int = LOGITS_PER_CHUNK
    """Most logits of the loss in memory at one time."""
    attention: str = "sdpa"
    """Kernel of the attention: `sdpa`, torch's own, or one of `training.attention.KERNELS`."""
    threads: int = 1
    """Threads of a process; on the CPU they decide the order of torch's sums."""

    @property
    def in_bfloat16(self) -> bool:
        """Whether matrix products are in bfloat16: everywhere but on the CPU."""
        return self.device != "cpu"

    @property
    def name(self) -> str:
        """The part of the execution that decides the bytes of a run, in words."""
        words = ["torch" if self.device == "cpu" else "torch cuda bfloat16"]
        if self.processes > 1:
            words.append(f"{self.processes} processes")
        if self.device == "cpu" and self.threads > 1:
            words.append(f"{self.threads} threads")
        if self.fully_sharded:
            words.append("sharded parameters")
        if self.micro_batch is not None:
            words.append(f"micro batches of {self.micro_batch}")
        if self.activation_checkpointing:
            words.append("activation checkpointing")
        if self.logits_per_chunk != LOGITS_PER_CHUNK:
            words.append(f"chunks of {self.logits_per_chunk} logits")
        if self.device == "cuda":
            words.append(f"attention {self.attention}")
        if self.device == "cuda" and not self.compiled:
            words.append("not compiled")
        return ", ".join(words)


def state_bytes(
    num_params_total: int, optimiser: str, processes: int = 1, sharded: bool = False
) -> int:
    """Return the bytes of one process's parameters, gradients and moments, all float32.

    Gradients that an optimiser keeps in its own buffer are copied for the all-reduce.
    """
    moments = 8 * num_params_total // (processes if sharded else 1)
    return (
        8 * num_params_total
        + moments
        + (4 * num_params_total if processes > 1 and SETTINGS[optimiser].keeps_gradients else 0)
    )


def process_bytes(
    shape: Shape, num_params_total: int, optimiser: str, execution: Execution, batch_size: int
) -> int:
    """Return an estimate of the memory of one process on a GPU: state, activations, and all else.

    Args:
        shape: the size.
        num_params_total: number of its parameters.
        optimiser: kind of the optimiser.
        execution: how it is executed.
        batch_size: sequences per step, of all processes together.
    """
    part = batch_size // execution.processes
    micro = execution.micro_batch or part
    if execution.fully_sharded:
        return _sharded_bytes(shape, num_params_total, execution, micro, micro < part)
    return state_bytes(
        num_params_total, optimiser, execution.processes, execution.sharded
    ) + activation_bytes(
        shape,
        execution.device,
        micro,
        execution.activation_checkpointing,
        execution.logits_per_chunk,
        execution.compiled,
    )


def _sharded_bytes(
    shape: Shape, num_params_total: int, execution: Execution, micro_batch: int, accumulates: bool
) -> int:
    """Return the memory of a process with sharded parameters: the most of five moments of a step.

    Embedding and head are whole, in float32, from the start of a micro batch until the end of its
    backward pass. A block is whole while it runs, next to the one that is fetched meanwhile, with
    its gradients and their copy on the way to the other processes. A block keeps its matrices in
    the precision of the products from its forward to its backward pass, or, with activation
    checkpointing, while it runs. Rows of gradients are there from the first backward pass of a step
    on.
    """
    architecture, size = architecture_of(shape), 2
    tokens = micro_batch * shape.context_length
    table = shape.vocab_size * shape.width
    block = architecture.matrix_parameters_of_a_block(shape)
    inputs = tokens * 4 * shape.width
    activations = tokens * architecture.block_activation_bytes(shape, size, execution.compiled)
    within = activations + size * block
    kept, recomputed = (inputs, within) if execution.activation_checkpointing else (within, 0)
    rows = -(-num_params_total // execution.processes)
    gradients = 4 * rows if accumulates else 0
    in_block = 4 * table + 16 * block + recomputed
    moments = (
        # The loss, when the last block and the buffer of its gathering are still there.
        gradients
        + 8 * block
        + shape.layers * kept
        + _loss_bytes(shape, size, tokens, execution.logits_per_chunk, execution.compiled),
        gradients + shape.layers * kept + in_block,  # the backward pass of the last block
        4 * rows + kept + in_block,  # of the first block
        4 * rows + 8 * table,  # gradients of embedding and head, and their copy
        # The update, when embedding and head are in rows again.
        4 * rows - 8 * table + 16 * min(rows, max(table, ENTRIES_UPDATED_TOGETHER)),
    )
    return 12 * rows + 8 * table + max(moments)


def activation_bytes(
    shape: Shape,
    device: str,
    micro_batch: int,
    activation_checkpointing: bool,
    logits_per_chunk: int = LOGITS_PER_CHUNK,
    compiled: bool = False,
) -> int:
    """Return an upper estimate of the memory of a forward and backward pass, without the state.

    The architecture defines the values that a block keeps for the backward pass. With activation
    checkpointing only one block at a time keeps them, the others keep their input. The same holds
    for copies of the matrices in the precision of the products, since blocks are compiled
    (otherwise autocast would keep all copies).

    Args:
        shape: the size.
        device: `cpu` (float32) or `cuda` (bfloat16 products).
        micro_batch: sequences per forward pass.
        activation_checkpointing: whether the backward pass recomputes activations.
        logits_per_chunk: most logits of the loss in memory at one time.
        compiled: whether blocks and loss are compiled.
    """
    size = 4 if device == "cpu" else 2
    architecture = architecture_of(shape)
    block = architecture.block_activation_bytes(shape, size, compiled)
    kept = (
        shape.layers * 4 * shape.width + block if activation_checkpointing else shape.layers * block
    )
    tokens = micro_batch * shape.context_length
    table = shape.vocab_size * shape.width
    matrices = shape.layers * architecture.matrix_parameters_of_a_block(shape)
    copied_blocks = shape.layers if activation_checkpointing else 1
    copies = 0 if device == "cpu" else 2 * matrices // copied_blocks
    loss = _loss_bytes(shape, size, tokens, logits_per_chunk, compiled)
    forward_and_backward = tokens * kept + loss + copies
    # The optimiser runs after these are freed: it holds four values per entry of the tensors that
    # it updates together.
    return max(
        forward_and_backward, 16 * min(2 * table + matrices, max(table, ENTRIES_UPDATED_TOGETHER))
    )


def _loss_bytes(shape: Shape, size: int, tokens: int, logits_per_chunk: int, compiled: bool) -> int:
    """Return the memory of the loss in bytes.

    Logits, the head in the precision of the products, and with chunks the gradient of the head
    and one chunk's part of it. Compiled chunks keep logits and their gradient in that precision.
    """
    logits = min(tokens * shape.vocab_size, max(logits_per_chunk, shape.vocab_size))
    table = shape.vocab_size * shape.width
    in_chunks = compiled or tokens * shape.vocab_size > logits_per_chunk
    head = table * (size + (4 + size if in_chunks else 0))
    per_logit = 2 * size if compiled else 8 + size
    return logits * per_logit + head + tokens * shape.width * 12


def choose_execution(
    shape: Shape,
    num_params_total: int,
    optimiser: str,
    batch_size: int,
    device: Literal["cpu", "cuda"],
    *,
    processes: int = 1,
    memory_bytes: int = 0,
    compiled: bool | None = None,
) -> Execution | None:
    """Choose the execution of a run: the largest micro batch that fits, then the largest chunks.

    Activation checkpointing, sharded moments and sharded parameters, which need more
    communication each, are used only if nothing fits without.

    Args:
        shape: the size.
        num_params_total: number of its parameters.
        optimiser: kind of the optimiser.
        batch_size: sequences per step, of all processes together; a multiple of `processes`.
        device: `cpu` or `cuda`.
        processes: number of processes.
        memory_bytes: of one GPU; ignored on the CPU, which has fixed room for activations.
        compiled: whether blocks and loss are compiled; None compiles on a GPU.

    Returns:
        None if not even one sequence fits.
    """
    part = batch_size // processes
    sizes = [size for size in range(part, 0, -1) if part % size == 0]
    compiled = device == "cuda" if compiled is None else compiled
    usable = USABLE_SHARE * memory_bytes
    for sharded, fully in _shardings(optimiser, processes):
        for checkpointing in (False, True):
            for micro in sizes:
                found = Execution(
                    device=device,
                    processes=processes,
                    micro_batch=None if micro == part else micro,
                    activation_checkpointing=checkpointing,
                    sharded=sharded,
                    fully_sharded=fully,
                    compiled=compiled,
                )
                if device == "cpu":
                    needed = activation_bytes(shape, device, micro, checkpointing)
                    # The last choice is taken even if it needs more than the room.
                    if needed <= CPU_ROOM_BYTES or (checkpointing and micro == 1):
                        return found
                elif process_bytes(shape, num_params_total, optimiser, found, batch_size) <= usable:
                    larger = _with_larger_chunks(found, shape, micro)
                    return next(
                        (
                            one
                            for one in larger
                            if process_bytes(shape, num_params_total, optimiser, one, batch_size)
                            <= usable
                        ),
                        found,
                    )
    return None


def _shardings(optimiser: str, processes: int) -> list[tuple[bool, bool]]:
    """Return the choices for sharding moments, or everything, in the order of preference."""
    choices = [(False, False)]
    if processes > 1:
        choices += [(True, False)] * SETTINGS[optimiser].shards_moments
        choices += [(False, True)] * SETTINGS[optimiser].shards_parameters
    return choices


def _with_larger_chunks(found: Execution, shape: Shape, micro: int) -> list[Execution]:
    """Return an execution with larger chunks of the loss, as far as they are useful."""
    useful = micro * shape.context_length * shape.vocab_size
    return [
        replace(found, logits_per_chunk=logits)
        for logits in GPU_LOGITS_PER_CHUNK
        if found.compiled and logits < 2 * useful
    ]
