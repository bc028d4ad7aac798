"""What is stale, and why: the records that jobs left are compared with what the workflow would give
the same jobs now.

A record is what Snakemake writes beside a job's benchmark (`benchmarks/results/...jsonl`): its
spec, the digests of its code and libraries, the sizes of its input files; runs have `record.json`,
too. Files are compared with the sums that were noted after the job ran
(`relscale.provenance.checksums`) or, where none were, with the order of times that the job left.
Snakemake's own metadata (`.snakemake/`) is not asked.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relscale.provenance.checksums import Sums, changed_files
from relscale.provenance.dag import Job
from relscale.provenance.digests import canonical_json

ABSENT = "absent"
SHOWN_REASONS = 6
"""Reasons of a job that are written out."""


@dataclass(kw_only=True)
class Finding:
    """What is known of a job."""

    job: Job
    missing: list[str] = field(default_factory=list)
    """Outputs that are not there."""
    reasons: list[str] = field(default_factory=list)
    """What differs between its record and the present workflow, and what is wrong with its
    files."""
    follows: list[str] = field(default_factory=list)
    """Jobs that are stale themselves and whose results this one was made from."""

    @property
    def fresh(self) -> bool:
        """Whether nothing speaks against it."""
        return not (self.missing or self.reasons or self.follows)

    def said(self) -> list[str]:
        """What speaks against it, but what other jobs are to blame for."""
        return [*(f"missing: {path}" for path in self.missing), *self.reasons]


def verify(jobs: Iterable[Job], sums: Sums) -> list[Finding]:
    """Compare each job with its record, and its files with what they were when it ran.

    Args:
        jobs: in the order in which they depend on each other.
        sums: those of the experiment; they say in which folder results and records lie.
    """
    findings: list[Finding] = []
    stale: dict[str, str] = {}
    for job in jobs:
        finding = Finding(
            job=job, missing=[path for path in job.outputs if not (sums.folder / path).exists()]
        )
        finding.follows = sorted({stale[path] for path in job.inputs if path in stale})
        # An input that is stale itself is said of the job that makes it, not again of all that read
        # it.
        inputs = [path for path in job.inputs if path not in stale]
        if not finding.missing:
            finding.reasons += _of_records(job, inputs, sums.folder)
        for reason in changed_files(job, inputs, sums):
            # Of each file the first is enough.
            if not any(said.startswith(f"{reason.partition(':')[0]}:") for said in finding.reasons):
                finding.reasons.append(reason)
        if not finding.fresh:
            stale |= dict.fromkeys(job.outputs, job.name)
        findings.append(finding)
    return findings


def refuse_stale(findings: Iterable[Finding], what: str) -> None:
    """Refuse to pass results on that are not what their jobs made, or would make now.

    Raises:
        ValueError: naming the first job that is not fresh, and why.
    """
    if stale := [finding for finding in findings if not finding.fresh]:
        first = stale[0].said() or [
            f"made from what {name} made, which is stale" for name in stale[0].follows
        ]
        named = f"{stale[0].job.name} among them ({first[0]})"
        raise ValueError(
            f"{what}: {len(stale)} job(s) are not fresh, {named}; `relscale verify` names them all"
        )


def _of_records(job: Job, inputs: Sequence[str], folder: Path) -> list[str]:
    """Return what a job's records say against it: how it was another job when it ran, or that there
    is none, or a damaged one."""
    found, places = [], []
    for path in [job.record, *(path for path in job.outputs if Path(path).name == "record.json")]:
        if path is None or not (folder / path).is_file():
            continue
        places.append(path)
        try:
            record = _last_record(folder / path, lines=path == job.record)
        except ValueError as error:
            found.append(f"{path}: no record of a job: {error}")
            continue
        if path == job.record:
            found += _differences(record["params"], job, {*record["params"], *job.params})
            found += _resized(record.get("input_size_mb"), inputs, folder)
        elif "defined_by" in record:
            # It holds fewer of them than the job has.
            ran = {
                "spec": canonical_json(record.get("spec")),
                **dict(zip(("code", "lock"), record["defined_by"], strict=False)),
            }
            found += [reason for reason in _differences(ran, job, ran) if reason not in found]
    return (
        found
        if places or job.record is None
        else [f"{job.record}: no record of a job: it is not there"]
    )


def _last_record(path: Path, lines: bool) -> dict[str, Any]:
    """Return a record, the last of a file with one a line.

    Raises:
        ValueError: saying what is wrong with it.
    """
    text = path.read_bytes()
    if not text.strip():
        raise ValueError("it is empty")
    record = json.loads(text.splitlines()[-1] if lines else text)
    if not isinstance(record, dict) or not isinstance(
        record.get("params", None if lines else {}), dict
    ):
        raise ValueError(f"it holds {str(record)[:40]}")
    if not isinstance(record.get("defined_by", []), list):
        raise ValueError(f"defined_by is {str(record['defined_by'])[:40]}")
    return record


def _differences(recorded: Mapping[str, Any], job: Job, names: Iterable[str]) -> list[str]:
    """Return what is different between the params of a record and those of the job now, among those
    with these names."""
    found = []
    for name in sorted(names):
        before, now = recorded.get(name, ABSENT), job.params.get(name, ABSENT)
        if before == now:
            continue
        try:
            old, new = json.loads(before), json.loads(now)
        except (TypeError, json.JSONDecodeError):
            found.append(f"{name}: {before} -> {now}")
        else:
            found += [f"{name}.{key}: {one} -> {other}" for key, one, other in _leaves(old, new)]
    return found


def _leaves(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the keys at which two JSON values differ, with both values."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from _leaves(
                before.get(key, ABSENT), now.get(key, ABSENT), f"{path}.{key}" if path else key
            )
    elif before != now:
        shown = [value if value is ABSENT else canonical_json(value) for value in (before, now)]
        yield path, shown[0], shown[1]


def _resized(sizes_mb: Any, inputs: Sequence[str], folder: Path) -> list[str]:
    """Return the input files that are others, or of another size, than when the job ran."""
    if not isinstance(sizes_mb, dict):
        return []
    found = [f"input {path}: was not there when it ran" for path in inputs if path not in sizes_mb]
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
    """Write what was found: jobs with the same reasons stand in one line, results that only follow
    are counted."""
    fresh = [finding for finding in findings if finding.fresh]
    without = sum(finding.job.record is None for finding in fresh)
    lines = [f"{len(findings)} jobs: {len(fresh)} fresh, {len(findings) - len(fresh)} not"]
    if without:
        lines[0] += (
            f" ({without} of the fresh ones keep no record; they are pages and copies of tables)"
        )
    groups: dict[tuple[str, ...], list[Finding]] = {}
    follows: dict[str, int] = {}
    for finding in findings:
        text = tuple(finding.said())
        if not text:
            if finding.follows:
                follows[finding.job.rule] = follows.get(finding.job.rule, 0) + 1
            continue
        groups.setdefault((finding.job.rule, *text), []).append(finding)
    for (rule, *reasons), members in groups.items():
        named = (
            members[0].job.name
            if len(members) == 1
            else f"{rule}: {len(members)} jobs, such as {members[0].job.name}"
        )
        lines.append(named)
        lines += [f"    {reason}" for reason in reasons[:SHOWN_REASONS]]
        lines += (
            [f"    and {len(reasons) - SHOWN_REASONS} more"] if len(reasons) > SHOWN_REASONS else []
        )
    if follows:
        counted = ", ".join(f"{rule} {number}" for rule, number in follows.items())
        lines.append(f"made from these, and so to be made again: {counted}")
    return "\n".join(lines) + "\n"
