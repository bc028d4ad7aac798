"""What a job asks of a machine, by the names that Snakemake and its plugin for SLURM know. Light
imports: the Snakefile plans with this."""

import math
from dataclasses import asdict, dataclass

CORES_PER_GPU = 4
"""Cores for each GPU of a job: one process's own thread, the one that reads ahead, the backward
pass's, and NCCL's or the compiler's. Nodes have 8 to 16 for each. On the CPU a job has one."""
CUDA_MIB = 4000
"""Memory of the machine that a process with CUDA's context and libraries takes, before it holds a
model."""
LEAST_MINUTES = 30
"""Time for what is asked beside the estimate: a cold file system, a queue of a shared disk."""
SLACK = 2.0
"""Time that is asked for over time that is expected: a machine may be half as fast as `costs`
says."""
TORCH_MIB = 900
"""Memory of a process with torch, before it holds a model."""


@dataclass(frozen=True, kw_only=True)
class JobResources:
    """What one job asks for; the names are those of Snakemake's resources."""

    gpu: int
    """GPUs, 0 for the CPU."""
    mem_mb: int
    """Memory of the machine, of all processes together."""
    gpu_mem_mb: int
    """Memory of each GPU."""
    runtime: int
    """Minutes."""
    cpus_per_task: int = 1
    """Cores. Not Snakemake's threads: their number decides a run's bytes, and several processes
    have one each."""
    nodes: int = 1
    """Machines: the processes of a run are started on one."""

    def resources(self) -> dict[str, int]:
        """Return the job's resources, by Snakemake's names."""
        return asdict(self)


def cores(gpus: int) -> int:
    """Return the cores of a job with so many GPUs."""
    return max(1, gpus * CORES_PER_GPU)


def mebibytes(size: float) -> int:
    """Return bytes as whole MiB, rounded up."""
    return math.ceil(size / 2**20)


def minutes(seconds: float, at_most: float = math.inf) -> int:
    """Return the minutes to ask for where so many seconds are expected, but not more than a
    limit."""
    return int(min(LEAST_MINUTES + math.ceil(SLACK * seconds / 60), at_most))
