"""Which results are stale, and why.

`verify` compares the records of jobs with the params that the workflow would give them now.
Snakemake writes a record next to a job's benchmark (`benchmarks/results/...jsonl`): its spec, the
digests of its code and libraries, and the sizes of its inputs. Runs also have `record.json`. Files
are compared with the checksums noted after the job (`relscale.provenance.checksums`) or, without
them, by the times that the job left. Snakemake's metadata (`.snakemake/`) is not used.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from relscale.provenance.checksums import Checksums, changed_files
from relscale.provenance.dag import Job
from relscale.provenance.digests import canonical_json
from relscale.provenance.job_records import read_benchmark_record, read_own_record

ABSENT = "absent"
SHOWN_REASONS = 6
"""Reasons shown for one job; further ones are counted."""


@dataclass(kw_only=True)
class Finding:
    """The result of comparing one job with its records and files."""

    job: Job
    missing: list[str] = field(default_factory=list)
    """Outputs that do not exist."""
    reasons: list[str] = field(default_factory=list)
    """Differences between its record and the present workflow, and problems with its files."""
    follows: list[str] = field(default_factory=list)
    """Stale jobs that this job read results of."""

    @property
    def fresh(self) -> bool:
        """Whether the job's results are up to date and unchanged."""
        return not (self.missing or self.reasons or self.follows)

    def problems(self) -> list[str]:
        """List missing outputs and reasons, without those that other jobs cause."""
        return [*(f"missing: {path}" for path in self.missing), *self.reasons]


def verify(jobs: Iterable[Job], checksums: Checksums) -> list[Finding]:
    """Compare each job with its record, and its files with those that it read and wrote.

    Args:
        jobs: sorted by dependency.
        checksums: those of the experiment, with the folder of results and records.
    """
    findings: list[Finding] = []
    stale: dict[str, str] = {}
    for job in jobs:
        missing = [path for path in job.outputs if not (checksums.folder / path).exists()]
        finding = Finding(job=job, missing=missing)
        finding.follows = sorted({stale[path] for path in job.inputs if path in stale})
        # A stale input is reported with the job that makes it, not with each job that reads it.
        inputs = [path for path in job.inputs if path not in stale]
        if not finding.missing:
            finding.reasons += _record_problems(job, inputs, checksums.folder)
        for reason in changed_files(job, inputs, checksums):
            # One reason per file is enough.
            file = reason.partition(":")[0]
            if not any(known.startswith(f"{file}:") for known in finding.reasons):
                finding.reasons.append(reason)
        if not finding.fresh:
            stale |= dict.fromkeys(job.outputs, job.name)
        findings.append(finding)
    return findings


def refuse_stale(findings: Iterable[Finding], results: str) -> None:
    """Refuse to pass on stale or modified results.

    Args:
        findings: those of `verify` for every job of the workflow.
        results: name of the results, for the message.

    Raises:
        ValueError: naming the first stale job and the reason.
    """
    if stale := [finding for finding in findings if not finding.fresh]:
        first = stale[0].problems() or [
            f"made from results of {name}, which is stale" for name in stale[0].follows
        ]
        named = f"{stale[0].job.name} among them ({first[0]})"
        raise ValueError(
            f"{results}: {len(stale)} job(s) are not fresh, {named}; "
            "`relscale verify` lists them all"
        )


def _record_problems(job: Job, inputs: Sequence[str], folder: Path) -> list[str]:
    """List differences between a job and its records; a missing or damaged record is one."""
    found = []
    own = [path for path in job.outputs if Path(path).name == "record.json"]
    recorded = [
        path for path in (job.record, *own) if path is not None and (folder / path).is_file()
    ]
    for path in recorded:
        try:
            problems = (
                _benchmark_problems(folder / path, job, inputs, folder)
                if path == job.record
                else _own_problems(folder / path, job)
            )
        except ValueError as error:
            problems = [f"{path}: not a record of a job: {error}"]
        found += [problem for problem in problems if problem not in found]
    if recorded or job.record is None:
        return found
    return [f"{job.record}: no record of a job: the file does not exist"]


