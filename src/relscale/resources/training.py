"""GPUs, cores, memory and time of training jobs, estimated from the plan. Light imports."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from relscale.config.costs import Costs
from relscale.config.training import JobLimits
from relscale.plan.accounting import count_parameters
from relscale.plan.cost import run_seconds
from relscale.plan.optimiser import SETTINGS
from relscale.plan.planned_run import Run
from relscale.resources.job_resources import (
    CUDA_MIB,
    MOST_MINUTES,
    SLACK,
    TORCH_MIB,
    JobResources,
    cores,
    mebibytes,
    minutes,
)
from relscale.training.execution import (
    USABLE_SHARE,
    Execution,
    activation_bytes,
    choose_execution,
    process_bytes,
    state_bytes,
)

GPU_COUNTS = (1, 2, 4, 8)
"""Allowed numbers of GPUs per run; each has its own rules, since SLURM runs them as arrays."""
SHORT_SHARE = 1 / 3
"""Runs that request at most this share of `training.hours_per_run` are in an array of their own."""


def suite_resources(
    runs: Iterable[Run], training: JobLimits, costs: Costs
) -> dict[str, JobResources]:
    """Estimate the resources of each run's training job, by the run's name.

    Raises:
        ValueError: naming the keys to change, if the configured GPUs cannot hold all runs.
    """
    everything = list(runs)
    too_large = [run for run in everything if not fitting_counts(run, training)]
    if too_large:
        raise ValueError(_too_large(too_large, everything, training))
    return {run.run: training_resources(run, training, costs) for run in everything}


def training_resources(run: Run, training: JobLimits, costs: Costs) -> JobResources:
    """Estimate the resources of a run's training job.

    A run takes the fewest GPUs (1, 2, 4 or 8, up to `training.gpus_per_run`) that divide its batch,
    hold it in their memory and let it end within `training.hours_per_run`. If none let it end in
    time, it takes the most that hold it. No job requests more than `hours_per_run`; a longer run
    resumes from its checkpoint in the next job (see `attempts`).

    Raises:
        ValueError: if no allowed number of the configured GPUs holds the run; `suite_resources`
            reports all such runs at once.
    """
    at_most = 60 * training.hours_per_run
    if run.device == "cpu":
        return _on_cpu(run, costs, at_most)
    parameters, kind = count_parameters(run.shape).total, run.optimiser.kind
    fitting = fitting_counts(run, training)
    if not fitting:
        raise ValueError(
            f"training.gpu_memory_gb = {training.gpu_memory_gb:g}: {run.run} does not fit on GPUs "
            "with this much memory"
        )
    in_time = [count for count in fitting if run_seconds(run, costs) / count <= 60 * at_most]
    gpus = in_time[0] if in_time else fitting[-1]
    execution = _execution(run, gpus, training.gpu_memory_gb)
    assert execution is not None
    # A checkpoint is in main memory twice, as tensors and as written bytes: in that of the main
    # process, or, with sharded parameters, in parts in that of all. No process has the whole model
    # then, but the main process at the end, when it writes it.
    checkpoint = 2 * 12 * parameters
    model = 0 if execution.fully_sharded else 4 * parameters
    return JobResources(
        gpu=gpus,
        mem_mb=mebibytes(checkpoint) + gpus * (CUDA_MIB + mebibytes(model)),
        gpu_mem_mb=mebibytes(process_bytes(run.shape, parameters, kind, execution, run.batch_size)),
        runtime=minutes(run_seconds(run, costs) / gpus, at_most),
        cpus_per_task=cores(gpus),
    )


def fitting_counts(run: Run, training: JobLimits) -> list[int]:
    """Return the allowed numbers of GPUs that divide a run's batch and hold it.

    For a run on the CPU this is [0].
    """
    if run.device == "cpu":
        return [0]
    return [
        count
        for count in _counts(run, training)
        if _execution(run, count, training.gpu_memory_gb) is not None
    ]


def least_memory_gb(run: Run, training: JobLimits) -> float:
    """Return the least memory per GPU, in 1e9 bytes, that holds a run on the allowed GPUs."""
    parameters, kind = count_parameters(run.shape).total, run.optimiser.kind
    held = []
    for count in _counts(run, training):
        tightest = Execution(
            device="cuda",
            processes=count,
            micro_batch=1,
            activation_checkpointing=True,
            sharded=count > 1 and SETTINGS[kind].shards_moments,
            compiled=True,
        )
        held.append(process_bytes(run.shape, parameters, kind, tightest, run.batch_size))
        if count > 1 and SETTINGS[kind].shards_parameters:
            fully = replace(tightest, sharded=False, fully_sharded=True)
            held.append(process_bytes(run.shape, parameters, kind, fully, run.batch_size))
    return math.ceil(min(held) / USABLE_SHARE / 1e9)


def attempts(run: Run, resources: JobResources, costs: Costs) -> int:
    """Return the number of consecutive jobs of a run on a machine slower by a factor of `SLACK`."""
    minutes_needed = SLACK * run_seconds(run, costs) / max(1, resources.gpu) / 60
    return max(1, math.ceil(min(minutes_needed, MOST_MINUTES) / resources.runtime))


def is_short(resources: JobResources, training: JobLimits) -> bool:
    """Return whether a run is in the array of short runs with its number of GPUs."""
    return resources.runtime <= 60 * training.hours_per_run * SHORT_SHARE


def array_resources(
    alone: Mapping[str, JobResources], training: JobLimits
) -> dict[str, JobResources]:
    """Return the resources of each run's job as a member of its array.

    All tasks of an array have the resources of its most demanding one.
    """
    members: dict[tuple[int, bool], list[JobResources]] = {}
    for one in alone.values():
        members.setdefault((one.gpu, is_short(one, training)), []).append(one)
    most = {
        key: JobResources(
            **{name: max(getattr(one, name) for one in group) for name in group[0].resources()}
        )
        for key, group in members.items()
    }
    return {run: most[one.gpu, is_short(one, training)] for run, one in alone.items()}


def _too_large(too_large: Sequence[Run], runs: Sequence[Run], training: JobLimits) -> str:
    """Return the error message for runs that the configured GPUs cannot hold."""
    memory = training.gpu_memory_gb
    least = {run.shape.width: least_memory_gb(run, training) for run in too_large}
    widths = ", ".join(f"{width} ({least[width]:.0f})" for width in sorted(least))
    ways = ["give the memory of larger GPUs"]
    if training.gpus_per_run < GPU_COUNTS[-1]:
        ways.append(f"allow more GPUs per run (training.gpus_per_run, up to {GPU_COUNTS[-1]})")
    whole = {run.optimiser.kind for run in too_large if not run.optimiser.shards_parameters}
    if whole and training.gpus_per_run > 1:
        sharded = [kind for kind, one in SETTINGS.items() if one.shards_parameters]
        ways.append(
            f"take an optimiser whose parameters can be sharded ({', '.join(sharded)}), which "
            f"{' and '.join(sorted(whole))} cannot (suite.recipe.optimiser)"
        )
    if held := [run.shape.width for run in runs if run.shape.width < min(least)]:
        ways.append(f"leave out the widths above {max(held)}")
    return (
        f"training.gpu_memory_gb = {memory:g}: {len(too_large)} of {len(runs)} runs do not fit on "
        f"GPUs with this much memory (training.gpus_per_run = {training.gpus_per_run}). Their "
        f"widths, and the GB that each GPU would need: {widths}. Either {', or '.join(ways)} "
        "(recipe marin2025: suite.recipe.max_width; others: suite.budgets)"
    )


def _counts(run: Run, training: JobLimits) -> list[int]:
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


def _on_cpu(run: Run, costs: Costs, at_most: float) -> JobResources:
    parameters = count_parameters(run.shape).total
    execution = choose_execution(run.shape, parameters, run.optimiser.kind, run.batch_size, "cpu")
    assert execution is not None
    micro = execution.micro_batch or run.batch_size
    held = state_bytes(parameters, run.optimiser.kind) + activation_bytes(
        run.shape, "cpu", micro, execution.activation_checkpointing
    )
    # torch needs more memory than the compiled step, and either may run.
    memory = TORCH_MIB + mebibytes(held + 2 * 12 * parameters)
    return JobResources(
        gpu=0, mem_mb=memory, gpu_mem_mb=0, runtime=minutes(run_seconds(run, costs), at_most)
    )
