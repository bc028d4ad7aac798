"""One file from which a reader redraws every figure without training: tables, laws, figures,
records, Snakemake's metadata, checksums.

Weights are left out, and so is everything that holds text: sources, documents, tokens, the items'
requests. What is packed is decided by the kinds of files that are known to hold none, so that a new
kind is left out until it is added here.
"""

import gzip
import io
import tarfile
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Sequence
from pathlib import Path

from relscale.files import replacing, sha256_of
from relscale.provenance.checksums import place_of_sums
from relscale.provenance.dag import Job
from relscale.provenance.verify import Finding, refuse_stale

OWN_KINDS = (".csv", ".parquet", ".json", ".txt", ".rst", ".html", ".svg", ".pdf", ".png")
"""Kinds of an experiment's own results that are packed: numbers, pages and pictures;
`items.parquet` knows items by their hashes."""
SHARED_NAMES = ("manifest.json", "report.json", "plan.json")
"""Names of shared results that are packed: counts and sums of what is itself left out."""
COMPONENTS = "results/shared/components/"
"""Where the shards of large corpora lie; beside the tokens and the held-out text of each, its
record is packed."""
METADATA = Path(".snakemake/metadata")
SUMS = "SHA256SUMS"


def archived(job: Job, results: str) -> list[str]:
    """Return those of a job's outputs that are packed."""
    own = [
        path
        for path in job.outputs
        if path.startswith(f"{results}/") and Path(path).suffix in OWN_KINDS
    ]
    shared = [Path(path) for path in job.outputs if path.startswith("results/shared/")]
    records = [
        path for path in shared if str(path).startswith(COMPONENTS) and path.suffix == ".json"
    ]
    return own + [
        str(path)
        for path in dict.fromkeys(
            [*(path for path in shared if path.name in SHARED_NAMES), *records]
        )
    ]


def members(findings: Sequence[Finding], folder: Path, results: str) -> list[Path]:
    """Return the files to pack, relative to the checkout, sorted.

    Args:
        findings: what `verify` said of every job of the workflow.
        folder: the checkout.
        results: the experiment's own folder, such as `results/default`.

    Raises:
        ValueError: naming the first job that is not fresh and why; an archive of stale or edited
            results would say what is not so.
    """
    refuse_stale(findings, results)
    names = {path for finding in findings for path in archived(finding.job, results)}
    names |= {finding.job.record for finding in findings if finding.job.record}
    # The report and the sums are made beside the jobs.
    names |= {
        name
        for name in (f"{results}/report.html", str(place_of_sums(Path(results).name)))
        if (folder / name).is_file()
    }
    made = {path for finding in findings for path in finding.job.outputs}
    return sorted({*map(Path, names), *_metadata(folder, made)})


def _metadata(folder: Path, made: Iterable[str]) -> list[Path]:
    """Return Snakemake's records of the files that the workflow makes, those that are not packed
    among them."""
    known = set(made)
    return [
        path.relative_to(folder)
        for path in (folder / METADATA).rglob("*")
        if path.is_file() and _described(path, folder) in known
    ]


def _described(path: Path, folder: Path) -> str:
    """Return the file that a record of Snakemake's is about: its name in base64, cut into folders
    where it is long."""
    parts = path.relative_to(folder / METADATA).parts
    try:
        return urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()
    except ValueError:
        return ""


def pack(names: Sequence[Path], folder: Path, results: str, out: Path) -> str:
    """Write the archive and return its SHA-256; the same files are the same bytes.

    Args:
        names: files, relative to the folder.
        folder: the checkout.
        results: where the list of checksums goes inside the archive.
        out: the file to write, a gzipped tar.
    """
    sums = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names).encode()
    newest = max((int((folder / name).stat().st_mtime) for name in names), default=0)
    with (
        replacing(out) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in names:
            # Times of change stay: Snakemake compares them where it knows no sum.
            archive.add(folder / name, arcname=str(name), recursive=False, filter=_nobodys)
        info = tarfile.TarInfo(f"{results}/{SUMS}")
        info.size, info.mtime = len(sums), newest
        archive.addfile(info, io.BytesIO(sums))
    return sha256_of(out)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Take from a member whose it was."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
