"""Detect changes of local files that results were made from. Light imports: planning uses this.

A job is given the name of its listing of files (`listing_of`) and writes it, with the files that it
saw, to its record. The next plan computes the same name if the same files are present, or if no
file is: raw text may be deleted once it has been read. Any other files give another name.
"""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relscale.files import read_json, sha256_of
from relscale.provenance.digests import spec_digest
from relscale.text.folder_walk import find_files
from relscale.text.manifests import LocalRecord, ShardPlan, read_record

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFile:
    """One local file, as it is now."""

    path: str
    """Path inside the source, with slashes."""
    num_bytes: int
    """Size in bytes."""
    mtime_ns: int
    """Modification time in nanoseconds since 1970."""

    @property
    def stamp(self) -> tuple[int, int]:
        """Size and modification time."""
        return self.num_bytes, self.mtime_ns


@dataclass(frozen=True, kw_only=True, slots=True)
class _KnownFile:
    """One file of a record."""

    num_bytes: int
    mtime_ns: int | None
    checksum: str | None


def local_path(root: Path, name: str) -> Path:
    """Return the path of a file of a local source, which may itself be a single file."""
    return root if root.is_file() else root / name


def local_files(root: Path, pattern: str = "**/*", exclude: Iterable[str] = ()) -> list[LocalFile]:
    """Return the files of a local source that match a glob and none of the globs in `exclude`.

    Entries that cannot be read are left out: `readable_files` reports them.

    Args:
        root: a folder, or a single file, which always matches.
        pattern: glob inside the folder (`relscale.text.folder_walk.find_files`).
        exclude: globs of paths to leave out.

    Returns:
        The files, sorted by path; empty if the source does not exist.

    Raises:
        ValueError: see `relscale.text.folder_walk.find_files`.
    """
    if root.is_file():
        return [_local_file(root.name, root.stat())]
    found = find_files(root, pattern, exclude)
    return [_local_file(file.name, file.status) for file in found.files]


def readable_files(
    key: str, root: Path, pattern: str = "**/*", exclude: Iterable[str] = ()
) -> dict[str, Path]:
    """Return the paths of the files that `local_files` lists, by their names.

    Args:
        key: key of the source, for messages.
        root: a folder, or a single file.
        pattern: glob inside the folder.
        exclude: globs of paths to leave out.

    Raises:
        ValueError: naming the key and the path, if it does not exist, is neither a file nor a
            folder, or has entries that cannot be read.
    """
    where = f"{key} = {str(root)!r}"
    if root.is_file():
        return {root.name: root}
    if not root.is_dir():
        problem = "neither a file nor a folder" if root.exists() else "no such file or folder"
        raise ValueError(f"{where}: {problem}")
    found = find_files(root, pattern, exclude)
    found.check_readable(where)
    if found.num_hidden:
        _LOG.warning("%s: left out %d hidden files and folders", where, found.num_hidden)
    return {file.name: file.path for file in found.files}


def _local_file(name: str, status: os.stat_result) -> LocalFile:
    return LocalFile(path=name, num_bytes=status.st_size, mtime_ns=status.st_mtime_ns)


def stamps(files: Iterable[LocalFile]) -> dict[str, tuple[int, int]]:
    """Return size and modification time of each file by its path, for a record."""
    return {file.path: file.stamp for file in files}


def listing_of(files: Sequence[LocalFile], root: Path, record: Path) -> str:
    """Return the name of the listing of a source's files.

    Args:
        files: the files to read, as they are now.
        root: the local source.
        record: the record of the job that reads them: a plan of shards, or a manifest with `files`
            (checksums), `stamps` and `listing`.

    Returns:
        The name in the record, if there are no files or all are unchanged; else a digest of paths,
        sizes and times; "" if there are neither files nor a record.

    Raises:
        ValueError: naming the record, if it cannot be read.
    """
    known, name = _recorded(record)
    if name is not None and (not files or _unchanged(root, files, known)):
        return name
    return spec_digest([[file.path, *file.stamp] for file in files]) if files else ""


def _recorded(record: Path) -> tuple[dict[str, _KnownFile], str | None]:
    """Return the files in a record by path, and the name of their listing."""
    if not record.is_file():
        return {}, None
    if "shards" in read_json(record):
        plan = read_record(record, ShardPlan)
        known = {
            file.path: _KnownFile(
                num_bytes=file.num_bytes, mtime_ns=file.mtime_ns, checksum=file.sum
            )
            for shard in plan.shards
            for file in shard
        }
        return known, plan.listing
    manifest = read_record(record, LocalRecord)
    known = {
        path: _KnownFile(num_bytes=size, mtime_ns=mtime_ns, checksum=manifest.files[path])
        for path, (size, mtime_ns) in manifest.stamps.items()
    }
    return known, manifest.listing


def _unchanged(root: Path, files: Sequence[LocalFile], known: Mapping[str, _KnownFile]) -> bool:
    """Return whether files are those of a record.

    A file whose time differs is compared by its checksum, if the record has one.
    """
    if len(files) != len(known) or any(
        file.path not in known or file.num_bytes != known[file.path].num_bytes for file in files
    ):
        return False
    for file in files:
        before = known[file.path]
        if file.mtime_ns == before.mtime_ns:
            continue
        if before.checksum is None or sha256_of(local_path(root, file.path)) != before.checksum:
            return False
    return True
