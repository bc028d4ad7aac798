"""Where an experiment's numbers come from: versions, hashes, machine, time by stage, licences of
the sources, how to cite."""

import html
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from relscale.files import sha256_of
from relscale.pages.frame import page


@dataclass(frozen=True, kw_only=True)
class StageCost:
    """What the jobs of one rule took, summed."""

    rule: str
    jobs: int
    wall_s: float
    cpu_s: float
    memory_mb: float
    """Largest resident set of a job."""
    code: str
    """Digests of the code that ran, one or more."""


def stage_costs(folders: Iterable[Path], shared: Path, keys: Sequence[str]) -> list[StageCost]:
    """Sum Snakemake's benchmark records by rule, in the order of their cost.

    Args:
        folders: whose records all count (the experiment's own); one that is missing counts nothing.
        shared: records of jobs that experiments share.
        keys: names with which the records of this experiment's shared jobs begin.
    """
    files = [path for folder in folders for path in sorted(folder.rglob("*.jsonl"))]
    files += [path for path in sorted(shared.rglob("*.jsonl")) if path.name.startswith(tuple(keys))]
    found: dict[str, list[dict[str, Any]]] = {}
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            found.setdefault(str(record["rule_name"]), []).append(record)
    costs = [
        StageCost(
            rule=rule,
            jobs=len(records),
            wall_s=sum(_number(record["s"]) for record in records),
            cpu_s=sum(_number(record["cpu_time"]) for record in records),
            memory_mb=max(_number(record["max_rss"]) for record in records),
            code=", ".join(
                sorted({str(record.get("params", {}).get("code", "")) for record in records})
            ),
        )
        for rule, records in found.items()
    ]
    return sorted(costs, key=lambda cost: (-cost.cpu_s, cost.rule))


