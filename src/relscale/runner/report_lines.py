"""Sentences about the state of a call, for a terminal and for a file.

Pure functions: the display prints what they return.
"""

import re
from collections.abc import Mapping, Sequence

from relscale.plan.bill import duration
from relscale.runner.events import JobFailed, JobStarted
from relscale.runner.progress import LogReadings, Progress, Remaining, run_of

DIGEST = re.compile(r"-[0-9a-f]{16}$")
"""End of a key: the digest of everything that decides the content of a folder."""
TITLES = {
    "source": "fetch source",
    "documents": "build corpus",
    "tokenizer": "train the tokenizer",
    "given_tokenizer": "check the tokenizer",
    "shards": "tokenize corpus",
    "shard": "tokenize a shard of",
    "sharded_corpus": "gather corpus",
    "family": "read the text of",
    "texts": "read the text of",
    "word_counts": "count the words of",
    "statistics_of_corpus": "statistics of corpus",
    "statistics_of_domains": "statistics of the domains of",
    "token_bytes": "bytes of the tokens of",
    "evaluate": "score",
    "evaluate_released": "score released models:",
    "law_table": "law table",
    "laws": "fit the laws of",
    "table_page": "page of table",
    "train": "train",
}
"""Work of a job, by rule; its wildcards follow. Other jobs have the name of their rule."""
LOG_LINES = 6
"""Last lines of a failed job's log that are shown."""
SHOWN_FAILURES = 3
"""Failed jobs whose log is shown; further ones are one line each."""
LISTED_FAILURES = 10
"""Failed jobs with a line; further ones are counted at the end."""
WIDTH = 100
"""Longest line of a report, in characters."""


def title(rule: str, wildcards: Mapping[str, str]) -> str:
    """Return the work of a job in words, such as `build corpus web`."""
    known = "train" if rule.startswith("train") else rule
    words = [TITLES.get(known, known)]
    words += [DIGEST.sub("", value) for value in wildcards.values()]
    return " ".join(words)


def job_text(job: JobStarted, readings: LogReadings) -> str:
    """Return the work of a running job, with step and loss if it trains, or the size fetched."""
    text = title(job.rule, job.wildcards)
    fetched = readings.fetched.get(job.wildcards.get("source_key", ""))
    if fetched:
        return f"{text}: {fetched / 1e6:.1f} MB"
    at = readings.steps.get(run_of(job) or "")
    if at is None:
        return text
    return f"{text}: step {at.step:,} of {at.steps:,}, {at.loss:.3f} nats per token"


def counts(progress: Progress, left: Remaining | None) -> str:
    """Return how many jobs are done and how long the rest takes."""
    if not progress.total:
        return "Snakemake looks for stale results"
    text = f"{progress.done} of {progress.total} jobs"
    if progress.failed:
        text += f", {len(progress.failed)} failed"
    if left is not None and progress.done < progress.total:
        text += f", about {duration(left.seconds)} left"
    return text


def progress_line(
    progress: Progress, readings: LogReadings, left: Remaining | None, elapsed: float
) -> str:
    """Return one line: time, jobs, time left, and a running job.

    Args:
        progress: the state.
        readings: what files say about the running jobs.
        left: the work that is left.
        elapsed: seconds since the start of the call.
    """
    text = f"[{clock(elapsed)}] {counts(progress, left)}"
    jobs = [job.started for job in progress.running.values()]
    jobs.sort(key=lambda job: run_of(job) not in readings.steps)
    if not jobs and progress.latest is not None:
        last = title(progress.latest.rule, progress.latest.wildcards)
        return f"{text}; last: {shortened(last, WIDTH - len(text) - 8)}"
    if jobs:
        more = f" (and {len(jobs) - 1} more)" if len(jobs) > 1 else ""
        room = WIDTH - len(text) - 2 - len(more)
        text += f"; {shortened(job_text(jobs[0], readings), room)}{more}"
    return text


def clock(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds: `0:04:05`."""
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def shortened(text: str, room: int) -> str:
    """Return a text of at most `room` characters, but at least 20; `...` marks the cut."""
    room = max(20, room)
    return text if len(text) <= room else text[: room - 3] + "..."


def failure_lines(job: JobFailed, log: str | None, number: int) -> list[str]:
    """Return the lines about a failed job.

    Args:
        job: the job.
        log: content of its log file, or its end; None if there is none.
        number: how many jobs have failed so far, this one included.
    """
    if number > LISTED_FAILURES:
        return []
    place = job.logs[0] if job.logs else "no log"
    head = f"failed: rule {job.rule}, {place}"
    if number > SHOWN_FAILURES or log is None:
        return [head]
    last = [line for line in log.splitlines() if line.strip()][-LOG_LINES:]
    return [head, *(f"  | {shortened(line, 4 * WIDTH)}" for line in last)]


def lock_line(holders: Sequence[str], command: str) -> str:
    """Return the sentence for a checkout whose results another call uses.

    Args:
        holders: the calls of Snakemake in the checkout, as text.
        command: the command that removes a lock without a call.
    """
    if holders:
        return (
            "another call of Snakemake works on results that this one needs: "
            f"{'; '.join(holders)}. Wait for its end, or use a second checkout"
        )
    return (
        "an earlier call of Snakemake was killed and left its lock in this checkout: if none runs "
        f"on another machine either, remove it: {command}"
    )


class LineSchedule:
    """When a file gets a line: a few dozen for any length of a call."""

    SHARE = 0.08
    """Share of the work after which there is a line."""
    LEAST_S = 5.0
    """Seconds between two lines, at least."""
    LONGEST_S = 60.0
    """Seconds without a line, at most, in the first minutes; later a third of the time so far."""
    MANY = 24
    """Lines after which only a doubling of the time so far brings another."""

    def __init__(self) -> None:
        """Begin without a line."""
        self._at, self._share, self._lines = 0.0, -1.0, 0

    def is_due(self, elapsed: float, share: float) -> bool:
        """Return whether a line is due, and if so take it as printed.

        Args:
            elapsed: seconds since the start.
            share: share of the work that is done, 0 to 1.
        """
        waited = elapsed - self._at
        if self._lines < self.MANY:
            due = share >= self._share + self.SHARE and waited >= self.LEAST_S
            due = due or waited >= max(self.LONGEST_S, elapsed / 3)
        else:
            due = waited >= elapsed / 2
        if due:
            self._at, self._share = elapsed, max(share, self._share)
            self._lines += 1
        return due
