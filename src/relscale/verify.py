"""What is stale, and why: the records that jobs left are compared with what the workflow would give the same jobs now.

A record is what Snakemake writes beside a job's benchmark (`benchmarks/results/...jsonl`): its spec, the digests of its code and
libraries, the sizes of its input files; runs have `record.json`, too. Snakemake's own metadata (`.snakemake/`) is not asked.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relscale.digests import canonical_json
from relscale.files import read_json

ABSENT = "absent"
SHOWN_REASONS = 6
"""Reasons of a job that are written out."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the workflow plans it now."""

    rule: str
    wildcards: Mapping[str, str]
    params: Mapping[str, Any]
    inputs: tuple[str, ...]
    """Input files whose content counts; those that are only asked to be there are left out."""
    outputs: tuple[str, ...]
    record: str | None
    """Where its record lies; a job that only copies or shows tables keeps none."""

    @property
    def name(self) -> str:
        """The rule with its wildcards."""
        return " ".join([self.rule, *(f"{key}={value}" for key, value in self.wildcards.items())])


@dataclass(kw_only=True)
class Finding:
    """What is known of a job."""

    job: Job
    missing: list[str] = field(default_factory=list)
    """Outputs that are not there."""
    reasons: list[str] = field(default_factory=list)
    """What differs between its record and the present workflow."""
    follows: list[str] = field(default_factory=list)
    """Jobs that are stale themselves and whose results this one was made from."""
    recorded: bool = True
    """Whether it has a record to compare."""

    @property
    def fresh(self) -> bool:
        """Whether nothing speaks against it."""
        return not (self.missing or self.reasons or self.follows)


def planned_jobs(overlays: Sequence[Path], folder: Path = Path()) -> list[Job]:
    """Return every job of the workflow in the order in which they depend on each other; none is run.

    Args:
        overlays: configuration files that are merged over config.yaml.
        folder: the checkout.

    Raises:
        ValueError: where an overlay is not there, or Snakemake cannot plan the workflow.
    """
    for overlay in overlays:
        if not overlay.is_file():
            raise ValueError(f"{overlay}: no such file")
    from snakemake.api import SnakemakeApi
    from snakemake.settings.enums import Quietness
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

    quiet = OutputSettings(dryrun=True, quiet={Quietness.ALL}, enable_file_logging=False)
    said = io.StringIO()  # a dry run lists its jobs, however quiet it is
    with redirect_stdout(said), redirect_stderr(said), SnakemakeApi(quiet) as api:
        try:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=tuple(Path(name).absolute() for name in overlays)),
                snakefile=(folder / "Snakefile").absolute(),
                workdir=folder.absolute(),
            )
            planned = workflow.dag(DAGSettings())
            planned.execute_workflow(executor="dryrun")
            dag = workflow._workflow.dag  # Snakemake gives no other way to its jobs
        except Exception as error:
            api.print_exception(error)
            raise ValueError(f"{folder / 'Snakefile'}: cannot be planned: {said.getvalue().strip()}") from None
        return [_job(job) for level in dag.toposorted() for job in level if job.output]


def _job(job: Any) -> Job:
    from snakemake.io import is_flagged

    counted = [str(path) for path in job.input if not is_flagged(path, "ancient")]
    return Job(
        rule=job.rule.name,
        wildcards=dict(job.wildcards_dict),
        params=_plain(dict(job.params.items())),
        inputs=tuple(counted),
        outputs=tuple(map(str, job.output)),
        record=str(job.benchmark) if job.benchmark else None,
    )


def _plain(value: Any) -> Any:
    """Return a value as it comes back from JSON."""
    return json.loads(json.dumps(value, default=list))


