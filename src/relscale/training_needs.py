"""What a training job asks of a machine: GPUs, memory and time, estimated from the plan. Pure functions with light imports."""

import math
from dataclasses import asdict, dataclass

from relscale.accounting import count_parameters
from relscale.bill import run_seconds
from relscale.plan import Run
from relscale.settings.analysis import Costs
from relscale.settings.training import Training
from relscale.training.execution import Execution, activation_bytes, choose_execution, state_bytes

TORCH_MIB = 900
"""Memory of a process with torch, before it holds a model."""
CUDA_MIB = 4000
"""The same with CUDA's context and libraries."""
GPU_COUNTS = (1, 2, 4, 8)
"""Numbers of GPUs that a run may take: each has a rule of its own, so that a scheduler can send them as one array."""
SLACK = 2.0
"""Time that is asked for over time that is expected: a machine may be half as fast as `costs` says, and a checkpoint saves the rest."""
LEAST_MINUTES = 30


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one training job asks for."""

    gpu: int
    """GPUs, 0 for the CPU."""
    mem_mb: int
    """Memory of the machine, of all processes together."""
    gpu_mem_mb: int
    """Memory of each GPU."""
    runtime: int
    """Minutes."""

    def resources(self) -> dict[str, int]:
        """Return the job's resources, by Snakemake's names."""
        return asdict(self)


def train_needs(run: Run, training: Training, costs: Costs) -> Needs:
    """Estimate what the training job of a run asks for.

    A run on GPUs takes the fewest (1, 2, 4 or 8, up to `training.gpus_per_run`) that divide its batch, hold it in their memory, and let it
    end within `training.hours_per_run`; where none does all that, the most that hold it, and where none holds it, the most that divide
    its batch (the job then says that it does not fit, before its first step).
    """
    if run.device == "cpu":
        return _on_cpu(run, costs)
    counts = [count for count in GPU_COUNTS if count <= training.gpus_per_run and run.batch_size % count == 0]
    parameters, memory = count_parameters(run.shape).total, int(training.gpu_memory_gb * 1e9)
    kind = run.optimiser["kind"]
    found = {
        count: choose_execution(run.shape, parameters, kind, run.batch_size, "cuda", processes=count, memory_bytes=memory)
        for count in counts
    }
    fitting = [count for count in counts if found[count] is not None] or counts[-1:]
    in_time = [count for count in fitting if run_seconds(run, costs) / count <= 3600 * training.hours_per_run]
    gpus = in_time[0] if in_time else fitting[-1]
    execution = found[gpus] or Execution(device="cuda", processes=gpus, micro_batch=1, recompute=True, sharded=gpus > 1)
    micro = execution.micro_batch or run.batch_size // gpus
    held = state_bytes(parameters, kind, gpus, execution.sharded) + activation_bytes(run.shape, "cuda", micro, execution.recompute)
    # A checkpoint passes through the leader's memory: parameters and moments, and the bytes that are written.
    checkpoint = 2 * 12 * parameters
    seconds = run_seconds(run, costs) / gpus
    return Needs(
        gpu=gpus,
        mem_mb=_mib(checkpoint) + gpus * (CUDA_MIB + _mib(4 * parameters)),
        gpu_mem_mb=_mib(held),
        runtime=LEAST_MINUTES + math.ceil(SLACK * seconds / 60),
    )


def _on_cpu(run: Run, costs: Costs) -> Needs:
    parameters = count_parameters(run.shape).total
    execution = choose_execution(run.shape, parameters, run.optimiser["kind"], run.batch_size, "cpu")
    assert execution is not None
    micro = execution.micro_batch or run.batch_size
    held = state_bytes(parameters, run.optimiser["kind"]) + activation_bytes(run.shape, "cpu", micro, execution.recompute)
    # Whichever step is taken where the job runs, torch's needs more.
    return Needs(
        gpu=0,
        mem_mb=TORCH_MIB + _mib(held + 2 * 12 * parameters),
        gpu_mem_mb=0,
        runtime=LEAST_MINUTES + math.ceil(SLACK * run_seconds(run, costs) / 60),
    )


def _mib(size: int) -> int:
    return math.ceil(size / 2**20)
