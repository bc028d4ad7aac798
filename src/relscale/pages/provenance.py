"""The provenance page: citations, costs by stage, machine, versions, checksums and licences.

`stage_costs` sums Snakemake's benchmark records, and `provenance_page` builds the page.
"""

import math
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, BeforeValidator

from relscale.files import sha256_of
from relscale.pages.render import render
from relscale.pages.spec import ProvenanceSpec


def _number(value: object) -> float:
    """Read a benchmark's cell; text or NaN, which stand for an unmeasured quantity, count as 0."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0


Measured = Annotated[float, BeforeValidator(_number)]


class CostRecordParams(BaseModel):
    """Parameters of a job that a benchmark record repeats; all others are ignored."""

    code: str = ""
    """Digest of the code that ran."""


class CostRecord(BaseModel):
    """A line of one of Snakemake's benchmark files; all other keys are ignored."""

    rule_name: str
    s: Measured
    """Wall time in seconds."""
    cpu_time: Measured
    """CPU time in seconds."""
    max_rss: Measured
    """Largest resident set in MB."""
    params: CostRecordParams = CostRecordParams()


@dataclass(frozen=True, kw_only=True)
class StageCost:
    """The summed costs of the jobs of one rule."""

    rule: str
    jobs: int
    wall_s: float
    cpu_s: float
    memory_mb: float
    """Largest resident set of a job."""
    code: str
    """Digests of the code that ran, separated by commas."""


@dataclass(frozen=True, kw_only=True)
class Citation:
    """A request to cite, and the works to cite."""

    message: str
    works: list[str]


def stage_costs(folders: Iterable[Path], shared: Path, keys: Sequence[str]) -> list[StageCost]:
    """Sum Snakemake's benchmark records by rule, the most expensive rule first.

    Args:
        folders: folders with records of the experiment alone; all records count, and a missing
            folder has none.
        shared: folder with the records of jobs that experiments share.
        keys: names with which the records of this experiment's shared jobs begin.
    """
    files = [path for folder in folders for path in sorted(folder.rglob("*.jsonl"))]
    files += [path for path in sorted(shared.rglob("*.jsonl")) if path.name.startswith(tuple(keys))]
    found: dict[str, list[CostRecord]] = {}
    for path in files:
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            record = CostRecord.model_validate_json(line)
            found.setdefault(record.rule_name, []).append(record)
    costs = [
        StageCost(
            rule=rule,
            jobs=len(records),
            wall_s=sum(record.s for record in records),
            cpu_s=sum(record.cpu_time for record in records),
            memory_mb=max(record.max_rss for record in records),
            code=", ".join(sorted({record.params.code for record in records})),
        )
        for rule, records in found.items()
    ]
    return sorted(costs, key=lambda cost: (-cost.cpu_s, cost.rule))


def total_cost(costs: Sequence[StageCost]) -> StageCost:
    """Return the costs of all stages as one, named `all`; memory is the largest of all jobs."""
    return StageCost(
        rule="all",
        jobs=sum(cost.jobs for cost in costs),
        wall_s=sum(cost.wall_s for cost in costs),
        cpu_s=sum(cost.cpu_s for cost in costs),
        memory_mb=max((cost.memory_mb for cost in costs), default=0.0),
        code="",
    )


def machine() -> dict[str, str]:
    """Describe this machine without its name: processor, cores, system, memory, Python."""
    described = {
        "processor": _processor(),
        "cores": str(os.cpu_count() or 0),
        "system": f"{platform.system()} ({platform.machine()})",
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        described["memory"] = f"{memory / 2**30:.1f} GiB"
    return {**described, "Python": platform.python_version()}


def provenance_page(
    *,
    costs: Sequence[StageCost],
    sources: pd.DataFrame,
    tables: Sequence[Path],
    citation: Mapping[str, Any],
    spec: ProvenanceSpec,
) -> str:
    """Build the page.

    Args:
        costs: costs of the stages.
        sources: sources.csv.
        tables: files whose checksums are shown.
        citation: content of CITATION.cff.
        spec: digests and packages to show.

    Returns:
        A whole HTML page.
    """
    versions = {name: version(name) for name in ["relscale", *spec.packages]}
    return render(
        "provenance.html.j2",
        experiment=spec.experiment,
        citation=citation_of(citation),
        costs=[*costs, total_cost(costs)] if costs else [],
        duration=duration,
        machine=machine(),
        versions=versions,
        sums={path.name: sha256_of(path) for path in tables},
        digests=spec.digests,
        sources=sources.astype(object).where(sources.notna(), "–").to_dict("records"),
    )


def duration(seconds: float) -> str:
    """Write seconds for a reader: `12 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def citation_of(content: Mapping[str, Any]) -> Citation:
    """Write the works of a CITATION.cff as sentences: the software first, then its references."""
    year = str(content.get("date-released", ""))[:4]
    works = [
        f"{_people(content.get('authors', []))} ({year}). {content.get('title', '')}, "
        f"version {content.get('version', '')}."
    ]
    for reference in content.get("references", []):
        identifiers = ", ".join(str(item["value"]) for item in reference.get("identifiers", []))
        works.append(
            f"{_people(reference.get('authors', []))} ({reference.get('year', '')}). "
            f"{reference.get('title', '')}. {identifiers}."
        )
    return Citation(message=str(content.get("message", "")), works=works)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _people(people: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(
        str(
            person.get("name")
            or f"{person.get('family-names', '')}, {str(person.get('given-names', ''))[:1]}."
        )
        for person in people
    )
