"""Which files of text become which file of tokens.

    plan_shards(name, component, source, listing) -> dict     what `plan.json` holds

A component's files are dealt to its shards by size, the largest first, each to the shard that has
least so far: shards are of like size and each has files from all over the source. The plan is part
of what makes the shards, so that a file more or less is seen.
"""

import fnmatch
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from relscale.config.sharded import ShardedComponent
from relscale.config.sources import HubOrigin, LocalOrigin
from relscale.files import sha256_of
from relscale.text.local_files import LocalFile, local_files, local_path
from relscale.text.rows import COMPRESSED, ENDINGS, is_readable

SUMMED_UP_TO_BYTES = 1_000_000
"""Local files up to this size are summed when they are listed, so that a touched one is told from
another; larger ones when read."""


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """One file of text."""

    path: str
    """Path inside the source."""
    num_bytes: int
    """Its size as it is stored."""
    sum: str | None
    """What the hub says of its content (a hash), or a small local file's SHA-256; a larger one is
    summed when it is read."""
    mtime_ns: int | None = None
    """When a local file was last changed, in nanoseconds since 1970."""


def plan_shards(
    name: str, component: ShardedComponent, source: LocalOrigin | HubOrigin, listing: str = ""
) -> dict[str, Any]:
    """Return the plan of one component.

    Args:
        name: the component's name, for messages.
        component: its settings.
        source: where its files are.
        listing: the name by which the workflow knows the local files (`relscale.text.local_files`).

    Returns:
        The shards, each a list of files, and beside them what a table of sources tells of these
        files.

    Raises:
        ValueError: where the source cannot be listed, no file matches, one has an unknown ending,
            or there are fewer than shards.
    """
    files = (
        _local_files(component, source)
        if isinstance(source, LocalOrigin)
        else _hub_files(component, source)
    )
    unknown = [file.path for file in files if not is_readable(file.path)]
    if unknown:
        endings = f"{', '.join((*ENDINGS, '.parquet'))} (also {' and '.join(COMPRESSED)})"
        raise ValueError(
            f"component {name} (source {component.source}): {unknown[0]}: the endings that are read are {endings}"
        )
    if len(files) < component.shards:
        raise ValueError(
            f"component {name} (source {component.source}): shards = {component.shards}, and files = {component.files!r} matches only"
            f" {len(files)}: lower `shards` or split the files"
        )
    content = json.dumps(
        [[file.path, file.num_bytes, file.sum] for file in files], separators=(",", ":")
    )
    hub = isinstance(source, HubOrigin)
    return {
        "component": name,
        "source": component.source,
        "package": source.dataset if isinstance(source, HubOrigin) else None,
        "version": source.revision if isinstance(source, HubOrigin) else None,
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        "sha256_of": "paths, sizes and hashes that the hub gives"
        if hub
        else "paths, sizes and hashes of small files",
        "listing": listing,
        "num_files": len(files),
        "num_bytes": sum(file.num_bytes for file in files),
        "shards": [[asdict(file) for file in shard] for shard in deal(files, component.shards)],
    }


def deal(files: Sequence[TextFile], shards: int) -> list[list[TextFile]]:
    """Return the files of each shard, in order of their paths: the largest file first, each to the
    shard with the fewest bytes."""
    piles: list[list[TextFile]] = [[] for _ in range(shards)]
    sizes = [0] * shards
    for file in sorted(files, key=lambda file: (-file.num_bytes, file.path)):
        smallest = min(range(shards), key=lambda index: (sizes[index], len(piles[index]), index))
        piles[smallest].append(file)
        sizes[smallest] += file.num_bytes
    return [sorted(pile, key=lambda file: file.path) for pile in piles]


def _local_files(component: ShardedComponent, source: LocalOrigin) -> list[TextFile]:
    root = Path(source.path)
    key = f"sources.{component.source}.path = {source.path!r}"
    if not root.exists():
        raise ValueError(f"{key}: no such file or folder")
    files = local_files(root, component.files, component.exclude)
    if not files:
        some = ", ".join(path.name for path in list(root.iterdir())[:8]) or "nothing"
        raise ValueError(f"{key}: no file matches files = {component.files!r}; it holds {some}")
    return [
        TextFile(
            path=file.path,
            num_bytes=file.num_bytes,
            sum=_small_sum(root, file),
            mtime_ns=file.mtime_ns,
        )
        for file in files
    ]


def _small_sum(root: Path, file: LocalFile) -> str | None:
    return sha256_of(local_path(root, file.path)) if file.num_bytes <= SUMMED_UP_TO_BYTES else None


def _hub_files(component: ShardedComponent, source: HubOrigin) -> list[TextFile]:
    try:
        from fsspec.utils import glob_translate  # the three come with the `hub` extra
        from huggingface_hub import HfApi, RepoFile
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
    except ImportError as error:
        message = f"sources.{component.source}: kind = 'hub' needs the package `huggingface_hub`; install relscale with its `hub` extra"
        raise ValueError(message) from error
    import re

    key = (
        f"sources.{component.source}: dataset = {source.dataset!r}, revision = {source.revision!r}"
    )
    try:
        entries = list(
            HfApi().list_repo_tree(
                source.dataset, recursive=True, revision=source.revision, repo_type="dataset"
            )
        )
    except RevisionNotFoundError as error:
        raise ValueError(
            f"{key}: the dataset has no such commit (any more): look up one that it has, and say so in the results"
        ) from error
    except RepositoryNotFoundError as error:
        raise ValueError(
            f"{key}: no such dataset, or it is gated and the variable HF_TOKEN holds no token that may read it"
        ) from error
    except Exception as error:  # the library raises errors of many packages
        raise ValueError(f"{key}: cannot be listed: {type(error).__name__}: {error}") from error
    stored = {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}
    pattern = re.compile(glob_translate(component.files))
    names = _kept(sorted(name for name in stored if pattern.match(name)), component.exclude)
    if not names:
        raise ValueError(
            f"{key}: no file matches files = {component.files!r}; it holds {', '.join(sorted(stored)[:8]) or 'nothing'}"
        )
    files = []
    for name in names:
        lfs = stored[name].lfs
        files.append(
            TextFile(
                path=name,
                num_bytes=stored[name].size,
                sum=lfs.sha256 if lfs else stored[name].blob_id,
            )
        )
    return files


def _kept(names: list[str], exclude: list[str]) -> list[str]:
    return [name for name in names if not any(fnmatch.fnmatch(name, glob) for glob in exclude)]
