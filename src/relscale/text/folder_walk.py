"""Find the files of a folder: one rule for listing, copying and reading. Light imports.

Read `find_files` first. Names that begin with a dot and the names in `LITTER` are hidden: wildcards
do not match them, as in a shell. Links are followed. Named pipes, sockets and devices are never
opened, because reading them may never end.
"""

import fnmatch
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LITTER = (
    "*~",
    "#*#",
    "~$*",
    "__MACOSX",
    "Thumbs.db",
    "desktop.ini",
    "lost+found",
    "$RECYCLE.BIN",
    "System Volume Information",
)
"""Globs of names that editors and systems leave in folders: backups, locks, resource forks, caches
of thumbnails, deleted files."""
_IS_LITTER = re.compile("|".join(map(fnmatch.translate, LITTER))).match
_KINDS = {"p": "a named pipe", "s": "a socket", "c": "a device", "b": "a device"}
_SHOWN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundFile:
    """A regular file, or a link to one."""

    name: str
    """Path inside the folder, with slashes."""
    path: Path
    """Path of the file."""
    status: os.stat_result
    """Size, time and identity."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The files of a folder that a glob matches."""

    files: list[FoundFile]
    """Regular files, sorted by name."""
    unreadable: list[str]
    """Entries that cannot be read, each with the reason: links to nothing, named pipes, sockets,
    devices, folders without permission."""
    num_hidden: int
    """Number of hidden files and folders that were left out."""

    def check_readable(self, where: str) -> None:
        """Check that nothing that matches is unreadable.

        Args:
            where: the key and folder, for the message.

        Raises:
            ValueError: listing the unreadable entries.
        """
        if self.unreadable:
            hidden = len(self.unreadable) - _SHOWN
            more = f"; and {hidden} more" if hidden > 0 else ""
            raise ValueError(
                f"{where}: cannot be read: {'; '.join(self.unreadable[:_SHOWN])}{more}: remove or"
                " exclude them"
            )


def is_hidden(name: str) -> bool:
    """Return whether a name (one part of a path) is hidden: a dot file, or one of `LITTER`."""
    return name.startswith(".") or _IS_LITTER(name) is not None


def has_hidden_part(path: str) -> bool:
    """Return whether a part of a path or glob with slashes is hidden."""
    return any(is_hidden(part) for part in path.split("/") if part not in ("", "."))


def find_files(root: Path, pattern: str, exclude: Iterable[str] = ()) -> Found:
    """Find the files of a folder that match a glob, also below linked folders.

    Args:
        root: the folder; nothing is found if it does not exist.
        pattern: glob inside the folder, in which `**` stands for any number of folders. Hidden
            files and folders match only parts that name them, such as `.cache` or `*~`.
        exclude: globs of paths to leave out.

    Raises:
        ValueError: naming the glob, if it is not one inside the folder; naming a link to a folder
            that contains it.
    """
    walk = _Walk(_parts(pattern), list(exclude))
    if root.is_dir():
        walk.run(root)
    files = sorted(walk.files, key=lambda file: file.name)
    return Found(files=files, unreadable=sorted(walk.unreadable), num_hidden=walk.num_hidden)


def _parts(pattern: str) -> list[str]:
    """Return the parts of a glob.

    Raises:
        ValueError: if it is empty, absolute, leads out of the folder, or has `**` inside a name.
    """
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if not parts or pattern.startswith("/") or ".." in parts:
        raise ValueError(
            f'files = {pattern!r}: must be a glob inside the source\'s folder, such as "data/*.txt"'
        )
    if any("**" in part and part != "**" for part in parts):
        raise ValueError(f"files = {pattern!r}: ** must be a whole folder, as in **/*.txt")
    return parts


@dataclass(frozen=True, kw_only=True, slots=True)
class _Folder:
    path: Path
    inside: str
    """Path inside the root, with a slash at its end; "" for the root."""
    states: frozenset[int]
    above: frozenset[tuple[int, int]]
    """Identities of the folders on the way to it."""


class _Walk:
    """Collects the files that a glob matches.

    A state is the number of parts of the glob that the path so far has matched.
    """

    def __init__(self, parts: Sequence[str], exclude: Sequence[str]) -> None:
        self._parts, self._exclude = parts, exclude
        self._matches = [re.compile(fnmatch.translate(part)).match for part in parts]
        self.files: list[FoundFile] = []
        self.unreadable: list[str] = []
        self.num_hidden = 0

    def run(self, root: Path) -> None:
        start = _Folder(path=root, inside="", states=frozenset({0}), above=frozenset())
        waiting = [start]
        while waiting:
            waiting += self._folders_in(waiting.pop())

    def _folders_in(self, folder: _Folder) -> Iterator[_Folder]:
        """Collect the files of one folder, and yield its folders in which files may match.

        Raises:
            ValueError: if the folder is a link to one that contains it.
        """
        try:
            status = folder.path.stat()
            with os.scandir(folder.path) as found:
                entries = list(found)
        except OSError as error:
            self._report(folder.inside or str(folder.path), error)
            return
        identity = status.st_dev, status.st_ino
        if identity in folder.above:
            raise ValueError(f"{folder.path}: a link to a folder that contains it; remove the link")
        for entry in entries:
            states = frozenset(self._after(folder.states, entry.name))
            name = folder.inside + entry.name
            if not states:
                self.num_hidden += is_hidden(entry.name)
                continue
            try:
                if not entry.is_dir():
                    self._file(folder.path / entry.name, name, states)
                elif not self._excludes_folder(name):
                    yield _Folder(
                        path=folder.path / entry.name,
                        inside=f"{name}/",
                        states=states,
                        above=folder.above | {identity},
                    )
            except OSError as error:
                self._report(name, error)

    def _file(self, path: Path, name: str, states: frozenset[int]) -> None:
        if len(self._parts) not in states:
            return
        if any(fnmatch.fnmatch(name, glob) for glob in self._exclude):
            return
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.filemode(status.st_mode)[0], "not a file")
            self.unreadable.append(f"{name} ({kind})")
        elif not _is_utf8(name):
            self.unreadable.append(f"{name!r} (the name is not UTF-8)")
        else:
            self.files.append(FoundFile(name=name, path=path, status=status))

    def _report(self, name: str, error: OSError) -> None:
        reason = "a link to nothing" if isinstance(error, FileNotFoundError) else error.strerror
        self.unreadable.append(f"{name} ({reason})")

    def _excludes_folder(self, name: str) -> bool:
        """Return whether all files of a folder are excluded."""
        return any(
            glob.endswith("*") and fnmatch.fnmatch(f"{name}/", glob) for glob in self._exclude
        )

    def _after(self, states: Iterable[int], name: str) -> Iterator[int]:
        """Yield the states after a name."""
        is_visible, end = not is_hidden(name), len(self._parts)
        for state in states:
            while state < end and self._parts[state] == "**":
                if is_visible:
                    yield from (state, end) if state == end - 1 else (state,)
                state += 1  # because ** may stand for no folder
            names_it = state < end and (is_visible or is_hidden(self._parts[state]))
            if names_it and self._matches[state](name):
                yield state + 1


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
