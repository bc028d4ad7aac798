"""What a suite's jobs on GPUs ask a scheduler for, as text for the bill: GPUs, cores, memory and
hours, and what takes several jobs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from relscale.config.analysis import Costs
from relscale.config.training import Training
from relscale.plan.cost import run_seconds
from relscale.plan.planned_run import Run
from relscale.resources.evaluation import cells_needs, cells_of, scoring_seconds
from relscale.resources.request import SLACK, Needs
from relscale.resources.training import array_needs, attempts, suite_needs


def jobs_bill(
    runs: Iterable[Run], training: Training, costs: Costs, tokens: Mapping[str, int] | None = None
) -> str:
    """Return a line for each array of runs on GPUs, which runs outlast one job, and the
    evaluations; nothing for a suite on the CPU.

    Args:
        runs: the suite.
        training: what a run may take.
        costs: what a GPU does in a second.
        tokens: of each family that is evaluated, as `tokens_to_score` gives them.

    Raises:
        ValueError: naming the keys to change, where the configured GPUs do not hold all runs.
    """
    everything = [run for run in runs if run.device == "gpu"]
    if not everything:
        return ""
    alone = suite_needs(everything, training, costs)
    members: dict[tuple[int, int, int, int, int], list[Run]] = {}
    for run, needs in zip(everything, array_needs(alone, training).values(), strict=True):
        key = (needs.gpu, needs.runtime, needs.cpus_per_task, needs.mem_mb, needs.gpu_mem_mb)
        members.setdefault(key, []).append(run)
    lines = [
        f"jobs on GPUs of {training.gpu_memory_gb:g} GB: each task of an array asks for what its most demanding run needs",
        f"{'GPUs':>6}{'runs':>6}{'hours':>7}{'cores':>7}{'memory, GB':>12}{'of each GPU':>13}{'  expected hours'}",
    ]
    for (gpus, asked, cores, memory, of_gpu), some in sorted(
        members.items(), key=lambda item: item[0]
    ):
        hours = sorted(run_seconds(run, costs) / gpus / 3600 for run in some)
        lines.append(
            f"{gpus:>6}{len(some):>6}{asked / 60:>7.1f}{cores:>7}{memory * 2**20 / 1e9:>12,.0f}{of_gpu * 2**20 / 1e9:>13,.0f}"
            f"  {hours[0]:.1f} to {hours[-1]:.1f}"
        )
    lines += [
        *_outlasting(everything, alone, training, costs),
        *_evaluations(everything, training, costs, tokens or {}),
    ]
    return "\n".join(lines) + "\n"


def _outlasting(
    everything: Sequence[Run], alone: Mapping[str, Needs], training: Training, costs: Costs
) -> Iterator[str]:
    outlasting = [
        run
        for run in everything
        if run_seconds(run, costs) / alone[run.run].gpu > 3600 * training.hours_per_run
    ]
    most = max(attempts(run, alone[run.run], costs) for run in everything)
    if outlasting:
        hours = sorted(run_seconds(run, costs) / alone[run.run].gpu / 3600 for run in outlasting)
        yield (
            f"{len(outlasting)} runs take {hours[0]:.1f} to {hours[-1]:.1f} h with all GPUs that they may have, and a job has "
            f"{training.hours_per_run:g} (training.hours_per_run): they go on from their checkpoints in the next job"
        )
    if most > 1:
        yield (
            f"a run may take {most} jobs where the machine is {SLACK:g} times slower than `costs` says: --retries {most - 1} or more"
        )


def _evaluations(
    everything: Sequence[Run], training: Training, costs: Costs, tokens: Mapping[str, int]
) -> Iterator[str]:
    cells = cells_of(everything)
    asked = cells_needs(cells, tokens, costs, training).values()
    if not asked:
        return
    expected = {
        (name, *cell): scoring_seconds(runs, number, costs) / 3600
        for name, number in tokens.items()
        for cell, runs in cells.items()
    }
    yield (
        f"evaluation: {len(asked)} jobs of one GPU, {sum(expected.values()):,.0f} GPU-hours expected (at most, where text is not capped); "
        f"up to {max(one.runtime for one in asked) / 60:.1f} h, {max(one.mem_mb for one in asked) * 2**20 / 1e9:,.0f} GB of memory and "
        f"{max(one.gpu_mem_mb for one in asked) * 2**20 / 1e9:,.0f} GB of the GPU's each"
    )
    if long := {key: hours for key, hours in expected.items() if hours > training.hours_per_run}:
        family, corpus, budget = max(long, key=lambda key: long[key])
        yield (
            f"{len(long)} evaluations are expected to take longer than training.hours_per_run = {training.hours_per_run:g} "
            f"({family} of {corpus}, {budget}: {long[family, corpus, budget]:.1f} h) and need more --retries, since "
            "each job goes on with the run that the last one was stopped in: raise it, or cap what the family scores"
        )
