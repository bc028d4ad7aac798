"""Resources of one job, by the names that Snakemake and its SLURM plugin use. Light imports."""

import math
from dataclasses import asdict, dataclass

CORES_PER_GPU = 4
"""Cores per GPU of a job: one each for the process, the prefetch thread, the backward pass, and
NCCL or the compiler. Nodes have 8 to 16 per GPU. A job on the CPU has one core."""
CUDA_MIB = 4000
"""Main memory of a process with CUDA's context and libraries, before it loads a model."""
LEAST_MINUTES = 30
"""Time added to the estimate for a cold file system or a slow shared disk."""
MOST_MINUTES = 10**9
"""Longest time that a job requests, 1900 years."""
SLACK = 2.0
"""Requested over expected time: a machine may be half as fast as `costs` says."""
TORCH_MIB = 900
"""Main memory of a process with torch, before it loads a model."""


@dataclass(frozen=True, kw_only=True)
class JobResources:
    """The resources of one job; the field names are those of Snakemake's resources."""

    gpu: int
    """Number of GPUs, 0 for the CPU."""
    mem_mb: int
    """Main memory of all processes together, in MiB."""
    gpu_mem_mb: int
    """Memory of each GPU, in MiB."""
    runtime: int
    """Time in minutes."""
    cpus_per_task: int = 1
    """Number of cores. Snakemake's threads are another number: they decide a run's bytes, and each
    of several processes has one."""
    nodes: int = 1
    """Number of machines; all processes of a run are on one."""

    def resources(self) -> dict[str, int]:
        """Return the resources by Snakemake's names."""
        return asdict(self)


def cores(gpus: int) -> int:
    """Return the number of cores of a job with this many GPUs."""
    return max(1, gpus * CORES_PER_GPU)


def mebibytes(size: float) -> int:
    """Convert bytes to whole MiB, rounded up."""
    return math.ceil(size / 2**20)


def minutes(seconds: float, at_most: float = math.inf) -> int:
    """Return the minutes to request for the expected seconds, up to a limit in minutes."""
    expected = min(SLACK * seconds / 60, MOST_MINUTES)
    return max(1, int(min(LEAST_MINUTES + math.ceil(expected), at_most)))
