"""Collect the certificate of the results in a checkout from the records and files of its jobs."""

import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from relscale.files import read_json
from relscale.provenance.certificate import (
    Certificate,
    Facts,
    RuleFacts,
    RunFacts,
    cited_rows,
    keyed_rows,
)
from relscale.provenance.certified import CERTIFIED, VALUE_TABLES
from relscale.provenance.checksums import Checksums, changed_files
from relscale.provenance.dag import Job
from relscale.provenance.digests import canonical_json, spec_digest
from relscale.provenance.job_records import read_benchmark_record, read_own_record

LISTED_VALUES, LISTED_LETTERS = 8, 300
"""Of a setting with more distinct values, or longer ones, a digest is kept."""


def rule_of(job: Job) -> str:
    """Return the rule of a job; those of training that differ in resources are one."""
    return "train" if job.rule.startswith("train_") else job.rule


def certify(experiment: str, jobs: Sequence[Job], checksums: Checksums) -> Certificate:
    """Collect the certificate of the results in a checkout.

    Args:
        experiment: its name.
        jobs: all jobs of the workflow.
        checksums: those of the experiment, with the folder of results and records.

    Raises:
        ValueError: naming a table of laws that does not exist or lacks columns, or a damaged
            manifest.
    """
    results = checksums.folder / "results" / experiment
    values = {each.table.name: cited_rows(each, results / "laws") for each in VALUE_TABLES}
    own: dict[str, list[Job]] = {}
    for job in jobs:
        if rule_of(job) in CERTIFIED:
            own.setdefault(rule_of(job), []).append(job)
    made = {path for job in jobs for path in job.outputs}
    return Certificate(
        facts=Facts(
            experiment=experiment,
            platform={
                "machine": platform.machine(),
                "python": platform.python_version(),
                "system": platform.system(),
            },
            rules={rule: _rule_facts(own[rule], made, checksums) for rule in sorted(own)},
        ),
        runs=_runs(own.get("train", []), results, checksums),
        values=values,
        problems={
            rule: found for rule in sorted(own) if (found := _problems(own[rule], checksums))
        },
    )


def _rule_facts(jobs: Sequence[Job], made: set[str], checksums: Checksums) -> RuleFacts:
    params = [_recorded(job, checksums.folder) for job in jobs]
    settings: dict[str, set[str]] = {}
    for each in params:
        for key, value in _leaves(_spec(each)):
            settings.setdefault(key, set()).add(value)
    return RuleFacts(
        code=_distinct(params, "code"),
        command=_distinct(params, "command"),
        libraries=_distinct(params, "lock"),
        settings={key: _listed(sorted(values)) for key, values in sorted(settings.items())},
        inputs={
            path: checksums.of(path)
            for path in sorted({path for job in jobs for path in job.inputs} - made)
            if (checksums.folder / path).exists()
        },
        files=_files(jobs, checksums),
    )


def _recorded(job: Job, folder: Path) -> Mapping[str, JsonValue]:
    """Return the params of a job when it ran; empty if it left no usable record."""
    try:
        if job.record is not None and (folder / job.record).is_file():
            return read_benchmark_record(folder / job.record).params
        for path in job.outputs:
            if Path(path).name == "record.json" and (folder / path).is_file():
                own = read_own_record(folder / path)
                defined = zip(("code", "lock"), own.defined_by or [], strict=False)
                return {"spec": canonical_json(own.spec), **dict(defined)}
    except ValueError:
        return {}
    return {}


def _spec(params: Mapping[str, JsonValue]) -> JsonValue:
    try:
        spec: JsonValue = json.loads(str(params.get("spec", "{}")))
    except json.JSONDecodeError:
        return {}
    return spec


def _leaves(value: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys of a spec, joined by dots, with their values as JSON."""
    if isinstance(value, dict) and (value or not path):
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}.{key}" if path else key)
    else:
        yield path, canonical_json(value)


def _listed(values: Sequence[str]) -> str:
    text = ", ".join(values)
    if len(values) <= LISTED_VALUES and len(text) <= LISTED_LETTERS:
        return text
    return f"{len(values)} value(s) with the digest {spec_digest(list(values))}"


def _distinct(params: Iterable[Mapping[str, JsonValue]], name: str) -> str:
    return "; ".join(sorted({str(each[name]) for each in params if each.get(name)}))


def _files(jobs: Sequence[Job], checksums: Checksums) -> dict[str, str]:
    """Return the checksums of certified outputs; equal names (of several corpora) share one."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        for path in job.outputs:
            for pattern in CERTIFIED[rule_of(job)]:
                ending, _, key = pattern.partition("[")
                if path.endswith(ending):
                    name = _without_digests(path)
                    found.setdefault(name, []).append(_sum(path, key.rstrip("]"), checksums))
    return {
        name: sums[0] if len(sums) == 1 else _together(sums) for name, sums in sorted(found.items())
    }


def _together(sums: Sequence[str]) -> str:
    return spec_digest(sorted(sums)) if all(sums) else ""


def _sum(path: str, key: str, checksums: Checksums) -> str:
    if not (checksums.folder / path).exists():
        return ""
    if not key:
        return checksums.of(path)
    content = read_json(checksums.folder / path)
    if not isinstance(content, dict) or key not in content:
        raise ValueError(f"{checksums.folder / path}: is not a manifest (the key {key} is missing)")
    return spec_digest(content[key])


def _without_digests(path: str) -> str:
    """Return the name of a result for readers: without digests, as other settings have others."""
    parts = Path(path).parts[2:]  # without results/<experiment> or results/shared
    plain = [re.sub(r"(^|-)[0-9a-f]{16}$", "", part) for part in parts]
    return "/".join(part for part in plain if part)


def _runs(jobs: Sequence[Job], results: Path, checksums: Checksums) -> dict[str, RunFacts]:
    table = results / "tables/implementations.csv"
    if not jobs:
        return {}
    rows = keyed_rows(table, ("run",), ("status", "implementation"))
    weights = {
        job.wildcards["run"]: f"{path}/model.safetensors"
        for job in jobs
        for path in job.outputs
        if path.endswith("/model")
    }
    return {
        name: RunFacts(
            status=row["status"],
            step=row["implementation"],
            weights=checksums.of(weights[name])
            if name in weights and (checksums.folder / weights[name]).is_file()
            else "",
        )
        for (name,), row in rows.items()
    }


def _problems(jobs: Sequence[Job], checksums: Checksums) -> list[str]:
    return [problem for job in jobs for problem in changed_files(job, (), checksums)]
