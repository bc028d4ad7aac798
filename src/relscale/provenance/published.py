"""Compare results with published ones, and find the likely cause of a difference.

`compare` compares the values that readers cite. If they differ, the cause is sought where the
results first differ: in a stage whose results differ although everything that it reads is the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from relscale.provenance.certificate import DIGITS, Certificate, RuleFacts, rounded
from relscale.provenance.certified import STAGES, VALUE_TABLES, Stage, ValueTable

SLACK = 0.51
"""Largest difference from a rounded value, in units of its last digit: one half for the rounding,
and a little for values that are the same to more digits."""
SMALLEST = 1e-12
"""A smaller difference counts as none; it is the noise of a slope that is 0."""
SHOWN = 6
"""Differences of one kind that are listed; further ones are counted."""
LONGEST = 80
"""Letters of a setting that are shown."""
NAMES = {"dbeta": "slopes", "verdict": "verdicts", "exponent": "exponents", "r2": "R2"}
NOWHERE = "absent"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The result of comparing published results with those of a checkout."""

    values: list[str]
    """Differences of cited values, one line per table and column."""
    problems: list[str]
    """Files here that were modified after their job."""
    differing: dict[str, list[str]]
    """Results that differ, by stage."""
    causes: list[str]
    """Likely causes of the differences, upstream first."""
    counted: dict[str, int]
    """Number of published values by column."""

    @property
    def equal(self) -> bool:
        """Whether all cited values are equal and no file was modified."""
        return not (self.values or self.problems)

    def text(self, where: str) -> str:
        """Write the result in lines; `where` names the published results."""
        files = "; ".join(
            f"{stage}: {_some(names, 3)}" for stage, names in self.differing.items() if names
        )
        causes = [f"  likely cause: {cause}" for cause in self.causes]
        if self.equal:
            lines = [
                f"equal to the published results: all {self.counted['verdict']} verdicts, "
                f"{self.counted['dbeta']} slopes to {DIGITS} digits ({where})"
            ]
            if files:
                lines += [f"  files that differ without changing these values: {files}", *causes]
            return "\n".join(lines) + "\n"
        lines = [f"different from the published results ({where}); published -> here:"]
        lines += [f"  {line}" for line in self.values]
        if not self.values:
            lines.append("  the cited values are equal, but files were modified")
        if files:
            lines.append(f"  files that differ: {files}")
        return "\n".join([*lines, *causes]) + "\n"


def compare(published: Certificate, here: Certificate) -> Agreement:
    """Compare the results of a checkout with published ones.

    Args:
        published: read from its folder, with rounded values.
        here: that of the checkout, with all digits.
    """
    values = [line for each in VALUE_TABLES for line in _value_differences(each, published, here)]
    states = {stage.name: _State.of(stage, published, here) for stage in STAGES}
    if values and not states["laws"].differing:
        states["laws"] = _State(differing=["the values"], compared=True)
    for stage in STAGES:
        if not states[stage.name].compared and _explanations(stage, published, here, []):
            states[stage.name] = _State(differing=[], compared=False, suspect=True)
    last = ["laws"] if values else [name for name, state in states.items() if state.differing]
    first = {root for name in last for root in _roots(name, states)}
    problems = [f"edited: {line}" for found in here.problems.values() for line in found]
    causes = list(problems)
    for stage in STAGES:
        if stage.name in first:
            found = _explanations(stage, published, here, states[stage.name].differing)
            edited = any(rule in here.problems for rule in stage.rules)
            if not found and not edited:
                found = [_unexplained(published, here)]
            causes += [f"{line} ({stage.name})" for line in found]
    if values:
        for stage in STAGES:
            if states[stage.name].differing and stage.name not in first:
                found = _explanations(stage, published, here, states[stage.name].differing)
                causes += [f"also, {line} ({stage.name})" for line in found]
    return Agreement(
        values=values,
        problems=problems,
        differing={name: state.differing for name, state in states.items()},
        causes=list(dict.fromkeys(causes)),
        counted={
            column: sum(bool(row[column]) for row in published.values[each.table.name].values())
            for each in VALUE_TABLES
            for column in each.columns
        },
    )


