"""The files of an import: given files, and files of given folders, which no link leads out of."""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relscale.text.folder_walk import is_hidden
from relscale.text.formats import read_json_value

MAX_BYTES = 1 << 30
"""Largest file that is read; logs of scalars are far smaller."""


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """One file to import."""

    path: Path
    """The file."""
    folder: str
    """Names a run that has a folder: the path of the file's folder inside the given folder, with
    slashes, or the name of the file's folder if that is the given one."""


def input_files(
    paths: Sequence[Path], wanted: Callable[[str], bool], what: str
) -> tuple[list[InputFile], list[str]]:
    """Return the files to read, sorted within each given folder, and notes on those left out.

    Args:
        paths: files, which are all read, and folders, which are searched with their sub-folders.
        wanted: whether a file of a folder is read, by its name.
        what: words for such files, for messages.

    Raises:
        ValueError: naming the path, if it does not exist, is not a regular file, is too large, or
            is a link that leads out of the given folder; if a folder has no such file; or if a file
            is given twice.
    """
    files: list[InputFile] = []
    notes: list[str] = []
    for path in paths:
        if path.is_dir():
            found, hidden = _in_folder(path, wanted)
            if not found:
                raise ValueError(f"{path}: no {what} in this folder")
            if hidden:
                notes.append(f"{path}: {hidden} hidden file(s) and folder(s), or links inside it")
            files += found
        else:
            _check(path)
            files.append(InputFile(path=path, folder=path.resolve().parent.name))
    seen: set[Path] = set()
    for file in files:
        place = file.path.resolve()
        if place in seen:
            raise ValueError(f"{file.path}: is given twice")
        seen.add(place)
    return files, notes


def _in_folder(root: Path, wanted: Callable[[str], bool]) -> tuple[list[InputFile], int]:
    """Return the files of a folder, and how many hidden names and inner links were left out."""
    home, found, hidden = root.resolve(), [], 0
    for place, folders, names in os.walk(root):
        here = Path(place)
        for name in [*folders, *names]:
            entry = here / name
            if entry.is_symlink():
                if not entry.resolve().is_relative_to(home):
                    raise ValueError(
                        f"{entry}: a link that leads out of {root}; remove it, or name the file "
                        "that it points to"
                    )
                hidden += 1
            elif is_hidden(name):
                hidden += 1
            elif name in names and wanted(name):
                _check(entry)
                inside = here.relative_to(root).as_posix()
                folder = home.name if inside == "." else inside
                found.append(InputFile(path=entry, folder=folder))
        folders[:] = [name for name in folders if not is_hidden(name)]
    return sorted(found, key=lambda file: file.path.as_posix()), hidden


def _check(path: Path) -> None:
    """Check that a path is a regular file of a readable size."""
    try:
        status = path.stat()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path}: is not a regular file")
    if status.st_size > MAX_BYTES:
        raise ValueError(
            f"{path}: has {status.st_size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read"
        )


def check_ending(path: Path, ending: str) -> None:
    """Check the ending of a file's name, so that archives and compressed files are refused.

    Raises:
        ValueError: naming the file.
    """
    if path.suffix.lower() != ending:
        raise ValueError(f"{path}: the name must end in {ending}; unpack archives first")


def read_object(path: Path, keys: Sequence[str], what: str) -> dict[str, Any]:
    """Return the object of a JSON file.

    Raises:
        ValueError: naming the file, if it is not JSON, not an object, or lacks one of the keys.
    """
    check_ending(path, ".json")
    value = read_json_value(path)
    if not isinstance(value, dict):
        raise ValueError(f"{path}: is not {what}: the file has no JSON object")
    if missing := [key for key in keys if key not in value]:
        raise ValueError(
            f"{path}: is not {what}: key(s) {', '.join(missing)} are missing; it has "
            f"{', '.join(list(value)[:20]) or 'none'}"
        )
    return value
