"""Open files that may be compressed (gzip, Zstandard) or inside a zip archive."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

COMPRESSED = (".gz", ".zst", ".zstd")
"""Endings of compressed files, which follow the ending of the format."""


@contextmanager
def open_binary(path: Path, member: str | None = None) -> Iterator[BinaryIO]:
    """Open the decompressed bytes of a file, or of a member of a zip archive.

    Raises:
        ValueError: naming the file, if it cannot be read or decompressed, or the member is missing.
    """
    try:
        with ExitStack() as stack:
            raw: BinaryIO
            if path.name.endswith(".zip"):
                archive = stack.enter_context(zipfile.ZipFile(path))
                name = _member(path, archive.namelist(), member)
                raw = cast(BinaryIO, stack.enter_context(archive.open(name)))
            elif member is not None:
                raise ValueError(f"{path}: member = {member!r} is given, but this is not a .zip")
            else:
                name, raw = path.name, stack.enter_context(path.open("rb"))
            if name.endswith(".gz"):
                raw = cast(BinaryIO, stack.enter_context(gzip.open(raw)))
            elif name.endswith((".zst", ".zstd")):
                import pyarrow as pa  # slow to import; it reads several frames and finds cut ones

                packed = pa.PythonFile(raw, mode="r")
                raw = stack.enter_context(pa.CompressedInputStream(packed, "zstd"))
            yield raw
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        is_packed = path.name.endswith((".zip", *COMPRESSED)) and path.exists()
        verb = "decompressed" if is_packed else "read"
        raise ValueError(f"{path}: cannot be {verb}: {error}") from error


def content_name(path: Path, member: str | None = None) -> str:
    """Return the name that decides a file's format, without the endings of archive and compression.

    Raises:
        ValueError: naming the file and its members, if the member to read is not clear.
    """
    if not path.name.endswith(".zip"):
        return plain_name(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            return plain_name(_member(path, archive.namelist(), member))
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _member(path: Path, names: Sequence[str], member: str | None) -> str:
    """Return the name of the member to read."""
    files = [name for name in names if not name.endswith("/")]
    if member is None and len(files) == 1:
        return files[0]
    if member not in files:
        problem = "several files, and no `member` is set" if member is None else f"no {member!r}"
        raise ValueError(f"{path}: has {problem}; the choices for `member` are {', '.join(files)}")
    return member


def plain_name(name: str) -> str:
    """Return a file's name without the ending of its compression."""
    return next((name.removesuffix(end) for end in COMPRESSED if name.endswith(end)), name)
