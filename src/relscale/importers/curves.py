"""Values that are logged along a run: the last evaluation of each run, domain and metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from relscale.importers.cells import LARGEST
from relscale.importers.importer import ImportedRun, ImportedValue

MOST_EARLY = 20
"""Values of earlier steps that a note names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedValue:
    """A value that was logged at a step."""

    run: str
    """Name of the run."""
    domain: str
    """Domain."""
    metric: str
    """Metric."""
    step: float
    """Step, or whatever the x axis is."""
    value: float
    """The value; NaN and infinity as they were logged."""
    where: str
    """File and place, for messages."""
    axis: str = ""
    """Name of the x axis, where files state one."""


@dataclass(frozen=True, kw_only=True)
class LastValues:
    """The last evaluation of each run, domain and metric."""

    values: list[ImportedValue]
    """The values."""
    steps: dict[str, float]
    """Largest step of each run at which something was evaluated, on any x axis."""
    notes: list[str]
    """Notes on evaluations that are left out."""
    decisions: list[str]
    """Assumptions, one sentence each."""


def last_values(logged: Sequence[LoggedValue], family: str) -> LastValues:
    """Return the last evaluation of each run, domain and metric.

    A value that is NaN or infinite at the last evaluation is not replaced by an earlier one: the
    run may have diverged. Of two values at the same step the later one in the order given counts.
    Values that were evaluated before the last evaluation of their run are named with run and
    domain; steps on different x axes are not compared.
    """
    last: dict[tuple[str, str, str], LoggedValue] = {}
    steps: dict[str, float] = {}
    ends: dict[tuple[str, str], float] = {}
    for one in logged:
        key = one.run, one.domain, one.metric
        if key not in last or one.step >= last[key].step:
            last[key] = one
        steps[one.run] = max(one.step, steps.get(one.run, -math.inf))
        ends[one.run, one.axis] = max(one.step, ends.get((one.run, one.axis), -math.inf))
    values = []
    early = []
    for one in last.values():
        end = ends[one.run, one.axis]
        if one.step < end:
            early.append(
                f"run {one.run!r}, domain {one.domain!r} ({one.metric}) at step {one.step:.15g} of "
                f"{end:.15g}"
            )
        finite = math.isfinite(one.value)
        values.append(
            ImportedValue(
                run=one.run,
                where=one.where,
                family=family,
                domain=one.domain,
                metric=one.metric,
                value=one.value if finite else math.nan,
                excluded_reason=None if finite else f"{one.value} at step {one.step:g}",
            )
        )
    notes = []
    if len(logged) > len(values):
        notes.append(f"{len(logged) - len(values)} evaluation(s) before the last one of their run")
    decisions = ["each run has its last evaluation"]
    if early:
        more = f" and {len(early) - MOST_EARLY} more" if len(early) > MOST_EARLY else ""
        decisions.append(
            f"{len(early)} value(s) were evaluated before the last evaluation of their run, so its "
            f"values are of different steps: {'; '.join(early[:MOST_EARLY])}{more}"
        )
    return LastValues(values=values, steps=steps, notes=notes, decisions=decisions)


def tokens_at(step: float, run: ImportedRun, x_is_tokens: bool) -> int | None:
    """Return the tokens of a run whose x axis is tokens; its stated tokens otherwise.

    Raises:
        ValueError: naming the run, if the step is not a positive number.
    """
    if not x_is_tokens:
        return run.tokens
    if not 0 < step < LARGEST:
        raise ValueError(f"{run.where}: the last step of run {run.run!r} is {step:g}, not tokens")
    return round(step)