def verify(jobs: Iterable[Job], folder: Path = Path()) -> list[Finding]:
    """Compare each job with its record.

    Args:
        jobs: in the order in which they depend on each other.
        folder: where results and records lie.
    """
    findings: list[Finding] = []
    stale: dict[str, str] = {}
    for job in jobs:
        finding = Finding(job=job, missing=[path for path in job.outputs if not (folder / path).exists()])
        records = list(_records(job, folder))
        finding.recorded = bool(records) or job.record is None
        if not finding.missing:
            if not finding.recorded:
                finding.reasons.append(f"no record: {job.record} is not there")
            for where, params in records:
                finding.reasons += [reason for reason in _differences(where, params, job) if reason not in finding.reasons]
            finding.reasons += _resized(job, folder)
        finding.follows = sorted({stale[path] for path in job.inputs if path in stale})
        if not finding.fresh:
            stale |= dict.fromkeys(job.outputs, job.name)
        findings.append(finding)
    return findings


def _records(job: Job, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the places and the params of a job's records."""
    if job.record is not None and (record := _last(folder / job.record)) is not None:
        yield job.record, record.get("params", {})
    for path in job.outputs:
        if path.endswith("record.json") and (folder / path).is_file():
            own = read_json(folder / path)
            if "defined_by" in own:
                yield path, {"spec": canonical_json(own["spec"]), **dict(zip(("code", "lock"), own["defined_by"], strict=False))}


def _last(path: Path) -> dict[str, Any] | None:
    """Return the last record of a file, or None.

    Raises:
        ValueError: naming the file, where it holds something else.
    """
    if not path.is_file():
        return None
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    try:
        record = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: no record of a job: {error}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{path}: no record of a job: {lines[-1][:40]}")
    return record


def _differences(where: str, recorded: Mapping[str, Any], job: Job) -> list[str]:
    """Return what is different between the params of a record and those of the job now."""
    found = []
    # A run's own record holds fewer of them than the job has.
    for name in sorted(set(recorded) | (set(job.params) if where == job.record else set())):
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
            yield from _leaves(before.get(key, ABSENT), now.get(key, ABSENT), f"{path}.{key}" if path else key)
    elif before != now:
        shown = [value if value is ABSENT else canonical_json(value) for value in (before, now)]
        yield path, shown[0], shown[1]


def _resized(job: Job, folder: Path) -> list[str]:
    """Return the input files that are others, or of another size, than when the job ran."""
    record = _last(folder / job.record) if job.record else None
    sizes = (record or {}).get("input_size_mb")
    if not isinstance(sizes, dict):
        return []
    found = [f"input {path}: was not there when it ran" for path in job.inputs if path not in sizes]
    for path in job.inputs:
        file = folder / path
        if path in sizes and file.is_file() and abs(file.stat().st_size - float(sizes[path]) * 2**20) >= 1:
            found.append(f"input {path}: was {float(sizes[path]) * 2**20:.0f} bytes, is {file.stat().st_size}")
    return found


def summary(findings: Sequence[Finding]) -> str:
    """Write what was found: jobs with the same reasons stand in one line, results that only follow are counted."""
    fresh = [finding for finding in findings if finding.fresh]
    without = sum(finding.job.record is None for finding in fresh)
    lines = [f"{len(findings)} jobs: {len(fresh)} fresh, {len(findings) - len(fresh)} not"]
    if without:
        lines[0] += f" ({without} of the fresh ones keep no record; they are pages and copies of tables)"
    groups: dict[tuple[str, ...], list[Finding]] = {}
    follows: dict[str, int] = {}
    for finding in findings:
        if finding.missing:
            text = tuple(f"missing: {path}" for path in finding.missing)
        elif finding.reasons:
            text = tuple(finding.reasons)
        else:
            if finding.follows:
                follows[finding.job.rule] = follows.get(finding.job.rule, 0) + 1
            continue
        groups.setdefault((finding.job.rule, *text), []).append(finding)
    for (rule, *reasons), members in groups.items():
        named = members[0].job.name if len(members) == 1 else f"{rule}: {len(members)} jobs, such as {members[0].job.name}"
        lines.append(named)
        lines += [f"    {reason}" for reason in reasons[:SHOWN_REASONS]]
        lines += [f"    and {len(reasons) - SHOWN_REASONS} more"] if len(reasons) > SHOWN_REASONS else []
    if follows:
        counted = ", ".join(f"{rule} {number}" for rule, number in follows.items())
        lines.append(f"made from these, and so to be made again: {counted}")
    return "\n".join(lines) + "\n"
