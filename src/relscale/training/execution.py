"""How a run is executed on a machine, and what memory that takes: pure functions, imported by the
plan's resources and by training.

Nothing here is science: the same run executed otherwise gives the same losses within rounding.
Bytes differ, so what was chosen is part of what decides a run's checkpoints (`Execution.name`).
"""

from dataclasses import dataclass
from typing import Literal

from relscale.plan.architecture import Shape

GIB = 2**30
CPU_ROOM_BYTES = 2 * GIB
"""Activations that a run on the CPU may hold: fixed, since what the machine has must not decide a
run's bytes."""
LOGITS_AT_ONCE = 2**26
"""Logits in memory at one time: 256 MiB of float32."""
UPDATED_AT_ONCE = 2**26
"""Entries of the tensors that an optimiser updates together, where one tensor has no more."""
USABLE_SHARE = 0.9
"""Share of a GPU's memory that is planned with; the rest is for the allocator's gaps and the
libraries' work space."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a run is executed."""

    device: Literal["cpu", "cuda"] = "cpu"
    """Where. On a GPU in bfloat16 with float32 parameters, compiled; on the CPU in float32."""
    processes: int = 1
    """Processes, each with a device and an equal part of every batch."""
    micro_batch: int | None = None
    """Sequences that a process takes at once, gradients being summed up; None takes its whole part
    of the batch."""
    recompute: bool = False
    """Whether activations inside a block are made again in the backward pass instead of kept."""
    sharded: bool = False
    """Whether each process keeps only its part of the optimiser's moments."""

    @property
    def name(self) -> str:
        """What of this decides a run's bytes."""
        words = ["torch" if self.device == "cpu" else "torch cuda bfloat16"]
        if self.processes > 1:
            words.append(f"{self.processes} processes")
        if self.micro_batch is not None:
            words.append(f"{self.micro_batch} at once")
        if self.recompute:
            words.append("recomputed")
        return ", ".join(words)


def state_bytes(
    num_params_total: int, optimiser: str, processes: int = 1, sharded: bool = False
) -> int:
    """Return the bytes of one process's parameters, gradients and moments, all float32.

    Gradients that `adam` keeps in one buffer are copied to travel to other processes.
    """
    moments = 8 * num_params_total // (processes if sharded else 1)
    return (
        8 * num_params_total
        + moments
        + (4 * num_params_total if processes > 1 and optimiser == "adam" else 0)
    )


def activation_bytes(shape: Shape, device: str, micro_batch: int, recompute: bool) -> int:
    """Return an upper estimate of what a forward and backward pass hold beside the state.

    A block keeps for its backward pass, a token: the residual stream twice (float32); normed
    inputs, queries and keys before and after their norm and after rotation, values and the mixed
    heads; the MLP's gate, its silu, its up projection and their product. In the precision of the
    matrix products, norms' outputs in both. With recomputation only one block at a time keeps that,
    the others their input; the same holds for the matrices in the products' precision, since blocks
    are compiled (without that, autocast would keep all).
    """
    size = 4 if device == "cpu" else 2
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    attention = (
        2 * shape.width * (4 + size + 4)
        + (queries + keys) * (size + 12 + 2 * size)
        + (queries + 2 * keys) * size
    )
    block = attention + shape.intermediate * 4 * size + 12 * (shape.heads + shape.kv_heads)
    held = shape.layers * 4 * shape.width + block if recompute else shape.layers * block
    tokens = micro_batch * shape.context_length
    logits = min(tokens * shape.vocab_size, max(LOGITS_AT_ONCE, shape.vocab_size))
    table = shape.vocab_size * shape.width
    chunked = tokens * shape.vocab_size > LOGITS_AT_ONCE
    # The head in the products' precision, and with chunks its gradient, made before the backward
    # pass, and one chunk's part of it.
    loss = (
        logits * (8 + size)
        + table * (size + (4 + size if chunked else 0))
        + tokens * shape.width * 12
    )
    matrices = shape.layers * shape.width * (2 * (queries + keys) + 3 * shape.intermediate)
    copies = 0 if device == "cpu" else 2 * matrices // (shape.layers if recompute else 1)
    forward_and_backward = tokens * held + loss + copies
    # The optimiser's turn comes when these are gone: it holds four values for each entry of the
    # tensors that it takes at once.
    return max(forward_and_backward, 16 * min(2 * table + matrices, max(table, UPDATED_AT_ONCE)))


def choose_execution(
    shape: Shape,
    num_params_total: int,
    optimiser: str,
    batch_size: int,
    device: Literal["cpu", "cuda"],
    *,
    processes: int = 1,
    memory_bytes: int = 0,
) -> Execution | None:
    """Choose how to execute a run: the largest micro batch that fits, recomputed or sharded only
    where nothing fits without.

    Args:
        shape: the size.
        num_params_total: its parameters.
        optimiser: kind of the optimiser.
        batch_size: sequences of a step, of all processes together; `processes` divides it.
        device: where.
        processes: how many.
        memory_bytes: of one GPU; not asked for on the CPU, which has fixed room for activations.

    Returns:
        None where not even one sequence at a time fits.
    """
    part = batch_size // processes
    sizes = [size for size in range(part, 0, -1) if part % size == 0]
    for sharded in (False, True)[: 2 if processes > 1 else 1]:
        for recompute in (False, True):
            for micro in sizes:
                needed = activation_bytes(shape, device, micro, recompute)
                room = (
                    CPU_ROOM_BYTES
                    if device == "cpu"
                    else USABLE_SHARE * memory_bytes
                    - state_bytes(num_params_total, optimiser, processes, sharded)
                )
                # On the CPU there is always a way: the last one, however much it takes.
                if needed <= room or (device == "cpu" and recompute and micro == 1):
                    whole = None if micro == part else micro
                    return Execution(
                        device=device,
                        processes=processes,
                        micro_batch=whole,
                        recompute=recompute,
                        sharded=sharded,
                    )
    return None