def equal_numbers(published: str, here: str) -> bool:
    """Return whether a number rounds to the published one, up to noise below its digits."""
    if not published or not here:
        return published == here
    before, now = float(published), float(here)
    if not (isfinite(before) and isfinite(now)):
        return rounded(published) == rounded(here)
    last_digit = 10.0 ** (floor(log10(abs(before))) - DIGITS + 1) if before else 0.0
    return abs(now - before) <= SLACK * last_digit + SMALLEST


@dataclass(frozen=True, kw_only=True)
class _State:
    """The results of one stage, compared."""

    differing: list[str]
    compared: bool
    """Whether results exist here that can be compared, or neither side has any."""
    suspect: bool = False
    """Whether results that cannot be compared were made by other jobs than the published ones."""

    @classmethod
    def of(cls, stage: Stage, published: Certificate, here: Certificate) -> "_State":
        """Compare the files of a stage; a file that was removed here is not compared."""
        before, now = (_results(stage, each) for each in (published, here))
        names = [
            name for name in sorted({*before, *now}) if before.get(name) != "" != now.get(name)
        ]
        return cls(
            differing=[name for name in names if before.get(name) != now.get(name)],
            compared=bool(names) or not (before or now),
        )


def _results(stage: Stage, certificate: Certificate) -> dict[str, str]:
    """Return the checksums of a stage's results by name."""
    if "train" in stage.rules:
        return {
            name: run.weights if run.status == "trained" else run.status
            for name, run in certificate.runs.items()
        }
    return {
        name: checksum
        for rule in stage.rules
        if (facts := certificate.facts.rules.get(rule)) is not None
        for name, checksum in facts.files.items()
    }


def _roots(name: str, states: Mapping[str, _State]) -> set[str]:
    """Return the stages where the difference of a stage begins: their own inputs do not differ."""
    stage = next(stage for stage in STAGES if stage.name == name)
    state = states[name]
    if state.compared and not state.differing:
        return set()
    before = {root for each in stage.after for root in _roots(each, states)}
    return before or ({name} if state.differing or state.suspect else set())


def _explanations(
    stage: Stage, published: Certificate, here: Certificate, differing: Sequence[str]
) -> list[str]:
    """List the differences of a stage's definition: step, settings, inputs, libraries, code."""
    found = _step_differences(published, here) if "train" in stage.rules else []
    other_step = any(line.startswith("other step") for line in found)
    level = [line for line in found if line.startswith("other level")]
    lines = [line for line in found if line not in level]
    if stage.name == "text" and differing:
        lines.append(f"other text by checksum: {_some(list(differing))}")
    rules = [
        rule for rule in stage.rules if rule in published.facts.rules or rule in here.facts.rules
    ]
    pairs = [
        (rule, published.facts.rules.get(rule), here.facts.rules.get(rule))
        for rule in rules
        if _may_be_a_cause(published.facts.rules.get(rule), here.facts.rules.get(rule))
    ]
    lines += [
        f"other configuration: {'nothing' if now is None else 'only'} here is made by the rule "
        f"{rule}"
        for rule, before, now in pairs
        if before is None or now is None
    ]
    both = [(rule, before, now) for rule, before, now in pairs if before and now]
    settings = [
        line
        for rule, before, now in both
        for line in _key_differences(before.settings, now.settings, rule)
        if not (other_step and line.startswith("train implementation:"))
    ]
    inputs = [
        line for _, before, now in both for line in _key_differences(before.inputs, now.inputs, "")
    ]
    libraries = [
        line
        for _, before, now in both
        if before.libraries and now.libraries
        for line in _key_differences(_versions(before), _versions(now), "")
    ]
    code = [
        f"{rule} {name}: {old} -> {new}"
        for rule, before, now in both
        for name, old, new in (
            ("code", before.code, now.code),
            ("command", before.command, now.command),
        )
        if old and new and old != new
    ]
    kinds = {
        "configuration": settings,
        "input files": inputs,
        "library versions": libraries,
        "code": code,
    }
    lines += [
        f"other {kind}: {_some(list(dict.fromkeys(each)))}" for kind, each in kinds.items() if each
    ]
    return lines + level


