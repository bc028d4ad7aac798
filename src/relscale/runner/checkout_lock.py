"""One call of `relscale run` per checkout, and who holds the lock.

Snakemake locks files by name, and the end of one call removes the locks of all; so two calls in one
checkout are not safe even where their files differ.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

LOCK = Path(".snakemake/relscale-run.lock")
"""The lock file, in a checkout. Its content says who holds it."""


@contextmanager
def locked(folder: Path, command: str) -> Iterator[int]:
    """Hold the lock of a checkout; yield the number of the open file.

    The system frees it when all processes that inherited the file have ended, however they end.

    Args:
        folder: the checkout.
        command: what holds the lock, for the error of another call.

    Raises:
        ValueError: naming the call that holds it.
    """
    path = folder / LOCK
    path.parent.mkdir(exist_ok=True)
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{folder.resolve()}: {_holder(path)} runs in this checkout, which runs one "
                "experiment at a time: wait for its end, or use a second checkout"
            ) from None
        since = datetime.now().isoformat(sep=" ", timespec="minutes")
        content = {"command": command, "process": os.getpid(), "since": since}
        os.truncate(number, 0)
        os.write(number, json.dumps(content).encode())
        yield number
    finally:
        os.close(number)


def _holder(path: Path) -> str:
    """Return which call holds a lock, as text."""
    with suppress(OSError, ValueError, KeyError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return f"`{content['command']}` (process {content['process']}, since {content['since']})"
    return "another `relscale run`"


def snakemake_calls(folder: Path, processes: Path = Path("/proc")) -> list[str]:
    """Return the calls of Snakemake that run in a checkout on this machine, as text.

    Args:
        folder: the checkout.
        processes: where the system lists its processes; without it, none is found.
    """
    found: list[str] = []
    for process in sorted(processes.glob("[0-9]*")):
        with suppress(OSError):  # it ended meanwhile, or belongs to somebody else
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            is_snakemake = any("snakemake" in Path(word).name for word in words[:3])
            if is_snakemake and (process / "cwd").resolve() == folder.resolve():
                found.append(f"`{' '.join(words).strip()[:200]}` (process {process.name})")
    return found
