"""Checks of the places that results are written to, before any expensive work. Light imports."""

from collections.abc import Sequence
from pathlib import Path

TABLE_ENDINGS = (".csv", ".parquet", ".tsv", ".json", ".jsonl")
"""Endings of a name that is that of a table, not of a folder."""


def check_out_folder(
    out: Path, *, folders: Sequence[str] = (), files: Sequence[str] = (), option: str = "--out"
) -> None:
    """Check that results can be written into a folder, which need not be there.

    Args:
        out: the folder.
        folders: folders that are written into it.
        files: files that are written into it.
        option: words for the setting that names the folder.

    Raises:
        ValueError: naming the file or folder that is in the way, or a name that ends as a table.
    """
    if out.suffix.lower() in TABLE_ENDINGS and not out.is_dir():
        raise ValueError(f"{option} {out}: a folder is needed, and this is the name of a table")
    for folder in (out, *(out / name for name in folders)):
        _check_is_no_file(folder, f"{option} {out}")
    for file in (out / name for name in files):
        if file.is_dir():
            raise ValueError(f"{option} {out}: {file} is a folder, and a file is written there")


def check_out_file(out: Path, option: str) -> None:
    """Check that a file can be written.

    Args:
        out: the file.
        option: words for the setting that names it.

    Raises:
        ValueError: if it is a folder, or a file is where its folder should be.
    """
    if out.is_dir():
        raise ValueError(f"{option} {out}: is a folder, and the name of a file is needed")
    _check_is_no_file(out.parent, f"{option} {out}")


def _check_is_no_file(folder: Path, start: str) -> None:
    """Check that neither a folder nor one that it is in is a file."""
    for place in (folder, *folder.parents):
        if place.is_dir():
            return
        if place.exists():
            where = "it" if place == folder and start.endswith(f" {folder}") else str(place)
            raise ValueError(f"{start}: {where} is a file, and a folder is needed")
