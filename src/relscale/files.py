"""Atomic writes, JSON files and checksums."""

import glob
import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
"""This machine in temporary names: machines that share a disk number their processes alike."""
ABANDONED_S = 24 * 3600
"""A temporary file of another machine that nobody wrote to for so long was left by a killed job."""


def temporary_name(path: Path) -> Path:
    """Return the name under which this process writes `path`, and remove what others left.

    A process that is killed leaves its temporary file or folder. The next one that writes the same
    path removes it.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        if _abandoned(left):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{HOST}.{os.getpid()}.tmp")


def _abandoned(temporary: Path) -> bool:
    """Return whether the process that began a temporary file is gone."""
    host, _, process = temporary.name.removesuffix(".tmp").rpartition(".")
    if host.endswith(f".{HOST}") and process.isdecimal():
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False
        return False
    try:
        return time.time() - temporary.lstat().st_mtime > ABANDONED_S
    except FileNotFoundError:
        return False


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the folder of `path`, and rename it when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, so that equal values give equal bytes.

    Raises:
        ValueError: if a number is not finite (JSON has no notation for it).
    """
    write_text(
        path,
        json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    )


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: naming the file, if it is not UTF-8 text or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not valid JSON: {error}") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
