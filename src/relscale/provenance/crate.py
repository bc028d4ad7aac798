"""Research object of finished results: a zip file with RO-Crate metadata.

`crate_metadata` describes inputs, results, software, licences and checksums by the profile Workflow
Run Crate 0.5 of RO-Crate 1.1 (researchobject.org/workflow-run-crate); `write_crate` writes the zip
file. It has the files of the archive without Snakemake's metadata, and the files of the workflow.
"""

import csv
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from relscale.files import replacing, sha256_of
from relscale.provenance.verify import Finding

METADATA = "ro-crate-metadata.json"
README = "README.md"
WORKFLOW = "workflow/Snakefile"
CRATE = "https://w3id.org/ro/crate/1.1"
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
BIOSCHEMAS = "https://bioschemas.org/profiles"
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}
"""Media types by the endings of files; other files are text."""

Entity = dict[str, Any]
"""A node of the metadata, as JSON."""


@dataclass(frozen=True, kw_only=True)
class CrateFacts:
    """The facts about one experiment that its files do not have."""

    experiment: str
    """Name of the experiment."""
    licence: str
    """SPDX identifier of the licence of the results."""
    version: str
    """Version of relscale."""
    overlays: tuple[str, ...] = ()
    """Configuration files that were merged over config.yaml, relative to the checkout."""
    agent: str | None = None
    """Person or organisation that ran the experiment, if stated."""

    @property
    def results(self) -> str:
        """Folder of the results."""
        return f"results/{self.experiment}"


def spdx_url(licence: str) -> str:
    """Return the address of a licence in the SPDX list."""
    return f"https://spdx.org/licenses/{licence}"


