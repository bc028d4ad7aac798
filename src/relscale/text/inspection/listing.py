"""List the files of a folder of texts, at most a fixed number, and tell texts from other files.

Everything here reads names and first bytes only. Hidden files are counted and left out, as the
readers do (`relscale.text.folder_walk`).
"""

import codecs
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from relscale.text.compressed_files import COMPRESSED, content_name, format_remark, open_binary
from relscale.text.folder_walk import is_hidden
from relscale.text.formats import OTHER_RECORDS

MOST_ENTRIES = 50_000
"""Files and folders that are listed; a larger folder is listed in part."""
HEAD_BYTES = 1 << 20
"""Decompressed bytes that are read of a file."""


class FileKind(StrEnum):
    """The reader that fits a file."""

    TEXT = "text_files"
    """Plain text: each file is a document."""
    JSON = "json"
    """JSON or JSON Lines records."""
    CSV = "csv"
    """Rows of a CSV file."""
    PARQUET = "parquet"
    """Rows of a Parquet file."""
    UNREADABLE = "none"
    """Not text in UTF-8, or records in a format without a reader."""


RECORDS = (FileKind.JSON, FileKind.CSV, FileKind.PARQUET)
"""Kinds whose files hold records."""
_ENDINGS = {".jsonl": FileKind.JSON, ".json": FileKind.JSON, ".csv": FileKind.CSV,
            ".parquet": FileKind.PARQUET}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ListedFile:
    """A file of the folder."""

    name: str
    """Path inside the folder, with slashes; the name of a file that is inspected alone."""
    path: Path
    num_bytes: int
    """Its size on the disk."""

    @property
    def ending(self) -> str:
        """The ending of its name, with that of a compression; "" if it has none."""
        suffixes = Path(self.name).suffixes
        is_packed = bool(suffixes) and suffixes[-1].lower() in COMPRESSED
        return "".join(suffixes[-2:] if is_packed else suffixes[-1:])


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files of a folder."""

    root: Path
    """The folder, or the folder of the one file."""
    files: list[ListedFile]
    """Regular files, sorted by name."""
    is_complete: bool
    """Whether all entries were listed."""
    num_hidden: int
    """Hidden files and folders that were left out."""
    unreadable: list[str]
    """Entries that cannot be read, each with the reason."""

    @property
    def num_bytes(self) -> int:
        """Bytes of all files on the disk."""
        return sum(file.num_bytes for file in self.files)


def list_files(path: Path) -> Listing:
    """List a file alone, or the files below a folder.

    Links to files are followed, links to folders are not: they could lead anywhere. Named pipes
    and devices are never opened.

    Raises:
        ValueError: if the path does not exist, or is neither a file nor a folder.
    """
    if path.is_file():
        size = path.stat().st_size
        file = ListedFile(name=path.name, path=path, num_bytes=size)
        return Listing(
            root=path.parent, files=[file], is_complete=True, num_hidden=0, unreadable=[]
        )
    if not path.is_dir():
        raise ValueError(f"{path}: no such file or folder")
    files: list[ListedFile] = []
    unreadable: list[str] = []
    hidden = seen = 0
    for entry in _entries(path, unreadable):
        seen += 1
        if seen > MOST_ENTRIES:
            break
        name = Path(entry.path).relative_to(path).as_posix()
        if is_hidden(entry.name):
            hidden += 1
            continue
        try:
            status = entry.stat()
        except OSError as error:
            unreadable.append(f"{name} ({error.strerror})")
            continue
        if stat.S_ISREG(status.st_mode):
            files.append(ListedFile(name=name, path=Path(entry.path), num_bytes=status.st_size))
        elif not stat.S_ISDIR(status.st_mode):
            unreadable.append(f"{name} (a pipe, socket or device)")
        elif entry.is_symlink():
            unreadable.append(f"{name} (a link to a folder, which is not followed here)")
    return Listing(
        root=path,
        files=sorted(files, key=lambda file: file.name),
        is_complete=seen <= MOST_ENTRIES,
        num_hidden=hidden,
        unreadable=unreadable,
    )


def _entries(root: Path, unreadable: list[str]) -> Iterator[os.DirEntry[str]]:
    """Yield the entries of a folder and of visible folders in it, level by level."""
    waiting = [root]
    while waiting:
        folder = waiting.pop(0)
        try:
            with os.scandir(folder) as found:
                entries = []
                for entry in found:  # a folder of millions of files is not read whole
                    entries.append(entry)
                    if len(entries) > MOST_ENTRIES:
                        break
        except OSError as error:
            unreadable.append(f"{folder.relative_to(root)} ({error.strerror})")
            continue
        entries.sort(key=lambda entry: entry.name)
        yield from entries
        waiting += [
            Path(entry.path)
            for entry in entries
            if not is_hidden(entry.name) and entry.is_dir(follow_symlinks=False)
        ]


@dataclass(frozen=True, kw_only=True)
class FileHead:
    """The beginning of a file."""

    kind: FileKind
    name: str
    """Name that decides the format, without endings of archive and compression."""
    content: bytes
    """Its first `HEAD_BYTES` decompressed bytes; empty for Parquet."""
    is_whole: bool
    """Whether these are all bytes of the file."""
    encoding: str
    """Encoding, or the reason why the file cannot be read."""


def read_head(file: ListedFile) -> FileHead:
    """Read the beginning of a file, and name the reader that fits it."""
    try:
        name = content_name(file.path)
        if name.endswith(".parquet"):
            return FileHead(
                kind=FileKind.PARQUET, name=name, content=b"", is_whole=True, encoding="Parquet"
            )
        with open_binary(file.path) as handle:
            content = handle.read(HEAD_BYTES + 1)
    except ValueError as error:
        reason = str(error).removeprefix(f"{file.path}: ")
        return _unreadable(file.name, b"", reason)
    is_whole, content = len(content) <= HEAD_BYTES, content[:HEAD_BYTES]
    if name.endswith(OTHER_RECORDS):
        ending = next(end for end in OTHER_RECORDS if name.endswith(end))
        return _unreadable(name, content, f"records in the format {ending}, which has no reader")
    encoding = encoding_of(content, is_whole=is_whole)
    if not encoding.startswith(("UTF-8", "ASCII")):
        return _unreadable(name, content, encoding)
    kind = next((kind for end, kind in _ENDINGS.items() if name.endswith(end)), FileKind.TEXT)
    return FileHead(kind=kind, name=name, content=content, is_whole=is_whole, encoding=encoding)


def _unreadable(name: str, content: bytes, reason: str) -> FileHead:
    return FileHead(
        kind=FileKind.UNREADABLE, name=name, content=content, is_whole=False, encoding=reason
    )


def encoding_of(content: bytes, *, is_whole: bool = True) -> str:
    """Return the encoding of a text, or a remark on bytes that are not UTF-8 text.

    Args:
        content: the bytes.
        is_whole: whether they are all; else they may end within a letter.

    Examples:
        >>> encoding_of(b"plain"), encoding_of("naïve".encode())
        ('ASCII', 'UTF-8')
        >>> encoding_of("naïve".encode("latin-1"))
        'not UTF-8, perhaps Windows-1252 or Latin-1; save it as UTF-8'
    """
    if b"\0" in content:
        return f"not UTF-8 text; {format_remark(content[:1000])}"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=is_whole)
    except UnicodeDecodeError:
        remark = format_remark(content[:1000])
        if remark.startswith("it is"):
            return f"not UTF-8 text; {remark}"
        return f"not UTF-8, perhaps Windows-1252 or Latin-1; {remark}"
    if content.startswith(codecs.BOM_UTF8):
        return "UTF-8 with a byte order mark"
    return "ASCII" if content.isascii() else "UTF-8"
