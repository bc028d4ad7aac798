"""Pairs of a name and a path on the command lines of stages."""

from collections.abc import Iterable
from pathlib import Path


def named_paths(words: Iterable[str]) -> dict[str, Path]:
    """Return paths by name from words of the form NAME=PATH.

    Raises:
        ValueError: naming a word without "=".
    """
    paths: dict[str, Path] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals:
            raise ValueError(f"{word!r}: must have the form NAME=PATH")
        paths[name] = Path(path)
    return paths


def source_folders(words: Iterable[str]) -> dict[str, Path]:
    """Return the folder of each source's files from words of the form NAME=MANIFEST."""
    return {name: manifest.parent / "files" for name, manifest in named_paths(words).items()}
