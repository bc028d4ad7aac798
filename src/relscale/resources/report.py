"""Text about the jobs of a suite on GPUs: their resources, and which runs need several jobs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from relscale.config.costs import Costs
from relscale.config.training import JobLimits
from relscale.plan.cost import run_seconds
from relscale.plan.planned_run import Run
from relscale.resources.evaluation import curve_resources, runs_by_curve, scoring_seconds
from relscale.resources.job_resources import SLACK, JobResources
from relscale.resources.training import array_resources, attempts, suite_resources


def gpu_jobs_report(
    runs: Iterable[Run], training: JobLimits, costs: Costs, tokens: Mapping[str, int] | None = None
) -> str:
    """Write a line per array of runs on GPUs, the runs that need several jobs, and the evaluations.

    Args:
        runs: the suite; the report of a suite on the CPU is empty.
        training: limits of a run's job.
        costs: speed of a GPU.
        tokens: tokens of each evaluated family, see `tokens_to_score`.

    Raises:
        ValueError: naming the keys to change, if the configured GPUs cannot hold all runs.
    """
    on_gpus = [run for run in runs if run.device == "gpu"]
    if not on_gpus:
        return ""
    alone = suite_resources(on_gpus, training, costs)
    lines = [
        f"jobs on GPUs of {training.gpu_memory_gb:g} GB: each task of an array has the resources "
        "of its most demanding run",
        f"{'GPUs':>6}{'runs':>6}{'hours':>7}{'cores':>7}{'memory, GB':>12}{'per GPU, GB':>13}"
        "  expected hours",
        *_arrays(on_gpus, alone, training, costs),
        *_long_runs(on_gpus, alone, training, costs),
        *_evaluations(on_gpus, training, costs, tokens or {}),
    ]
    return "\n".join(lines) + "\n"


def _arrays(
    runs: Sequence[Run], alone: Mapping[str, JobResources], training: JobLimits, costs: Costs
) -> Iterator[str]:
    """Yield one line per array."""
    members: dict[tuple[int, int, int, int, int], list[Run]] = {}
    for run, asked in zip(runs, array_resources(alone, training).values(), strict=True):
        key = (asked.gpu, asked.runtime, asked.cpus_per_task, asked.mem_mb, asked.gpu_mem_mb)
        members.setdefault(key, []).append(run)
    for (gpus, runtime, cores, memory, per_gpu), some in sorted(
        members.items(), key=lambda item: item[0]
    ):
        hours = sorted(run_seconds(run, costs) / gpus / 3600 for run in some)
        yield (
            f"{gpus:>6}{len(some):>6}{runtime / 60:>7.1f}{cores:>7}{_gigabytes(memory):>12,.0f}"
            f"{_gigabytes(per_gpu):>13,.0f}  {hours[0]:.1f} to {hours[-1]:.1f}"
        )


def _long_runs(
    runs: Sequence[Run], alone: Mapping[str, JobResources], training: JobLimits, costs: Costs
) -> Iterator[str]:
    """Yield lines about runs that need several jobs, or may need them."""
    limit = training.hours_per_run
    hours = sorted(
        hours
        for run in runs
        if (hours := run_seconds(run, costs) / alone[run.run].gpu / 3600) > limit
    )
    if hours:
        yield (
            f"{len(hours)} runs take {hours[0]:.1f} to {hours[-1]:.1f} h on all GPUs that they may "
            f"use, and a job has {limit:g} (training.hours_per_run): they resume from their "
            "checkpoints in the next job"
        )
    most = max(attempts(run, alone[run.run], costs) for run in runs)
    if most > 1:
        yield (
            f"a run may take {most} jobs if the machine is {SLACK:g} times slower than `costs` "
            f"says: --retries {most - 1} or more"
        )


def _evaluations(
    runs: Sequence[Run], training: JobLimits, costs: Costs, tokens: Mapping[str, int]
) -> Iterator[str]:
    """Yield lines about the evaluation jobs."""
    curves, limit = runs_by_curve(runs), training.hours_per_run
    asked = curve_resources(curves, tokens, costs, training).values()
    if not asked:
        return
    expected = {
        (name, *curve): scoring_seconds(some, number, costs) / 3600
        for name, number in tokens.items()
        for curve, some in curves.items()
    }
    yield (
        f"evaluation: {len(asked)} jobs with one GPU, {sum(expected.values()):,.0f} GPU-hours "
        "expected (at most, if text is not capped); "
        f"up to {max(one.runtime for one in asked) / 60:.1f} h, "
        f"{_gigabytes(max(one.mem_mb for one in asked)):,.0f} GB of memory and "
        f"{_gigabytes(max(one.gpu_mem_mb for one in asked)):,.0f} GB of GPU memory each"
    )
    if long := {key: hours for key, hours in expected.items() if hours > limit}:
        family, corpus, budget = max(long, key=lambda key: long[key])
        yield (
            f"{len(long)} evaluations are expected to take longer than training.hours_per_run = "
            f"{limit:g} ({family} of {corpus}, {budget}: {long[family, corpus, budget]:.1f} h) "
            "and need more --retries, since each job resumes with the run in which the last one "
            "was stopped: raise it, or cap the tokens of the family"
        )


def _gigabytes(mebibytes: int) -> float:
    return mebibytes * 2**20 / 1e9
