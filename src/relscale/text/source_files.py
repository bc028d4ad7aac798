"""Find the files of a source that a glob selects, and the folder that names a file's domain."""

from collections.abc import Iterable
from pathlib import Path

from relscale.text.folder_walk import find_files, has_hidden_part


def matching_files(files_dir: Path, pattern: str, exclude: Iterable[str] = ()) -> list[Path]:
    """Return the files below a folder that match a glob and none of the globs in `exclude`.

    Args:
        files_dir: folder of the source's files, `files/` next to its manifest.
        pattern: glob inside the folder (`relscale.text.folder_walk.find_files`).
        exclude: globs of paths to leave out.

    Returns:
        The files, sorted by path.

    Raises:
        ValueError: naming the folder, the glob and some existing files, if no file matches; listing
            matching entries that cannot be read.
    """
    exclude = list(exclude)
    found = find_files(files_dir, pattern, exclude)
    found.check_readable(f"{files_dir}, files = {pattern!r}")
    if not found.files:
        some = [file.name for file in find_files(files_dir, "**/*").files[:8]]
        without = f" without {', '.join(exclude)}" if exclude else ""
        hidden = " (hidden files of a local source are not copied)"
        raise ValueError(
            f"{files_dir}: no file matches files = {pattern!r}{without}"
            f"{hidden if has_hidden_part(pattern) else ''}; it holds"
            f" {', '.join(some) or 'nothing'}, ..."
        )
    return sorted(file.path for file in found.files)


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
