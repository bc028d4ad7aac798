"""Archive from which a reader redraws every figure without training.

It holds tables, laws, figures, records, Snakemake's metadata and checksums. It holds neither
weights nor text: sources, documents, tokens and the items' requests are left out. Only kinds of
files that are known to be free of text are packed, so that a new kind is left out until it is added
here.
"""

import gzip
import io
import tarfile
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Sequence
from pathlib import Path

from relscale.files import replacing, sha256_of
from relscale.provenance.checksums import checksums_place
from relscale.provenance.dag import Job
from relscale.provenance.verify import Finding, refuse_stale

OWN_KINDS = (".csv", ".parquet", ".json", ".txt", ".rst", ".html", ".svg", ".pdf", ".png")
"""Packed kinds of an experiment's results: numbers, pages and pictures. `items.parquet` identifies
items by their hashes."""
SHARED_NAMES = ("manifest.json", "report.json", "plan.json")
"""Names of packed shared results: counts and checksums of files that are left out."""
COMPONENTS = "results/shared/components/"
"""Folder of the shards of large corpora; only the record of each shard is packed."""
METADATA = Path(".snakemake/metadata")
CHECKSUMS = "SHA256SUMS"
CERTIFICATE = "certificate"
"""Folder of the results' certificate, in the folder of the results."""


def archived(job: Job, results: str) -> list[str]:
    """Return the outputs of a job that are packed."""
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
        findings: those of `verify` for every job of the workflow.
        folder: the checkout.
        results: the experiment's folder, such as `results/default`.

    Raises:
        ValueError: naming the first job that is not fresh and the reason; an archive must not hold
            stale or edited results.
    """
    refuse_stale(findings, results)
    names = {path for finding in findings for path in archived(finding.job, results)}
    names |= {finding.job.record for finding in findings if finding.job.record}
    # No job writes the report and the checksums.
    names |= {
        name
        for name in (f"{results}/report.html", str(checksums_place(Path(results).name)))
        if (folder / name).is_file()
    }
    made = {path for finding in findings for path in finding.job.outputs}
    return sorted({*map(Path, names), *_metadata(folder, made)})


def _metadata(folder: Path, made: Iterable[str]) -> list[Path]:
    """Return Snakemake's metadata of all outputs of the workflow, packed or not."""
    known = set(made)
    return [
        path.relative_to(folder)
        for path in (folder / METADATA).rglob("*")
        if path.is_file() and _described(path, folder) in known
    ]


def _described(path: Path, folder: Path) -> str:
    """Return the file that a piece of Snakemake's metadata describes.

    Its name is in base64, split into folders if it is long.
    """
    parts = path.relative_to(folder / METADATA).parts
    try:
        return urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()
    except ValueError:
        return ""


def pack(names: Sequence[Path], folder: Path, results: str, out: Path) -> str:
    """Write the archive and return its SHA-256; the same files give the same bytes.

    Args:
        names: files, relative to the folder.
        folder: the checkout.
        results: folder of the list of checksums inside the archive.
        out: the file to write, a gzipped tar.
    """
    listed = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names).encode()
    newest = max((int((folder / name).stat().st_mtime) for name in names), default=0)
    with (
        replacing(out) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in names:
            # Keep modification times: Snakemake compares them if it knows no checksum.
            archive.add(folder / name, arcname=str(name), recursive=False, filter=_nobodys)
        info = tarfile.TarInfo(f"{results}/{CHECKSUMS}")
        info.size, info.mtime = len(listed), newest
        archive.addfile(info, io.BytesIO(listed))
    return sha256_of(out)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove the owner of a member."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
