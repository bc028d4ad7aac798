"""What a training job asks of a machine: GPUs, cores, memory and time, estimated from the plan.
Pure functions with light imports."""

import math
from collections.abc import Iterable, Mapping

from relscale.config.analysis import Costs
from relscale.config.training import Training
from relscale.plan.accounting import count_parameters
from relscale.plan.cost import run_seconds
from relscale.plan.planned_run import Run
from relscale.resources.request import CUDA_MIB, SLACK, TORCH_MIB, Needs, cores, mebibytes, minutes
from relscale.training.execution import (
    USABLE_SHARE,
    Execution,
    activation_bytes,
    choose_execution,
    state_bytes,
)

GPU_COUNTS = (1, 2, 4, 8)
"""Numbers of GPUs that a run may take: each has rules of its own, so that a scheduler can send them
as arrays."""
SHORT_SHARE = 1 / 3
"""Runs that ask for no more than this share of `training.hours_per_run` are arrays apart from the
longer ones."""


def suite_needs(runs: Iterable[Run], training: Training, costs: Costs) -> dict[str, Needs]:
    """Return what the training job of each run asks for, by the run's name.

    Raises:
        ValueError: naming the keys to change, where the configured GPUs do not hold all runs.
    """
    everything = list(runs)
    largest = {run.shape.width: run for run in everything if fitting_counts(run, training) == []}
    if largest:
        number = sum(
            run.shape.width in largest and fitting_counts(run, training) == [] for run in everything
        )
        widths = ", ".join(
            f"{width} ({least_memory_gb(run, training):.0f})"
            for width, run in sorted(largest.items())
        )
        ways = ["give the memory of larger GPUs"]
        if training.gpus_per_run < GPU_COUNTS[-1]:
            ways.append(f"allow more of them a run (training.gpus_per_run, up to {GPU_COUNTS[-1]})")
        if held := [run.shape.width for run in everything if run.shape.width < min(largest)]:
            ways.append(f"leave the widths above {max(held)} out")
        raise ValueError(
            f"training.gpu_memory_gb = {training.gpu_memory_gb:g}: {number} of {len(everything)} runs do not fit GPUs of so much memory"
            f" (training.gpus_per_run = {training.gpus_per_run}). Their widths, and the GB that each GPU would need: {widths}."
            f" Either {', or '.join(ways)} (recipe marin2025: suite.recipe.max_width; others: suite.budgets)"
        )
    return {run.run: train_needs(run, training, costs) for run in everything}


def train_needs(run: Run, training: Training, costs: Costs) -> Needs:
    """Estimate what the training job of a run asks for.

    A run on GPUs takes the fewest (1, 2, 4 or 8, up to `training.gpus_per_run`) that divide its
    batch, hold it in their memory, and let it end within `training.hours_per_run`; where none lets
    it end in time, the most that hold it. No job asks for more than `hours_per_run`: it goes on
    from its checkpoint when it is sent again (`attempts`).

    Raises:
        ValueError: where no number of the configured GPUs holds the run; `suite_needs` says it of
            all runs at once.
    """
    at_most = 60 * training.hours_per_run
    if run.device == "cpu":
        return _on_cpu(run, costs, at_most)
    parameters, kind = count_parameters(run.shape).total, run.optimiser.kind
    fitting = fitting_counts(run, training)
    if not fitting:
        raise ValueError(
            f"training.gpu_memory_gb = {training.gpu_memory_gb:g}: {run.run} does not fit GPUs of so much memory"
        )
    in_time = [count for count in fitting if run_seconds(run, costs) / count <= 60 * at_most]
    gpus = in_time[0] if in_time else fitting[-1]
    execution = _execution(run, gpus, training.gpu_memory_gb)
    assert execution is not None
    # A checkpoint passes through the leader's memory: parameters and moments, and the bytes that
    # are written.
    checkpoint = 2 * 12 * parameters
    return Needs(
        gpu=gpus,
        mem_mb=mebibytes(checkpoint) + gpus * (CUDA_MIB + mebibytes(4 * parameters)),
        gpu_mem_mb=mebibytes(_held_bytes(run, parameters, kind, execution)),
        runtime=minutes(run_seconds(run, costs) / gpus, at_most),
        cpus_per_task=cores(gpus),
    )


