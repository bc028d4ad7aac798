"""Resources of evaluation jobs, from sizes of runs and tokens of families. Light imports."""

from collections.abc import Iterable, Mapping, Sequence

from relscale.config.costs import Costs
from relscale.config.training import JobLimits
from relscale.evaluation.batches import scoring_bytes
from relscale.plan.accounting import count_parameters, forward_flops_per_token
from relscale.plan.planned_run import Run
from relscale.resources.job_resources import (
    CUDA_MIB,
    TORCH_MIB,
    JobResources,
    cores,
    mebibytes,
    minutes,
)

SCORING_SHARE = 0.5
"""Utilisation of scoring over that of training: blocks are not compiled and batches are smaller."""
READ_BYTES_PER_S = 5e8
"""Bytes of a model read per second."""
REQUEST_TOKENS_PER_S = 1e6
"""Tokens of requests put into batches per second, once per run."""
REQUEST_BYTES_PER_TOKEN = 50
"""Memory per token of the requests while they are scored (measured: 42)."""
SAMPLE_BYTES_PER_TOKEN = 100
"""Memory per token of the requests while they are built (measured: 79)."""
SAMPLE_TOKENS_PER_S = 1e5
"""Tokens turned into requests per second."""
LEAST_MIB = 2000
"""Least memory of an evaluation job."""
LEAST_SAMPLE_MIB = 1500
"""Least memory of a job that builds requests."""
LEAST_SCORING_MINUTES = 60
"""Least time of an evaluation job."""


def evaluation_resources(
    runs: Sequence[Run], tokens: int, costs: Costs, training: JobLimits
) -> JobResources:
    """Estimate the resources of the job that scores runs on a family, one after the other.

    The job needs memory for the largest run and time for all. A run whose recipe trains on a GPU is
    scored on one, in bfloat16 with float32 parameters; main memory holds it twice while it is read.

    Args:
        runs: the runs of one IsoFLOP curve.
        tokens: tokens of the family, see `Family.tokens_to_score`.
        costs: speed of the device.
        training: its `hours_per_run` limits the time, since a job that requests more than its
            partition allows is never started.
    """
    on_gpu = any(run.device == "gpu" for run in runs)
    weights = max(4 * count_parameters(run.shape).total for run in runs)
    batch = max(scoring_bytes(run.shape, "cuda" if on_gpu else "cpu") for run in runs)
    memory = mebibytes(2 * weights + REQUEST_BYTES_PER_TOKEN * tokens + (0 if on_gpu else batch))
    return JobResources(
        gpu=int(on_gpu),
        mem_mb=max(LEAST_MIB, memory + (CUDA_MIB if on_gpu else TORCH_MIB)),
        gpu_mem_mb=mebibytes(weights + batch) if on_gpu else 0,
        runtime=max(
            LEAST_SCORING_MINUTES,
            minutes(scoring_seconds(runs, tokens, costs), 60 * training.hours_per_run),
        ),
        cpus_per_task=cores(int(on_gpu)),
    )


def requests_resources(tokens: int) -> JobResources:
    """Estimate the resources of the job that builds requests with this many tokens."""
    memory = LEAST_SAMPLE_MIB + mebibytes(SAMPLE_BYTES_PER_TOKEN * tokens)
    return JobResources(
        gpu=0, mem_mb=memory, gpu_mem_mb=0, runtime=minutes(tokens / SAMPLE_TOKENS_PER_S)
    )


def scoring_seconds(runs: Sequence[Run], tokens: int, costs: Costs) -> float:
    """Return the expected seconds for scoring runs, one after the other, on this many tokens."""
    return sum(_scoring_seconds(run, tokens, costs) for run in runs)


def runs_by_curve(runs: Iterable[Run]) -> dict[tuple[str, str], list[Run]]:
    """Group runs by corpus and budget: one evaluation job scores the runs of one IsoFLOP curve."""
    curves: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        curves.setdefault((run.corpus, run.budget), []).append(run)
    return curves


def curve_resources(
    curves: Mapping[tuple[str, str], Sequence[Run]],
    tokens: Mapping[str, int],
    costs: Costs,
    training: JobLimits,
) -> dict[tuple[str, str, str], JobResources]:
    """Estimate the resources of each evaluation job, by family, corpus and budget.

    Args:
        curves: runs by corpus and budget.
        tokens: tokens by family, see `Family.tokens_to_score`.
        costs: speed of the device.
        training: its `hours_per_run` limits the time.
    """
    return {
        (name, *curve): evaluation_resources(runs, number, costs, training)
        for name, number in tokens.items()
        for curve, runs in curves.items()
    }


def _scoring_seconds(run: Run, tokens: int, costs: Costs) -> float:
    flops = tokens * forward_flops_per_token(run.shape, attention="full", count_softmax=True)
    reading = (
        4 * count_parameters(run.shape).total / READ_BYTES_PER_S + tokens / REQUEST_TOKENS_PER_S
    )
    return (
        costs.start_s
        + reading
        + flops / (costs.peak_flops_per_s * costs.utilisation * SCORING_SHARE)
    )
