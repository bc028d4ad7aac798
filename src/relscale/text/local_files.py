"""Which files of the user's own a result was made from, and whether they are still the same. Light
imports: planning asks, too.

    local_files(root, pattern, exclude) -> list[LocalFile]       what lies there now, one look at
    each file listing_of(files, root, record) -> str                       by which name a job's
    record knows these files

A job is told the name of its listing and writes it, beside the files that it saw, into its own
record. Planned again, it is told the same name where the same files lie there, and where none do:
raw text may be taken away once it is read. Other files have another name.
"""

import fnmatch
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relscale.files import read_json, sha256_of
from relscale.provenance.digests import spec_digest


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFile:
    """One file as it lies there."""

    path: str
    """Path inside the source, with slashes."""
    num_bytes: int
    """Its size."""
    mtime_ns: int
    """When it was last changed, in nanoseconds since 1970."""

    @property
    def stamp(self) -> tuple[int, int]:
        """Size and time of the last change."""
        return self.num_bytes, self.mtime_ns


def local_path(root: Path, name: str) -> Path:
    """Return where a file of a local source lies; the source may be that one file."""
    return root if root.is_file() else root / name


def local_files(root: Path, pattern: str = "**/*", exclude: Iterable[str] = ()) -> list[LocalFile]:
    """Return the files of a local source that match a glob and none of the globs in `exclude`,
    sorted; none where it is not there.

    Args:
        root: a folder, or one file, which is taken whatever the globs say.
        pattern: glob inside the folder.
        exclude: globs of paths to leave out.
    """
    if root.is_file():
        found = root.stat()
        return [LocalFile(path=root.name, num_bytes=found.st_size, mtime_ns=found.st_mtime_ns)]
    globs, length, files = list(exclude), len(root.parts), []
    for path in root.glob(pattern):
        name = "/".join(path.parts[length:])
        if any(fnmatch.fnmatch(name, glob) for glob in globs):
            continue
        try:
            found = path.stat()
        except FileNotFoundError:  # a link to nowhere
            continue
        if stat.S_ISREG(found.st_mode):
            files.append(LocalFile(path=name, num_bytes=found.st_size, mtime_ns=found.st_mtime_ns))
    return sorted(files, key=lambda file: file.path)


def stamps(files: Iterable[LocalFile]) -> dict[str, list[int]]:
    """Return size and time of each file by its path, as a record keeps them."""
    return {file.path: list(file.stamp) for file in files}


def listing_of(files: Sequence[LocalFile], root: Path, record: Path) -> str:
    """Return the name of the listing of a source's files.

    Args:
        files: those that are read, as they lie there now.
        root: the local source.
        record: what the job that reads it leaves: a plan of shards, or a manifest with `files`
            (sums), `stamps` and `listing`.

    Returns:
        The name in the record, where no file is there or all are what they were; else a digest of
        paths, sizes and times; nothing where there are neither files nor a record.

    Raises:
        ValueError: naming the record, where it cannot be read.
    """
    known, name = _recorded(record)
    if name is not None and (not files or _same(root, files, known)):
        return name
    return spec_digest([[file.path, *file.stamp] for file in files]) if files else ""


def _recorded(record: Path) -> tuple[dict[str, tuple[int, int, str | None]], str | None]:
    """Return size, time and sum of each file that a record tells of, and the name of their
    listing."""
    if not record.is_file():
        return {}, None
    content: Mapping[str, Any] = read_json(record)
    if "shards" in content:
        found = (file for shard in content["shards"] for file in shard)
        known = {
            file["path"]: (file["num_bytes"], file.get("mtime_ns"), file["sum"]) for file in found
        }
    else:
        known = {
            path: (*content["stamps"][path], content["files"][path])
            for path in content.get("stamps", {})
        }
    return known, content.get("listing")


def _same(
    root: Path, files: Sequence[LocalFile], known: Mapping[str, tuple[int, int, str | None]]
) -> bool:
    """Tell whether files are those of a record; one that was only touched is, where the record has
    its sum."""
    if len(files) != len(known) or any(
        file.path not in known or file.num_bytes != known[file.path][0] for file in files
    ):
        return False
    for file in files:
        _, time, digest = known[file.path]
        if file.mtime_ns == time:
            continue
        if digest is None or sha256_of(local_path(root, file.path)) != digest:
            return False
    return True
