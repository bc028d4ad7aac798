"""One `relscale run`: Snakemake with a display, the report, the summary.

Read `run` first. The configuration is checked before (`prepared`).
"""

import os
import shlex
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from rich.console import Console

from relscale.plan.bill import duration
from relscale.runner.call import SnakemakeCall
from relscale.runner.checkout_lock import locked, snakemake_calls
from relscale.runner.display import Display, LineDisplay, TerminalDisplay
from relscale.runner.events import CallFailed, JobFailed
from relscale.runner.prepare import Prepared
from relscale.runner.progress import LogReadings, Progress, remaining
from relscale.runner.readings import end_of_log, read
from relscale.runner.report_lines import failure_lines, lock_line
from relscale.runner.summary import certificate_lines, print_findings

INTERVAL_S = 0.5
"""Seconds between two looks at events and logs."""
READING_S = 2.0
"""Seconds between two readings of the files of running jobs."""
MOST_READ = 32
"""Running jobs whose files are read."""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a call; Snakemake gets each as an interrupt."""
LOCKED = "LockException"
"""Snakemake's error for files that another call has locked."""
ERROR_LINES = 15
"""Lines of an error of Snakemake that are shown."""
END_LINES = 6
"""Last lines of the log that are shown if Snakemake ended without naming an error."""


@dataclass(kw_only=True)
class Follower:
    """Follows one call of Snakemake: events to the state, the state to the display."""

    prepared: Prepared
    """The experiment."""
    progress: Progress
    """The state."""
    display: Display
    """Where it is shown."""
    log: IO[bytes]
    """The full log."""
    follow_log: bool
    """Whether the log is copied to the console."""
    interrupted: bool = False
    """Whether the user ended the call."""
    _read: tuple[float, LogReadings] = (float("-inf"), LogReadings())
    """Time and result of the last reading."""

    def follow(self, call: SnakemakeCall) -> None:
        """Show a call until it ends."""
        begin, shown, warned = time.monotonic(), 0, 0
        with self._passing_signals_to(call), Path(self.log.name).open("rb") as written:
            written.seek(0, os.SEEK_END)
            while (events := call.events(INTERVAL_S)) is not None:
                now = time.monotonic()
                for event in events:
                    self.progress.apply(event, now)
                    if isinstance(event, JobFailed):
                        shown += 1
                        log = self._end_of(event)
                        self.display.say(failure_lines(self.progress.failed[-1], log, shown))
                self.display.say([f"warning: {text}" for text in self.progress.warnings[warned:]])
                warned = len(self.progress.warnings)
                self._copy(written)
                readings = self._readings(now)
                left = remaining(self.progress, now, readings)
                self.display.update(self.progress, readings, left, now - begin)
            call.process.wait()
            self._copy(written)

    def _readings(self, now: float) -> LogReadings:
        if now - self._read[0] >= READING_S:
            jobs = [job.started for job in self.progress.running.values()]
            self._read = now, read(self.prepared.folder, jobs[:MOST_READ])
        return self._read[1]

    def _end_of(self, job: JobFailed) -> str | None:
        return end_of_log(self.prepared.folder / job.logs[0]) if job.logs else None

    def _copy(self, written: IO[bytes]) -> None:
        """Print what has been written to the log since the last time."""
        if self.follow_log and (content := written.read()):
            self.display.say([content.decode("utf-8", errors="replace").rstrip("\n")])

    @contextmanager
    def _passing_signals_to(self, call: SnakemakeCall) -> Iterator[None]:
        """Pass each signal that ends a process on to Snakemake, which then ends its jobs.

        A signal that is ignored, as with `nohup`, stays ignored.
        """

        def stop(number: int, frame: object) -> None:
            self.interrupted = True
            call.send(signal.SIGINT)

        heeded = [each for each in STOPPING if signal.getsignal(each) is not signal.SIG_IGN]
        before = {number: signal.signal(number, stop) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run(prepared: Prepared, console: Console, command: str, verbose: bool) -> int:
    """Run an experiment and print what it found.

    Args:
        prepared: the experiment and Snakemake's options.
        console: where to print.
        command: the call, as the user can repeat it.
        verbose: whether Snakemake's own output is printed.

    Returns:
        The exit status of Snakemake.

    Raises:
        ValueError: naming the call that runs in the checkout, if there is one.
    """
    with locked(prepared.folder, command) as lock, _log(prepared) as log:
        shown = os.path.relpath(log.name)
        plain = LineDisplay(console, silent=True)
        plain.say([*prepared.head(), f"log: {shown}", ""])
        begin = time.monotonic()
        follower = Follower(
            prepared=prepared,
            progress=Progress(expected=prepared.expected()),
            display=_display(console, verbose),
            log=log,
            follow_log=verbose,
        )
        with (
            follower.display,
            SnakemakeCall(prepared.words, prepared.folder, log, [lock]) as call,
        ):
            follower.follow(call)
        elapsed = time.monotonic() - begin
        plain.say(_ending(follower, call.status, elapsed, command, shown))
        if call.status or prepared.only_shows or not prepared.front_page.is_file():
            return call.status
        plain.say(["Building the report"])
        if not _report(prepared, plain, log):
            return 1
        print_findings(prepared, console, log)
        plain.say([*certificate_lines(prepared), *prepared.places()])
    return 0


def _display(console: Console, verbose: bool) -> Display:
    if console.is_terminal and not verbose:
        return TerminalDisplay(console)
    return LineDisplay(console, silent=verbose)


@contextmanager
def _log(prepared: Prepared) -> Iterator[IO[bytes]]:
    """Yield the new log of a call, open for appending."""
    folder = prepared.folder / "logs" / prepared.experiment.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"run-{datetime.now():%Y%m%d-%H%M%S}.log").open("ab") as log:
        yield log


