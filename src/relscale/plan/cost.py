"""The cost of a suite: FLOPs, tokens, time and disk by budget, under stated assumptions.

`run_seconds` also serves the resources of jobs; the text is for the plan's summary.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from relscale.config.costs import Costs
from relscale.plan.accounting import count_parameters
from relscale.plan.planned_run import Run

BYTES_OF_A_PARAMETER = 4
"""Parameters of a saved model are float32."""
PARAMETERS_OF_A_CHECKPOINT = 3
"""A checkpoint holds parameters and two moments."""
KEPT_CHECKPOINTS = 2
"""Checkpoints per run that stay on disk until `clean` removes them."""
SUBSET_BUDGET = 1e19
"""The bill also states the cost of one corpus with budgets up to this one: four of the paper's
seven curves for a fourteenth of their cost."""

STATED = "assumed (section costs of the configuration)"
"""Source of a speed that was not measured."""


def run_seconds(run: Run, costs: Costs) -> float:
    """Return the expected device-seconds of a run.

    Start, overhead of steps and layers, and arithmetic at the stated utilisation.
    """
    overhead = costs.step_overhead_s + costs.layer_overhead_s * run.shape.layers
    return (
        costs.start_s
        + run.steps * overhead
        + run.training_flops / (costs.peak_flops_per_s * costs.utilisation)
    )


def bill(runs: Iterable[Run], costs: Costs, source: str = STATED) -> str:
    """Return the bill as plain text.

    Time by corpus and budget, by budget, disk, the longest chain, a subset, and the
    assumptions.

    Args:
        runs: the planned runs.
        costs: speed of the device.
        source: words for where the speed comes from.
    """
    everything = list(runs)
    unit, per_unit = ("GPU-hours", 3600.0) if costs.device == "gpu" else ("CPU-minutes", 60.0)
    lines = [
        f"{'corpus':<16}{'budget':>8}{'runs':>6}{'tokens':>12}{'training FLOPs':>16}{unit:>14}"
    ]

    def line(corpus: str, budget: str, members: Sequence[Run]) -> str:
        time = sum(run_seconds(run, costs) for run in members) / per_unit
        tokens, flops = (
            sum(run.tokens for run in members),
            sum(run.training_flops for run in members),
        )
        return (
            f"{corpus:<16}{budget:>8}{len(members):>6}{tokens:>12.3g}{flops:>16.3g}{time:>14,.1f}"
        )

    curves: dict[tuple[str, str], list[Run]] = defaultdict(list)
    by_budget: dict[str, list[Run]] = defaultdict(list)
    for run in everything:
        curves[run.corpus, run.budget].append(run)
        by_budget[run.budget].append(run)
    lines += [line(corpus, budget, members) for (corpus, budget), members in curves.items()]
    corpora = list(dict.fromkeys(run.corpus for run in everything))
    if len(corpora) > 1:
        lines += [line("all", budget, members) for budget, members in by_budget.items()]
    lines.append(line("all", "", everything))
    subset = [
        run for run in everything if run.corpus == corpora[0] and float(run.budget) <= SUBSET_BUDGET
    ]
    if subset and any(float(run.budget) > SUBSET_BUDGET for run in everything):
        time = sum(run_seconds(run, costs) for run in subset) / per_unit
        which = f"{corpora[0]} with budgets up to {subset[-1].budget}"
        lines.append(f"a subset, {which}: {len(subset)} runs, {time:,.1f} {unit}; {disk(subset)}")
    lines += [
        f"disk: {disk(everything)}",
        chain(max(everything, key=lambda run: run_seconds(run, costs)), costs),
    ]
    lines.append(f"{source}: {assumptions(costs)}; training only")
    return "\n".join(lines) + "\n"


def disk(runs: Sequence[Run]) -> str:
    """Return the disk space of tokens, models and checkpoints of runs, as text."""
    most: dict[str, int] = defaultdict(int)
    for run in runs:
        read = run.read_corpus
        most[read] = max(most[read], run.tokens)
    tokens = sum(most.values()) * (2 if max(run.shape.vocab_size for run in runs) <= 65_535 else 4)
    models = sum(count_parameters(run.shape).total for run in runs) * BYTES_OF_A_PARAMETER
    checkpoints = models * PARAMETERS_OF_A_CHECKPOINT * KEPT_CHECKPOINTS
    return (
        f"tokens of the longest runs {size(tokens)}, models {size(models)}, "
        f"checkpoints {size(checkpoints)} until they are cleaned"
    )


def size(num_bytes: float) -> str:
    """Return a number of bytes with a decimal unit and three digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:,.3g} TB"


def chain(run: Run, costs: Costs) -> str:
    """Return the longest chain of dependent jobs as text.

    It consists of the tokens of the longest run, then that run.
    """
    hours = run_seconds(run, costs) / 3600
    text = f"longest chain: {run.run}, {hours:,.2f} h on one {costs.device.upper()}"
    if costs.device == "gpu":
        text += f" ({hours / 8:,.1f} h on eight, if none is lost between them)"
    tokens = run.tokens / costs.tokens_per_core_s / 3600
    return (
        text
        + f"; before it {tokens:,.2f} core-hours to make its {run.tokens:.3g} tokens, in as many "
        "jobs as there are shards"
    )


def assumptions(costs: Costs) -> str:
    """Return the assumptions of the bill, as text."""
    peak = f"{costs.peak_flops_per_s:.3g} FLOP/s on a {costs.device.upper()}"
    text = f"{costs.utilisation:.0%} of {peak}"
    if costs.step_overhead_s or costs.layer_overhead_s or costs.start_s:
        step, layer = 1000 * costs.step_overhead_s, 1000 * costs.layer_overhead_s
        text += f", {step:.3g} ms per step and {layer:.3g} ms per layer in addition, "
        text += f"{costs.start_s:.3g} s to start a job"
    return f"{text}; {costs.tokens_per_core_s:,.0f} tokens per core-second when text is tokenized"