def fitting_counts(run: Run, training: Training) -> list[int]:
    """Return the numbers of GPUs, of those that divide the run's batch, that hold it; [0] for a run
    on the CPU."""
    if run.device == "cpu":
        return [0]
    return [
        count
        for count in _counts(run, training)
        if _execution(run, count, training.gpu_memory_gb) is not None
    ]


def least_memory_gb(run: Run, training: Training) -> float:
    """Return the memory (1e9 bytes) that each GPU must have, at the least, to hold a run with as
    many as it may take."""
    parameters, kind = count_parameters(run.shape).total, run.optimiser.kind
    held = [
        _held_bytes(
            run,
            parameters,
            kind,
            Execution(
                device="cuda", processes=count, micro_batch=1, activation_checkpointing=True, sharded=count > 1
            ),
        )
        for count in _counts(run, training)
    ]
    return math.ceil(min(held) / USABLE_SHARE / 1e9)


def attempts(run: Run, needs: Needs, costs: Costs) -> int:
    """Return how many jobs, one after another, a run takes at most on a machine `SLACK` times
    slower than `costs` says."""
    seconds = SLACK * run_seconds(run, costs) / max(1, needs.gpu)
    return max(1, math.ceil(seconds / 60 / needs.runtime))


def is_short(needs: Needs, training: Training) -> bool:
    """Tell runs that are sent in the array of the short ones of their number of GPUs."""
    return needs.runtime <= 60 * training.hours_per_run * SHORT_SHARE


def array_needs(needs: Mapping[str, Needs], training: Training) -> dict[str, Needs]:
    """Return what each run's job asks for as a member of an array, whose tasks all get what the
    most demanding one needs."""
    members: dict[tuple[int, bool], list[Needs]] = {}
    for one in needs.values():
        members.setdefault((one.gpu, is_short(one, training)), []).append(one)
    most = {
        key: Needs(
            **{name: max(getattr(one, name) for one in group) for name in group[0].resources()}
        )
        for key, group in members.items()
    }
    return {run: most[one.gpu, is_short(one, training)] for run, one in needs.items()}


def _counts(run: Run, training: Training) -> list[int]:
    return [
        count
        for count in GPU_COUNTS
        if count <= training.gpus_per_run and run.batch_size % count == 0
    ]


def _execution(run: Run, gpus: int, memory_gb: float) -> Execution | None:
    parameters = count_parameters(run.shape).total
    memory = int(memory_gb * 1e9)
    return choose_execution(
        run.shape,
        parameters,
        run.optimiser.kind,
        run.batch_size,
        "cuda",
        processes=gpus,
        memory_bytes=memory,
    )


def _held_bytes(run: Run, parameters: int, kind: str, execution: Execution) -> int:
    micro = execution.micro_batch or run.batch_size // execution.processes
    state = state_bytes(parameters, kind, execution.processes, execution.sharded)
    return state + activation_bytes(run.shape, "cuda", micro, execution.activation_checkpointing)


def _on_cpu(run: Run, costs: Costs, at_most: float) -> Needs:
    parameters = count_parameters(run.shape).total
    execution = choose_execution(
        run.shape, parameters, run.optimiser.kind, run.batch_size, "cpu"
    )
    assert execution is not None
    micro = execution.micro_batch or run.batch_size
    held = state_bytes(parameters, run.optimiser.kind) + activation_bytes(
        run.shape, "cpu", micro, execution.activation_checkpointing
    )
    # Whichever step is taken where the job runs, torch's needs more.
    memory = TORCH_MIB + mebibytes(held + 2 * 12 * parameters)
    return Needs(
        gpu=0, mem_mb=memory, gpu_mem_mb=0, runtime=minutes(run_seconds(run, costs), at_most)
    )