def _benchmark_problems(path: Path, job: Job, inputs: Sequence[str], folder: Path) -> list[str]:
    record = read_benchmark_record(path)
    changed = _differences(record.params, job, {*record.params, *job.params})
    if record.input_size_mb is not None:
        left = sorted({*record.input_size_mb} - {*job.inputs, *job.existing})
        changed += [f"input {path}: is not read any more" for path in left]
    return changed + _resized(record.input_size_mb, inputs, folder)


def _own_problems(path: Path, job: Job) -> list[str]:
    record = read_own_record(path)
    if record.defined_by is None:
        return []
    # It holds only some of the job's params.
    ran: dict[str, JsonValue] = {"spec": canonical_json(record.spec)}
    ran |= dict(zip(("code", "lock"), record.defined_by, strict=False))
    return _differences(ran, job, ran)


def _differences(recorded: Mapping[str, JsonValue], job: Job, names: Iterable[str]) -> list[str]:
    """List the differences between recorded and present params with these names."""
    found = []
    for name in sorted(names):
        before, now = recorded.get(name, ABSENT), job.params.get(name, ABSENT)
        if before == now:
            continue
        old, new = _parsed(before), _parsed(now)
        if old is None or new is None:
            found.append(f"{name}: {before} -> {now}")
        else:
            found += [f"{name}.{key}: {one} -> {other}" for key, one, other in _leaves(old, new)]
    return found


def _parsed(value: JsonValue) -> JsonValue:
    """Return the JSON that a param holds as text, None if it does not."""
    try:
        parsed: JsonValue = json.loads(value) if isinstance(value, str) else None
    except json.JSONDecodeError:
        return None
    return parsed


def _leaves(before: JsonValue, now: JsonValue, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the keys at which two JSON values differ, with both values."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from _leaves(
                before.get(key, ABSENT), now.get(key, ABSENT), f"{path}.{key}" if path else key
            )
    elif before != now:
        shown = [ABSENT if value is ABSENT else canonical_json(value) for value in (before, now)]
        yield path, shown[0], shown[1]


def _resized(
    sizes_mb: Mapping[str, JsonValue] | None, inputs: Sequence[str], folder: Path
) -> list[str]:
    """List the inputs that are new or have another size than when the job ran."""
    if sizes_mb is None:
        return []
    found = [f"input {path}: did not exist when it ran" for path in inputs if path not in sizes_mb]
    for path in inputs:
        file, before = folder / path, sizes_mb.get(path)
        if (
            isinstance(before, int | float)
            and file.is_file()
            and abs(file.stat().st_size - before * 2**20) >= 1
        ):
            found.append(f"input {path}: was {before * 2**20:.0f} bytes, is {file.stat().st_size}")
    return found


def summary(findings: Sequence[Finding]) -> str:
    """Write the findings as text.

    Jobs of one rule with the same problems share an entry. Jobs that are stale only because of
    others are counted.
    """
    fresh = [finding for finding in findings if finding.fresh]
    without = sum(finding.job.record is None for finding in fresh)
    lines = [f"{len(findings)} jobs: {len(fresh)} fresh, {len(findings) - len(fresh)} not"]
    if without:
        lines[0] += f" ({without} of the fresh ones keep no record of settings and code)"
    groups: dict[tuple[str, ...], list[Finding]] = {}
    follows: dict[str, int] = {}
    for finding in findings:
        listed = finding.problems()
        if listed:
            groups.setdefault((finding.job.rule, *listed), []).append(finding)
        elif finding.follows:
            follows[finding.job.rule] = follows.get(finding.job.rule, 0) + 1
    for (rule, *problems), members in groups.items():
        first = members[0].job.name
        lines.append(
            first if len(members) == 1 else f"{rule}: {len(members)} jobs, such as {first}"
        )
        lines += [f"    {problem}" for problem in problems[:SHOWN_REASONS]]
        if len(problems) > SHOWN_REASONS:
            lines.append(f"    and {len(problems) - SHOWN_REASONS} more")
    if follows:
        counted = ", ".join(f"{rule} {number}" for rule, number in follows.items())
        lines.append(f"stale because they are made from these: {counted}")
    return "\n".join(lines) + "\n"
