"""What a suite costs: FLOPs, tokens and time by budget, under stated assumptions. Nothing but the plan's summary uses it."""

from collections import defaultdict
from collections.abc import Iterable

from relscale.plan import Run
from relscale.settings.analysis import Costs


def run_seconds(run: Run, costs: Costs) -> float:
    """Return the expected device-seconds of a run: start, overhead of steps and layers, arithmetic at the stated utilisation."""
    overhead = costs.step_overhead_s + costs.layer_overhead_s * run.shape.layers
    return costs.start_s + run.steps * overhead + run.training_flops / (costs.peak_flops_per_s * costs.utilisation)


def bill(runs: Iterable[Run], costs: Costs) -> str:
    """Return a plain-text table with a row for each corpus and budget, their sum, and the assumptions."""
    unit, per_unit = ("GPU-hours", 3600.0) if costs.device == "gpu" else ("CPU-minutes", 60.0)
    rows: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        rows[run.corpus, run.budget].append(run)
    lines = [f"{'corpus':<16}{'budget':>8}{'runs':>6}{'tokens':>12}{'training FLOPs':>16}{unit:>14}"]

    def line(corpus: str, budget: str, members: list[Run]) -> str:
        time = sum(run_seconds(run, costs) for run in members) / per_unit
        tokens, flops = sum(run.tokens for run in members), sum(run.training_flops for run in members)
        return f"{corpus:<16}{budget:>8}{len(members):>6}{tokens:>12.3g}{flops:>16.3g}{time:>14,.1f}"

    lines += [line(corpus, budget, members) for (corpus, budget), members in rows.items()]
    everything = [run for members in rows.values() for run in members]
    lines.append(line("all", "", everything))
    longest = max(everything, key=lambda run: run_seconds(run, costs))
    lines.append(f"longest run: {longest.run}, {run_seconds(longest, costs) / per_unit:,.1f} {unit}")
    assumed = f"{costs.utilisation:.0%} of {costs.peak_flops_per_s:.3g} FLOP/s on a {costs.device.upper()}"
    if costs.step_overhead_s or costs.layer_overhead_s or costs.start_s:
        assumed += (
            f", {1000 * costs.step_overhead_s:g} ms a step and {1000 * costs.layer_overhead_s:g} ms a layer beside it, "
            f"{costs.start_s:g} s to start a job"
        )
    lines.append(f"assumed: {assumed}; training only")
    return "\n".join(lines) + "\n"