def write_crate(
    run: CrateFacts,
    findings: Sequence[Finding],
    files: Mapping[Path, Path],
    folder: Path,
    out: Path,
) -> str:
    """Write the crate and return its SHA-256; the same files and times give the same bytes.

    Args:
        run: the experiment.
        findings: the state of each of its jobs.
        files: {name in the crate: file to pack}; those of the workflow included.
        folder: the checkout.
        out: the zip file to write.
    """
    metadata = crate_metadata(run, findings, files, folder)
    text = json.dumps(metadata, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    _, ended = _times(findings, folder)
    with (
        replacing(out) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        packed.writestr(_member(METADATA, ended), text)
        packed.writestr(_member(README, ended), _readme(run))
        for name, path in sorted(files.items()):
            packed.writestr(_member(str(name), ended), path.read_bytes())
    return sha256_of(out)


def _member(name: str, when: datetime) -> zipfile.ZipInfo:
    """Return a member of the zip file with a fixed time and mode."""
    info = zipfile.ZipInfo(name, when.timetuple()[:6])
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return info


def _readme(run: CrateFacts) -> str:
    """Return the page that explains the crate to a reader without tools."""
    return (
        f"# Results of the experiment {run.experiment}\n\n"
        f"Made by relscale {run.version}. `{run.results}/` has tables, laws and figures, "
        "`benchmarks/` the records of jobs; `workflow/`, `config.yaml` and `experiments/` have the "
        f"rules and the configuration.\n\n`{METADATA}` (RO-Crate) describes inputs, results, "
        f"software, licences and checksums; `{run.results}/tables/croissant.json` (Croissant) the "
        f"tables of losses and items.\n\nLicence of the results: {run.licence}. The licences of "
        f"the texts are in `{run.results}/tables/sources.csv`.\n"
    )


def crate_metadata(
    run: CrateFacts, findings: Sequence[Finding], files: Mapping[Path, Path], folder: Path
) -> dict[str, Any]:
    """Return the content of `ro-crate-metadata.json`.

    Args:
        run: the experiment.
        findings: the state of each of its jobs.
        files: {name in the crate: file}.
        folder: the checkout.
    """
    names = sorted(files)
    made = {path for finding in findings for path in finding.job.outputs}
    results = [str(name) for name in names if str(name) in made]
    configuration = ["config.yaml", *run.overlays]
    sources = _sources(folder / run.results / "tables/sources.csv")
    software = _software(findings, run.version)
    root = _root(run, names, _times(findings, folder)[1])
    return {
        "@context": CONTEXT,
        "@graph": [
            _descriptor(),
            root,
            *({"@id": url, "@type": "CreativeWork", "name": name, "version": version}
              for url, (name, version) in PROFILES.items()),
            _workflow(run, files[Path(WORKFLOW)], software),
            _language(),
            _action(run, configuration, sources, results, _times(findings, folder)),
            *_agents(run),
            _parameter(),
            {
                "@id": README,
                "@type": "File",
                "name": README,
                "about": {"@id": "./"},
                "encodingFormat": "text/markdown",
            },
            *(
                _file(name, files[name], configuration)
                for name in names
                if str(name) != WORKFLOW
            ),
            *sources,
            *software,
            {"@id": spdx_url(run.licence), "@type": "CreativeWork", "name": run.licence},
            *([] if run.licence == "Apache-2.0" else [
                {"@id": spdx_url("Apache-2.0"), "@type": "CreativeWork", "name": "Apache-2.0"}]),
        ],
    }  # fmt: skip


def _refer(entities: Iterable[str | Entity]) -> list[Entity]:
    """Return references to entities."""
    return [{"@id": each if isinstance(each, str) else each["@id"]} for each in entities]


def _id(path: str | Path) -> str:
    """Return the identifier of a file of the crate."""
    return quote(str(path))


def _descriptor() -> Entity:
    return {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": _refer([CRATE, "https://w3id.org/workflowhub/workflow-ro-crate/1.0"]),
    }


def _root(run: CrateFacts, names: Sequence[Path], ended: datetime) -> Entity:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"relscale: results of the experiment {run.experiment}",
        "description": (
            "Losses, laws of gaps between test domains, figures and records of an experiment of "
            "relscale, with the workflow and the configuration that made them. Texts and weights "
            "are left out; their checksums and licences are listed."
        ),
        "datePublished": ended.date().isoformat(),
        "license": {"@id": spdx_url(run.licence)},
        "conformsTo": _refer(PROFILES),
        "hasPart": _refer([*map(_id, names), README]),
        "mainEntity": {"@id": WORKFLOW},
        "mentions": {"@id": "#run"},
        **({} if run.agent is None else {"author": {"@id": "#agent"}}),
    }


def _workflow(run: CrateFacts, file: Path, software: Sequence[Entity]) -> Entity:
    return _file(Path(WORKFLOW), file) | {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "relscale",
        "description": "Relative scaling laws, from text to verdicts.",
        "version": run.version,
        "conformsTo": {"@id": f"{BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE"},
        "license": {"@id": spdx_url("Apache-2.0")},
        "programmingLanguage": {"@id": SNAKEMAKE},
        "softwareRequirements": _refer(software),
        "input": {"@id": "#configuration"},
    }


def _language() -> Entity:
    return {
        "@id": SNAKEMAKE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "alternateName": "snakemake",
        "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
        "url": {"@id": "https://snakemake.readthedocs.io"},
    }


def _parameter() -> Entity:
    return {
        "@id": "#configuration",
        "@type": "FormalParameter",
        "additionalType": "File",
        "conformsTo": {"@id": f"{BIOSCHEMAS}/FormalParameter/1.0-RELEASE"},
        "name": "configuration",
        "description": "config.yaml and the overlays that are merged over it.",
        "valueRequired": True,
    }


def _action(
    run: CrateFacts,
    configuration: Sequence[str],
    sources: Sequence[Entity],
    results: Sequence[str],
    times: tuple[datetime, datetime],
) -> Entity:
    began, ended = times
    action: Entity = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Execution of the experiment {run.experiment}",
        "description": "From the first job to the last; jobs of several calls are one execution.",
        "instrument": {"@id": WORKFLOW},
        "object": _refer([*map(_id, configuration), *sources]),
        "result": _refer(map(_id, results)),
        "startTime": began.isoformat(),
        "endTime": ended.isoformat(),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    return action | ({} if run.agent is None else {"agent": {"@id": "#agent"}})


def _agents(run: CrateFacts) -> list[Entity]:
    if run.agent is None:
        return []
    return [{"@id": "#agent", "@type": "Person", "name": run.agent}]


def _file(name: Path, path: Path, configuration: Sequence[str] = ()) -> Entity:
    described: Entity = {
        "@id": _id(name),
        "@type": "File",
        "name": str(name),
        "contentSize": str(path.stat().st_size),
        "encodingFormat": FORMATS.get(name.suffix, "text/plain"),
        "sha256": sha256_of(path),
    }
    if str(name) in configuration:
        described["exampleOfWork"] = {"@id": "#configuration"}
    return described


def _sources(table: Path) -> list[Entity]:
    """Return the sources of text, which are not in the crate; a losses table has none."""
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return [
            {
                "@id": f"#source-{quote(row['source'])}",
                "@type": "CreativeWork",
                "name": row["source"],
                "identifier": f"{row['package']} {row['version']}".strip(),
                "version": row["version"],
                "license": row["licence"],
                "citation": row["citation"],
                "sha256": row["sha256"],
            }
            for row in csv.DictReader(file)
        ]


def _software(findings: Sequence[Finding], version: str) -> list[Entity]:
    """Return relscale and the libraries that its jobs computed with, by name."""
    found = {"relscale": version}
    for finding in findings:
        for entry in filter(None, str(finding.job.params.get("lock", "")).split(", ")):
            name, _, number = entry.partition(" ")
            found[name] = number
    return [
        {
            "@id": f"#software-{name}",
            "@type": "SoftwareApplication",
            "name": name,
            "softwareVersion": number,
        }
        for name, number in sorted(found.items())
    ]


def _times(findings: Sequence[Finding], folder: Path) -> tuple[datetime, datetime]:
    """Return when the first job began and the last one ended, by their records."""
    spans = [
        span
        for finding in findings
        if finding.job.record and (span := _span(folder / finding.job.record)) is not None
    ]
    if not spans:
        raise ValueError(f"{folder}: no job has a record in benchmarks/results")
    began = datetime.fromtimestamp(int(min(first for first, _ in spans)), UTC)
    return began, datetime.fromtimestamp(int(max(last for _, last in spans)), UTC)


def _span(record: Path) -> tuple[float, float] | None:
    """Return begin and end of a job in seconds since 1970; None without a record."""
    if not record.is_file():
        return None
    ended = record.stat().st_mtime
    last: Mapping[str, Any] = json.loads(record.read_text(encoding="utf-8").splitlines()[-1])
    seconds = last.get("s", 0)
    return ended - (seconds if isinstance(seconds, int | float) else 0), ended
