"""Open files that may be compressed (gzip, Zstandard) or inside a zip archive."""

import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from relscale.text.folder_walk import has_hidden_part

COMPRESSED = (".gz", ".zst", ".zstd")
"""Endings of compressed files, which follow the ending of the format. Case does not matter."""
LFS_POINTER = b"version https://git-lfs"
"""First bytes of the file that a clone without Git LFS has in place of a large one."""
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, struct.error, zipfile.BadZipFile)
_FORMATS = (
    (b"\xff\xfe\x00\x00", "it is UTF-32"),
    (b"\xff\xfe", "it is UTF-16"),
    (b"\xfe\xff", "it is UTF-16"),
    (b"\x00\x00\xfe\xff", "it is UTF-32"),
    (b"\x1f\x8b", "it is compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with Zstandard"),
    (b"BZh", "it is compressed with bzip2"),
    (b"\xfd7zXZ", "it is compressed with xz"),
    (b"PK\x03\x04", "it is a zip archive"),
    (b"PAR1", "it is a Parquet file"),
    (b"%PDF", "it is a PDF file"),
)
"""First bytes of files that are not UTF-8 text, and the remark about each."""


@contextmanager
def open_binary(path: Path, member: str | None = None) -> Iterator[BinaryIO]:
    """Open the decompressed bytes of a file, or of a member of a zip archive.

    Raises:
        ValueError: naming the file, if it cannot be read or decompressed, or the member is missing.
    """
    try:
        with ExitStack() as stack:
            yield _opened(path, member, stack)
    except _DAMAGED as error:
        is_packed = path.name.lower().endswith((".zip", *COMPRESSED)) and path.exists()
        verb = "decompressed" if is_packed else "read"
        raise ValueError(f"{path}: cannot be {verb}: {error}") from error


def _opened(path: Path, member: str | None, stack: ExitStack) -> BinaryIO:
    raw: BinaryIO
    if is_archive(path):
        archive = stack.enter_context(_archive(path))
        name = _member(path, archive.namelist(), member)
        try:
            raw = cast(BinaryIO, stack.enter_context(archive.open(name)))
        except (RuntimeError, NotImplementedError) as error:  # a password, an unknown compression
            raise ValueError(f"{path}: cannot be decompressed: {error}") from error
    elif member is not None:
        raise ValueError(f"{path}: member = {member!r} is given, but this is not a .zip")
    else:
        name, raw = path.name, stack.enter_context(path.open("rb"))
    check_no_pointer(path)
    if not name.lower().endswith(COMPRESSED):
        return raw
    if not raw.read(1):
        raise ValueError(f"{path}: cannot be decompressed: it is empty, so it was cut")
    raw.seek(0)
    if name.lower().endswith(".gz"):
        return cast(BinaryIO, stack.enter_context(gzip.open(raw)))
    import pyarrow as pa  # slow to import; it reads several frames and finds cut ones

    packed = pa.PythonFile(raw, mode="r")
    return cast(BinaryIO, stack.enter_context(pa.CompressedInputStream(packed, "zstd")))


def check_no_pointer(path: Path) -> None:
    """Check that a file is not the pointer that a clone without Git LFS has in its place.

    Raises:
        ValueError: naming the file, if it is.
    """
    with path.open("rb") as handle:
        if handle.read(len(LFS_POINTER)) == LFS_POINTER:
            raise ValueError(
                f"{path}: is a pointer of Git LFS, not the file; run `git lfs pull` in its folder"
            )


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip archive, by its ending."""
    return path.name.lower().endswith(".zip")


def content_name(path: Path, member: str | None = None) -> str:
    """Return the name that decides a file's format, without the endings of archive and compression.

    It is in lower case.

    Raises:
        ValueError: naming the file and its members, if the member to read is not clear.
    """
    if not is_archive(path):
        return plain_name(path.name)
    try:
        with _archive(path) as archive:
            return plain_name(_member(path, archive.namelist(), member))
    except _DAMAGED as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _archive(path: Path) -> zipfile.ZipFile:
    """Open a zip archive.

    Raises:
        ValueError: naming the file, if it is a pointer, the name of a member is damaged or its
            version is unknown.
    """
    check_no_pointer(path)
    try:
        return zipfile.ZipFile(path)
    except (UnicodeDecodeError, NotImplementedError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _member(path: Path, names: Sequence[str], member: str | None) -> str:
    """Return the name of the member to read; hidden ones must be named."""
    files = [name for name in names if not name.endswith("/")]
    shown = [name for name in files if not has_hidden_part(name)] or files
    if member is None and len(shown) == 1:
        return shown[0]
    if member not in files:
        problem = "several files, and no `member` is set" if member is None else f"no {member!r}"
        choices = f"the choices for `member` are {', '.join(shown)}" if shown else "it is empty"
        raise ValueError(f"{path}: has {problem}; {choices}")
    return member


def plain_name(name: str) -> str:
    """Return a file's name in lower case, without the ending of its compression."""
    name = name.lower()
    return next((name.removesuffix(end) for end in COMPRESSED if name.endswith(end)), name)


def format_remark(head: bytes) -> str:
    """Return a remark on the format of a file that is not UTF-8 text.

    Args:
        head: its first bytes, decompressed.
    """
    remark = next((remark for start, remark in _FORMATS if head.startswith(start)), None)
    if remark is None and b"\x00" in head:
        remark = "it is UTF-16 or not text"
    return f"{remark}; save it as UTF-8 text" if remark else "save it as UTF-8"