def machine() -> dict[str, str]:
    """Describe the machine that this runs on, without naming it: processor, cores, memory, system,
    Python."""
    cores = os.cpu_count() or 0
    described = {
        "processor": _processor(),
        "cores": str(cores),
        "system": f"{platform.system()} ({platform.machine()})",
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        described["memory"] = (
            f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB"
        )
    return {**described, "Python": platform.python_version()}


def provenance_page(
    *,
    costs: Sequence[StageCost],
    sources: pd.DataFrame,
    tables: Sequence[Path],
    citation: Mapping[str, Any],
    spec: Mapping[str, Any],
) -> str:
    """Return the page as HTML.

    Args:
        costs: of the stages.
        sources: sources.csv.
        tables: files whose sums are shown.
        citation: CITATION.cff, read.
        spec: `experiment`, `digests` ({what: digest}) and `packages` (libraries whose versions are
            shown), as the workflow knows them.
    """
    versions = {
        "relscale": version("relscale"),
        **{name: version(name) for name in spec["packages"]},
    }
    sums = {path.name: sha256_of(path) for path in tables}
    body = (
        f"<h1>Provenance of the experiment {html.escape(str(spec['experiment']))}</h1>\n"
        f"<h2>How to cite</h2>\n{_citation(citation)}"
        f"<h2>Time by stage</h2>\n{_costs(costs)}"
        "<h2>Machine</h2>\n<p>Where this page was written; jobs sent to a cluster ran elsewhere.</p>\n"
        f"{_pairs(machine(), 'machine')}<h2>Versions</h2>\n"
        "<p>Those that decide numbers or pictures; envs/requirements.lock pins everything.</p>\n"
        f"{_pairs(versions, 'versions')}<h2>Hashes</h2>\n"
        "<p>SHA-256 of the tables as they are now, and the digests that name shared folders (everything that defines their content).</p>\n"
        f"{_pairs(sums, 'sums', code=True)}{_pairs(spec['digests'], 'digests', code=True)}"
        "<h2>Sources and their licences</h2>\n"
        "<p>The licence is that of the text. Text that may not be passed on is fetched when it is needed and is in no result.</p>\n"
        f"{_sources(sources)}"
    )
    return page("Provenance", body)


def _number(value: object) -> float:
    """Read a benchmark's cell; what the system could not measure is text there and counts 0."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def duration(seconds: float) -> str:
    """Write seconds as a reader takes them in: `12 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest:02d} s"
        if minutes < 60
        else f"{minutes // 60} h {minutes % 60:02d} min"
    )


def _costs(costs: Sequence[StageCost]) -> str:
    if not costs:
        return "<p>No benchmark record was found: the results came without them.</p>\n"
    total = StageCost(
        rule="all",
        jobs=sum(cost.jobs for cost in costs),
        wall_s=sum(cost.wall_s for cost in costs),
        cpu_s=sum(cost.cpu_s for cost in costs),
        memory_mb=max(cost.memory_mb for cost in costs),
        code="",
    )
    lines = []
    for cost in [*costs, total]:
        numbers = (
            f'<td class="number">{cost.jobs}</td><td class="number" data-seconds="{cost.wall_s:.2f}">{duration(cost.wall_s)}</td>'
            f'<td class="number" data-seconds="{cost.cpu_s:.2f}">{duration(cost.cpu_s)}</td><td class="number">{cost.memory_mb:.0f}</td>'
        )
        lines.append(
            f'<tr><th scope="row">{html.escape(cost.rule)}</th>{numbers}<td><code>{html.escape(cost.code)}</code></td></tr>'
        )
    heads = ("stage", "jobs", "wall time", "CPU time", "memory (MB)", "code")
    return (
        "<p>Sums over a stage's jobs, from the records that stand now; jobs run side by side, so wall times add up to more than a clock "
        "shows. Memory is the largest of a job. Stages that only copy tables are not measured.</p>\n"
        + _table(heads, lines, "costs")
    )


def _citation(citation: Mapping[str, Any]) -> str:
    own = f"{_people(citation.get('authors', []))} ({str(citation.get('date-released', ''))[:4]}). {citation.get('title', '')}"
    parts = [f"<p>{html.escape(str(citation.get('message', '')))}</p>\n<ul>\n"]
    parts.append(
        f"<li>{html.escape(own)}, version {html.escape(str(citation.get('version', '')))}.</li>\n"
    )
    for reference in citation.get("references", []):
        identifiers = ", ".join(str(item["value"]) for item in reference.get("identifiers", []))
        said = f"{_people(reference.get('authors', []))} ({reference.get('year', '')}). {reference.get('title', '')}. {identifiers}."
        parts.append(f"<li>{html.escape(said)}</li>\n")
    return "".join(
        [
            *parts,
            "</ul>\n<p>Whoever uses the numbers of a domain or corpus cites its sources, too (below).</p>\n",
        ]
    )


def _people(people: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(
        str(
            who.get("name")
            or f"{who.get('family-names', '')}, {str(who.get('given-names', ''))[:1]}."
        )
        for who in people
    )


def _sources(sources: pd.DataFrame) -> str:
    lines = []
    for row in sources.to_dict("records"):
        cells = [
            str(row[key]) if pd.notna(row[key]) else "–"
            for key in ("package", "version", "licence", "citation")
        ]
        plain = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        lines.append(
            f'<tr><th scope="row">{html.escape(str(row["source"]))}</th>{plain}<td><code>{row["sha256"]}</code></td></tr>'
        )
    return _table(("source", "package", "version", "licence", "cite", "SHA-256"), lines, "sources")


def _pairs(pairs: Mapping[str, str], name: str, *, code: bool = False) -> str:
    lines = []
    for key, value in pairs.items():
        said = html.escape(str(value))
        lines.append(
            f'<tr><th scope="row">{html.escape(key)}</th><td>{f"<code>{said}</code>" if code else said}</td></tr>'
        )
    return (
        f'<div class="scroll"><table data-name="{name}"><tbody>\n'
        + "\n".join(lines)
        + "\n</tbody></table></div>\n"
    )


def _table(heads: Sequence[str], lines: Sequence[str], name: str) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    return (
        f'<div class="scroll"><table data-name="{name}"><thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody></table></div>\n"
    )
