"""What a suite costs: FLOPs, tokens, time and disk by budget, under stated assumptions. Nothing but
the plan's summary uses it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from relscale.config.costs import Costs
from relscale.plan.accounting import count_parameters
from relscale.plan.suite import Run

BYTES_OF_A_PARAMETER = 4
"""A saved model's parameters are fp32."""
PARAMETERS_OF_A_CHECKPOINT = 3
"""A checkpoint holds the parameters and two moments."""
KEPT_CHECKPOINTS = 2
"""The latest two of a run are kept until they are cleaned."""
SUBSET_BUDGET = 1e19
"""The bill also says what one corpus costs with budgets up to this: four of the paper's seven
curves for a fourteenth of their cost."""


def run_seconds(run: Run, costs: Costs) -> float:
    """Return the expected device-seconds of a run: start, overhead of steps and layers, arithmetic
    at the stated utilisation."""
    overhead = costs.step_overhead_s + costs.layer_overhead_s * run.shape.layers
    return (
        costs.start_s
        + run.steps * overhead
        + run.training_flops / (costs.peak_flops_per_s * costs.utilisation)
    )


def bill(runs: Iterable[Run], costs: Costs) -> str:
    """Return a plain-text account: time by corpus and budget, by budget, disk, the longest chain, a
    subset, and the assumptions."""
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

    cells: dict[tuple[str, str], list[Run]] = defaultdict(list)
    by_budget: dict[str, list[Run]] = defaultdict(list)
    for run in everything:
        cells[run.corpus, run.budget].append(run)
        by_budget[run.budget].append(run)
    lines += [line(corpus, budget, members) for (corpus, budget), members in cells.items()]
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
    lines.append(f"assumed: {assumptions(costs)}; training only")
    return "\n".join(lines) + "\n"


def disk(runs: Sequence[Run]) -> str:
    """Return what tokens, models and checkpoints of some runs take on the disk."""
    most: dict[str, int] = defaultdict(int)
    for run in runs:
        most[run.corpus] = max(most[run.corpus], run.tokens)
    tokens = sum(most.values()) * (2 if max(run.shape.vocab_size for run in runs) <= 65_535 else 4)
    models = sum(count_parameters(run.shape).total for run in runs) * BYTES_OF_A_PARAMETER
    checkpoints = models * PARAMETERS_OF_A_CHECKPOINT * KEPT_CHECKPOINTS
    return f"tokens of the longest runs {size(tokens)}, models {size(models)}, checkpoints {size(checkpoints)} until they are cleaned"


def size(num_bytes: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:,.3g} TB"


def chain(run: Run, costs: Costs) -> str:
    """Return the longest chain of jobs that wait for each other: the tokens of the longest run,
    then that run."""
    hours = run_seconds(run, costs) / 3600
    text = f"longest chain: {run.run}, {hours:,.2f} h on one {costs.device.upper()}"
    if costs.device == "gpu":
        text += f" ({hours / 8:,.1f} h on eight, were nothing lost between them)"
    tokens = run.tokens / costs.tokens_per_core_s / 3600
    return (
        text
        + f"; before it {tokens:,.2f} core-hours to make its {run.tokens:.3g} tokens, in as many jobs as there are shards"
    )


def assumptions(costs: Costs) -> str:
    """Return what the bill assumes."""
    text = f"{costs.utilisation:.0%} of {costs.peak_flops_per_s:.3g} FLOP/s on a {costs.device.upper()}"
    if costs.step_overhead_s or costs.layer_overhead_s or costs.start_s:
        step, layer = 1000 * costs.step_overhead_s, 1000 * costs.layer_overhead_s
        text += f", {step:g} ms a step and {layer:g} ms a layer beside it, {costs.start_s:g} s to start a job"
    return f"{text}; {costs.tokens_per_core_s:,.0f} tokens a core-second when text is tokenized"
