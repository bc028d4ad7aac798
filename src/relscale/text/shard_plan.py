"""Plan the shards of a component: decide which text files each shard is built from.

Files are dealt to the shards by size, the largest first, each to the shard with the fewest bytes:
shards have similar sizes, and each has files from the whole source. The plan is an input of the
jobs that build the shards, so that an added or removed file makes them stale.
"""

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from relscale.config.sharded import ComponentText
from relscale.config.sources import HubOrigin, LocalOrigin
from relscale.files import sha256_of
from relscale.text.formats import endings, is_readable
from relscale.text.hub_datasets import list_files
from relscale.text.local_files import LocalFile, local_files, local_path, readable_files
from relscale.text.manifests import PlannedFile, ShardPlan

HASHED_UP_TO_BYTES = 1_000_000
"""Local files up to this size are hashed when they are listed, to tell a touched file from a
modified one. Larger files are hashed when they are read."""


def plan_shards(
    name: str, component: ComponentText, source: LocalOrigin | HubOrigin, listing: str = ""
) -> ShardPlan:
    """Return the plan of one component.

    Args:
        name: the component's name, for messages.
        component: its settings.
        source: where its files are.
        listing: the workflow's name for the local files (`relscale.text.local_files`).

    Raises:
        ValueError: if the source cannot be listed, no file matches, a file has an unknown ending,
            or there are fewer files than shards.
    """
    key = f"component {name} (source {component.source})"
    files = (
        _local(component, source) if isinstance(source, LocalOrigin) else _hub(component, source)
    )
    if unknown := [file.path for file in files if not is_readable(file.path)]:
        raise ValueError(f"{key}: {unknown[0]}: the endings that can be read are {endings()}")
    if len(files) < component.shards:
        raise ValueError(
            f"{key}: shards = {component.shards}, and files = {component.files!r} matches only"
            f" {len(files)}: lower `shards` or split the files"
        )
    content = json.dumps(
        [[file.path, file.num_bytes, file.sum] for file in files], separators=(",", ":")
    )
    is_hub = isinstance(source, HubOrigin)
    return ShardPlan(
        component=name,
        source=component.source,
        package=source.dataset if isinstance(source, HubOrigin) else None,
        version=source.revision if isinstance(source, HubOrigin) else None,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        sha256_of=f"paths, sizes and hashes {'that the hub gives' if is_hub else 'of small files'}",
        listing=listing,
        num_files=len(files),
        num_bytes=sum(file.num_bytes for file in files),
        shards=deal(files, component.shards),
    )


def deal(files: Sequence[PlannedFile], shards: int) -> list[list[PlannedFile]]:
    """Return the files of each shard, sorted by path.

    The largest file comes first, and each goes to the shard with the fewest bytes.
    """
    piles: list[list[PlannedFile]] = [[] for _ in range(shards)]
    sizes = [0] * shards
    for file in sorted(files, key=lambda file: (-file.num_bytes, file.path)):
        smallest = min(range(shards), key=lambda index: (sizes[index], len(piles[index]), index))
        piles[smallest].append(file)
        sizes[smallest] += file.num_bytes
    return [sorted(pile, key=lambda file: file.path) for pile in piles]


def _local(component: ComponentText, source: LocalOrigin) -> list[PlannedFile]:
    root = Path(source.path)
    key = f"sources.{component.source}.path"
    readable = readable_files(key, root, component.files, component.exclude)
    files = local_files(root, component.files, component.exclude)
    if not files:
        some = ", ".join(list(readable_files(key, root))[:8]) or "nothing"
        raise ValueError(
            f"{key} = {source.path!r}: no file matches files = {component.files!r}; it holds {some}"
        )
    _check_different(key, readable)
    return [
        PlannedFile(
            path=file.path,
            num_bytes=file.num_bytes,
            sum=_checksum(root, file),
            mtime_ns=file.mtime_ns,
        )
        for file in files
    ]


def _check_different(key: str, files: Mapping[str, Path]) -> None:
    """Check that no file has two names, since its text would be read twice.

    Raises:
        ValueError: naming both.
    """
    names: dict[tuple[int, int], str] = {}
    for name, path in files.items():
        status = path.stat()
        other = names.setdefault((status.st_dev, status.st_ino), name)
        if other != name:
            raise ValueError(f"{key}: {other} and {name} are the same file; exclude one of them")


def _checksum(root: Path, file: LocalFile) -> str | None:
    """Return the SHA-256 of a small file, None for a large one."""
    return sha256_of(local_path(root, file.path)) if file.num_bytes <= HASHED_UP_TO_BYTES else None


def _hub(component: ComponentText, source: HubOrigin) -> list[PlannedFile]:
    files = list_files(component.source, source, component.files)
    kept = [file for file in files if not _excluded(file.path, component.exclude)]
    if not kept:
        raise ValueError(
            f"sources.{component.source}: no file matches files = {component.files!r} without"
            f" {', '.join(component.exclude)}"
        )
    return kept


def _excluded(path: str, globs: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(path, glob) for glob in globs)
