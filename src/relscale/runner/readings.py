"""LogReadings of the files that running jobs write: logs of training, folders of downloads."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from relscale.runner.events import JobStarted
from relscale.runner.progress import LogReadings, Step, run_of
from relscale.workflow.layout import SHARED

STEP = re.compile(r": step (\d+) of (\d+), (\d+\.\d+) nats per token")
"""The line that a training job logs ten times (`relscale.training.run`)."""
LOG_END = 8192
"""Bytes at the end of a log that are read."""


def read(folder: Path, jobs: Iterable[JobStarted]) -> LogReadings:
    """Read how far running jobs are. A file that is not there yet says nothing.

    Args:
        folder: the checkout.
        jobs: the running jobs.
    """
    steps: dict[str, Step] = {}
    fetched: dict[str, int] = {}
    for job in jobs:
        run = run_of(job)
        if run is not None and job.logs:
            found = last_step(end_of_log(folder / job.logs[0]) or "")
            if found is not None:
                steps[run] = found
        elif (key := job.wildcards.get("source_key")) is not None:
            fetched[key] = size_of(folder / SHARED / "sources" / key)
    return LogReadings(steps=steps, fetched=fetched)


def last_step(log: str) -> Step | None:
    """Return the last step that a training log states."""
    found = STEP.findall(log)
    if not found:
        return None
    step, steps, loss = found[-1]
    return Step(step=int(step), steps=int(steps), loss=float(loss))


def end_of_log(path: Path) -> str | None:
    """Return the last `LOG_END` bytes of a log as text; None if it cannot be read."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - LOG_END))
            return log.read().decode("utf-8", errors="replace")
    except OSError:
        return None


def size_of(folder: Path) -> int:
    """Return the size of all files in a folder, in bytes.

    Files and folders that vanish meanwhile, as those of a download do, count 0.
    """
    total = 0
    for place, _, names in os.walk(folder):  # leaves out a folder that it cannot list
        for name in names:
            try:
                total += Path(place, name).stat().st_size
            except OSError:
                continue
    return total
