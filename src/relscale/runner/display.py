"""The one display of a call: in place on a terminal, a line now and then elsewhere."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from relscale.runner.progress import LogReadings, Progress, Remaining
from relscale.runner.report_lines import LineSchedule, clock, counts, job_text, progress_line

SHOWN_JOBS = 8
"""Running jobs that a terminal shows."""


class Display(Protocol):
    """Shows the state of a call; a context manager."""

    def update(
        self, progress: Progress, readings: LogReadings, left: Remaining | None, elapsed: float
    ) -> None:
        """Show the state, if it is time."""

    def say(self, lines: Sequence[str]) -> None:
        """Print lines that stay."""

    def __enter__(self) -> "Display":
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, and remove what is not to stay."""


class LineDisplay:
    """A line now and then (`LineSchedule`), for files and pipes; none if it is silent."""

    def __init__(self, console: Console, silent: bool = False) -> None:
        """Print to a console.

        Args:
            console: where to.
            silent: whether only lines of `say` are printed.
        """
        self._console, self._silent, self._schedule = console, silent, LineSchedule()

    def update(
        self, progress: Progress, readings: LogReadings, left: Remaining | None, elapsed: float
    ) -> None:
        """Print a line if one is due."""
        finished = sum(sum(some) for some in progress.seconds_of_rule.values())
        share = 0.0 if left is None else finished / max(finished + left.work, 1e-9)
        if not self._silent and self._schedule.is_due(elapsed, share):
            self.say([progress_line(progress, readings, left, elapsed)])

    def say(self, lines: Sequence[str]) -> None:
        """Print lines."""
        for line in lines:
            self._console.print(line, markup=False, emoji=False, soft_wrap=True)

    def __enter__(self) -> "LineDisplay":
        """Return the display."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: all lines stay."""


class TerminalDisplay:
    """A bar, the counts and the running jobs, in place."""

    def __init__(self, console: Console) -> None:
        """Show on the terminal of a console."""
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def update(
        self, progress: Progress, readings: LogReadings, left: Remaining | None, elapsed: float
    ) -> None:
        """Show the state in place of the one before."""
        head = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=max(progress.total, 1), completed=progress.done, width=30)
        head.add_row(bar, Text(counts(progress, left)), Text(clock(elapsed), style="dim"))
        jobs = [job.started for job in progress.running.values()]
        lines = [
            Text(f"  {job_text(job, readings)}", no_wrap=True, overflow="ellipsis")
            for job in jobs[:SHOWN_JOBS]
        ]
        if len(jobs) > SHOWN_JOBS:
            lines.append(Text(f"  and {len(jobs) - SHOWN_JOBS} more"))
        self._live.update(Group(head, *lines), refresh=True)

    def say(self, lines: Sequence[str]) -> None:
        """Print lines above the display."""
        for line in lines:
            self._console.print(line, markup=False, emoji=False, soft_wrap=True)

    def __enter__(self) -> "TerminalDisplay":
        """Begin to show."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the display; printed lines stay."""
        self._live.stop()