def _ending(
    follower: Follower, status: int, elapsed: float, command: str, log: str
) -> Sequence[str]:
    """Return the lines after a call."""
    progress = follower.progress
    if follower.interrupted:
        return [
            f"Stopped after {progress.done} of {progress.total} jobs. The same command continues: "
            f"finished jobs are kept, and training resumes at its last checkpoint: {command}"
        ]
    if not status and follower.prepared.only_shows:
        return []
    if not status:
        done = f"{progress.done} jobs" if progress.total else "nothing was stale"
        return [f"Done in {duration(elapsed)}: {done}."]
    if progress.failed:
        count = len(progress.failed)
        return [
            f"{count} job{'s' if count > 1 else ''} failed; {progress.done} of {progress.total} "
            f"are done. After a correction the same command continues: {command} (log: {log})"
        ]
    if progress.error is not None and progress.error.exception == LOCKED:
        folder = follower.prepared.folder
        words = ["snakemake", "--cores", "1", *follower.prepared.configuration, "--unlock"]
        return [f"error: {lock_line(snakemake_calls(folder), shlex.join(words))}"]
    return _error_lines(progress.error, status, log)


def _error_lines(error: CallFailed | None, status: int, log: str) -> list[str]:
    """Return the lines about an error that is not one of a job."""
    if error is None:
        text = (end_of_log(Path(log)) or "").rstrip().splitlines()[-END_LINES:]
        return [f"error: Snakemake ended with exit status {status} (log: {log})", *text]
    first, *lines = error.message.strip().splitlines() or [error.exception]
    return [f"error: {first}", *lines[: ERROR_LINES - 1], f"(log: {log})"]


def _report(prepared: Prepared, plain: Display, log: IO[bytes]) -> bool:
    """Build the report; return whether the user let it be built.

    The results are complete without it, so that an error in it is printed and does not end the
    call.
    """
    follower = Follower(
        prepared=prepared,
        progress=Progress(expected=prepared.expected()),
        display=plain,
        log=log,
        follow_log=False,
    )
    with SnakemakeCall(prepared.report_words, prepared.folder, log) as call:
        follower.follow(call)
    if follower.interrupted:
        plain.say(["Stopped: the results are complete, and the same command builds the report."])
        return False
    if call.status:
        plain.say(_error_lines(follower.progress.error, call.status, os.path.relpath(log.name)))
    return True