def _may_be_a_cause(before: RuleFacts | None, now: RuleFacts | None) -> bool:
    """Return whether a rule's results differ, or are not known."""
    if before is None or now is None:
        return True
    return not before.files or before.files != now.files


def _step_differences(published: Certificate, here: Certificate) -> list[str]:
    """Compare the programs that trained the runs: step (native or torch), then level."""
    both = [name for name in here.runs if name in published.runs]
    steps = [(published.runs[name].step, here.runs[name].step) for name in both]
    others = [(before, now) for before, now in steps if _program(before) != _program(now)]
    levels = [
        (before, now)
        for before, now in steps
        if before != now and _program(before) == _program(now)
    ]
    lines = []
    for kind, pairs in (("step", others), ("level of the machine", levels)):
        if pairs:
            shown = _some(sorted({f"{before} -> {now}" for before, now in pairs}))
            lines.append(f"other {kind} in {len(pairs)} of {len(both)} runs: {shown}")
    if any(_program(now) == "torch" for _, now in others):
        lines[0] += "; `make env` builds the native step where it finds a C compiler"
    return lines


def _program(step: str) -> str:
    """Return `native` or `torch` of a step such as `native avx2` or `torch, 4 threads`."""
    return step.replace(",", " ").partition(" ")[0]


def _versions(facts: RuleFacts) -> dict[str, str]:
    parts = (part.rpartition(" ") for part in facts.libraries.replace("; ", ", ").split(", "))
    return {name: version for name, _, version in parts}


def _key_differences(
    before: Mapping[str, str], now: Mapping[str, str], prefix: str
) -> Iterator[str]:
    for key in sorted({*before, *now}):
        old, new = before.get(key, NOWHERE), now.get(key, NOWHERE)
        if old != new:
            name = f"{prefix} {key}:" if prefix else key
            yield f"{name} {_short(old)} -> {_short(new)}"


def _unexplained(published: Certificate, here: Certificate) -> str:
    platforms = [
        " ".join(each.facts.platform[name] for name in sorted(each.facts.platform))
        for each in (published, here)
    ]
    same = "step, settings, libraries and code are the same"
    if platforms[0] != platforms[1]:
        return f"another machine: {platforms[0]} -> {platforms[1]}; {same}"
    return f"unknown: {same}, and so is the platform ({platforms[0]})"


def _value_differences(
    each: ValueTable, published: Certificate, here: Certificate
) -> Iterator[str]:
    name = each.table.name
    before, now = published.values[name], here.values[name]
    keys = sorted({*before, *now}, key=lambda key: ("joint" not in key, key))
    both = [key for key in keys if key in before and key in now]
    for column in each.columns:
        same = equal_numbers if column in each.numbers else str.__eq__
        found = [
            f"{' '.join(key)}: {_cell(before[key][column])} -> {_cell(now[key][column])}"
            for key in both
            if not same(before[key][column], now[key][column])
        ]
        if found:
            label = NAMES.get(column, f"{column} in {each.file}")
            yield f"{label}: {len(found)} of {len(both)} differ: {_some(found, 3, '; ')}"
    for number, side in (
        ([key for key in keys if key not in now], "missing here"),
        ([key for key in keys if key not in before], "not published"),
    ):
        if number:
            shown = _some([" ".join(key) for key in number], 3, "; ")
            yield f"{each.file}: {len(number)} row(s) {side}: {shown}"


def _cell(text: str) -> str:
    try:
        return rounded(text) or "none"
    except ValueError:
        return text


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _some(items: Sequence[str], number: int = SHOWN, separator: str = ", ") -> str:
    more = f"{separator}and {len(items) - number} more" if len(items) > number else ""
    return separator.join(items[:number]) + more
