"""Find the files of a source that a glob selects, and the folder that names a file's domain."""

import fnmatch
from collections.abc import Iterable
from pathlib import Path


def matching_files(files_dir: Path, pattern: str, exclude: Iterable[str] = ()) -> list[Path]:
    """Return the files below a folder that match a glob and none of the globs in `exclude`.

    Args:
        files_dir: folder of the source's files, `files/` next to its manifest.
        pattern: glob inside the folder.
        exclude: globs of paths to leave out.

    Returns:
        The files, sorted by path.

    Raises:
        ValueError: naming the folder, the glob and some existing files, if no file matches.
    """
    exclude = list(exclude)
    if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ValueError(
            f'files = {pattern!r}: must be a glob inside the source\'s folder, such as "data/*.txt"'
        )
    found = [
        path
        for path in files_dir.glob(pattern)
        if path.is_file()
        and not any(
            fnmatch.fnmatch(path.relative_to(files_dir).as_posix(), glob) for glob in exclude
        )
    ]
    if not found:
        files = (path for path in files_dir.rglob("*") if path.is_file())
        some = sorted(path.relative_to(files_dir).as_posix() for path in files)[:8]
        without = f" without {', '.join(exclude)}" if exclude else ""
        raise ValueError(
            f"{files_dir}: no file matches files = {pattern!r}{without}; it holds"
            f" {', '.join(some) or 'nothing'}, ..."
        )
    return sorted(found)


def folder_at(name: str, level: int) -> str:
    """Return one folder of a file's path inside its source, counted from 1.

    Raises:
        ValueError: naming the file, if its path has fewer folders.
    """
    folders = name.split("/")[:-1]
    if len(folders) < level:
        raise ValueError(
            f"{name}: has no folder of level {level} to name its domain (the reader's `level`)"
        )
    return folders[level - 1]
