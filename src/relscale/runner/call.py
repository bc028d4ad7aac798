"""A call of Snakemake in a process of its own, which writes to a log and reports events."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from relscale.runner.events import Event, from_line
from relscale.runner.logger_plugin import NAME, OPTION

MOST_BYTES = 65_536
"""Bytes of events that one reading takes."""


class SnakemakeCall:
    """A running call; a context manager that waits for its end.

    The call has a process group of its own: a terminal sends Ctrl-C to `relscale run` alone, which
    passes it on once. Its open lock files keep the lock until the call has ended, even if
    `relscale run` is killed.
    """

    def __init__(
        self, words: Sequence[str], folder: Path, log: IO[bytes], locks: Sequence[int] = ()
    ) -> None:
        """Start Snakemake.

        Args:
            words: its options and targets.
            folder: the checkout that it runs in.
            log: file that its output and that of its jobs is appended to.
            locks: numbers of open files that stay open in its process.
        """
        self._reader, writer = os.pipe()
        self._rest = b""
        try:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "relscale.runner.launch"),
                    *("--logger", NAME, OPTION, str(writer), *words),
                ],
                cwd=folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(writer, *locks),
                process_group=0,
            )
        finally:
            os.close(writer)

    def __enter__(self) -> "SnakemakeCall":
        """Return the call."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the end of Snakemake; after an error, stop it first."""
        if error is not None:
            self.send(signal.SIGINT)
        self.process.wait()
        os.close(self._reader)

    def events(self, seconds: float) -> list[Event] | None:
        """Return the events of at most this time; None if there will be no more."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        if not ready:
            return [] if self.process.poll() is None else None
        content = os.read(self._reader, MOST_BYTES)
        if not content:
            return None
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [from_line(line) for line in lines]

    def send(self, number: int) -> None:
        """Send a signal to Snakemake and its jobs, as a terminal does with Ctrl-C."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    @property
    def status(self) -> int:
        """The exit status as a shell states it; the process has ended."""
        found = self.process.wait()
        return found if found >= 0 else 128 - found


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of Snakemake: a checkout's package comes before an installed one."""
    source = folder.resolve() / "src"
    if not (source / "relscale").is_dir():
        return dict(os.environ)
    others = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{source}{os.pathsep if others else ''}{others}"}
