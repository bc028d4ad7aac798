"""The token files of a corpus: map them, compare them with their manifest, detect changes.

Light imports: no torch.
"""

from pathlib import Path
from typing import Any

import numpy as np

from relscale.files import read_json, sha256_of
from relscale.text.mixture import Component, Mixture

CHECKED_UP_TO_BYTES = 2**31
"""Corpora up to this size are compared with their checksums before training; of larger ones, only
files that are newer than the manifest."""


def token_files(manifest_path: Path) -> list[Path]:
    """Return the files that a corpus's manifest names, in order."""
    manifest, folder = read_json(manifest_path), manifest_path.parent
    if "components" not in manifest:
        return [folder / "train.bin"]
    return [folder / shard["path"] for part in manifest["components"] for shard in part["shards"]]


def read_tokens(manifest_path: Path) -> np.ndarray | Mixture:
    """Map the training tokens of a manifest into memory: (num_tokens,), or weighted components.

    Raises:
        ValueError: if a file cannot be read, or its size or checksum differs from the manifest.
    """
    manifest, folder = read_json(manifest_path), manifest_path.parent
    small = manifest["tokens"] * np.dtype(manifest["dtype"]).itemsize <= CHECKED_UP_TO_BYTES
    gathered_at = manifest_path.stat().st_mtime_ns

    def mapped(path: Path, num_tokens: int, digest: str) -> np.ndarray:
        try:
            tokens = np.memmap(path, dtype=np.dtype(manifest["dtype"]).newbyteorder("<"), mode="r")
        except (OSError, ValueError) as error:
            raise ValueError(
                f"{path}: cannot be read: {error}; remove {manifest_path}, so that the workflow "
                "makes both again"
            ) from error
        if len(tokens) != num_tokens:
            raise ValueError(f"{path}: {len(tokens)} tokens; {manifest_path} says {num_tokens}")
        checked = small or path.stat().st_mtime_ns > gathered_at
        if checked and (seen := sha256_of(path)) != digest:
            raise ValueError(f"{path}: its SHA-256 is {seen}; {manifest_path} says {digest}")
        return tokens

    if "components" not in manifest:
        return mapped(
            folder / "train.bin",
            manifest["tokens"],
            manifest.get("sha256", {}).get("train.bin", ""),
        )
    components = []
    for part in manifest["components"]:
        shards = [
            mapped(folder / shard["path"], shard["tokens"], shard["sha256"])
            for shard in part["shards"]
        ]
        components.append(Component(name=part["name"], weight=part["weight"], shards=shards))
    return Mixture(components)


def file_stamps(manifest_path: Path) -> list[Any]:
    """Return name, size (bytes) and time of the last change (ns) of each token file.

    Raises:
        ValueError: naming a file that is missing.
    """
    found = []
    for path in token_files(manifest_path):
        try:
            stat = path.stat()
        except OSError as error:
            raise ValueError(
                f"{path}: cannot be read: {error}; remove {manifest_path}, so that the workflow "
                "makes both again"
            ) from error
        found.append([path.name, stat.st_size, stat.st_mtime_ns])
    return found


def check_unchanged(manifest_path: Path, before: list[Any]) -> None:
    """Check that the token files have not changed since `file_stamps` returned `before`.

    Raises:
        ValueError: naming the files that changed.
    """
    changed = [
        path
        for path, one, other in zip(
            token_files(manifest_path), before, file_stamps(manifest_path), strict=True
        )
        if one != other
    ]
    if changed:
        raise ValueError(
            f"{', '.join(map(str, changed))}: changed while a run was trained on it; the run is "
            "not kept, call again"
        )
