"""The state of a call: finished, running and failed jobs, and the time that is left.

`Progress` takes the events of Snakemake and readings of logs; everything else is computed from it.
Times are seconds of any clock that does not go back. Nothing here reads a file or prints.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from relscale.runner.events import (
    CallFailed,
    Event,
    JobFailed,
    JobFinished,
    JobsCounted,
    JobsDone,
    JobStarted,
    Warned,
)

TRAINING = "train"
"""Rules of training jobs begin with this."""
OTHER_JOB_S = 2.0
"""Expected seconds of a job that trains nothing, if nothing is known of its rule: mostly the start
of Python."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far a training run is, as its log says."""

    step: int
    """Finished steps."""
    steps: int
    """Steps of the run."""
    loss: float
    """Training loss at that step, nats per token."""

    @property
    def share(self) -> float:
        """Share of the steps that is done."""
        return self.step / self.steps


@dataclass(frozen=True, kw_only=True)
class LogReadings:
    """Contents of files on the disk about running jobs."""

    steps: Mapping[str, Step] = field(default_factory=dict)
    """How far each training run is, by run."""
    fetched: Mapping[str, int] = field(default_factory=dict)
    """Bytes of each source that is being fetched, by key."""


@dataclass(frozen=True, kw_only=True)
class RunningJob:
    """A job that was started, or submitted to a cluster, and has not ended."""

    started: JobStarted
    """The job."""
    since: float
    """When it was started."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Expectations of the plan about the jobs."""

    run_seconds: Mapping[str, float]
    """Seconds of the training job of each run of the suite."""
    rule_seconds: Mapping[str, float] = field(default_factory=dict)
    """Seconds of a job that trains nothing, by rule."""
    missing: frozenset[str] = frozenset()
    """The runs without results."""
    slots: int | None
    """Jobs that can run at the same time; None for a cluster."""


@dataclass(kw_only=True)
class Progress:
    """The state of a call of Snakemake."""

    expected: Expected
    """Expectations of the plan."""
    by_rule: dict[str, int] = field(default_factory=dict)
    """Jobs of this call by rule."""
    done: int = 0
    """Finished jobs."""
    total: int = 0
    """Jobs of this call; 0 until they are counted."""
    running: dict[int, RunningJob] = field(default_factory=dict)
    """Jobs that run or wait in a cluster's queue, by number."""
    latest: JobStarted | None = None
    """The job that was started last."""
    failed: list[JobFailed] = field(default_factory=list)
    """Jobs that failed and were not started again."""
    warnings: list[str] = field(default_factory=list)
    """Warnings, each once."""
    error: CallFailed | None = None
    """The first error that is not one of a job."""
    seconds_of_rule: dict[str, list[float]] = field(default_factory=dict)
    """Seconds of each finished job, by rule."""
    trained: dict[str, float] = field(default_factory=dict)
    """Seconds of each finished training job, by run."""
    most_at_once: int = 1
    """Most jobs that ran at the same time."""

    def apply(self, event: Event, now: float) -> None:
        """Change the state as an event says.

        Args:
            event: the event.
            now: time of the event.
        """
        match event:
            case JobsCounted():
                self.by_rule = dict(event.by_rule)
                self.total = sum(event.by_rule.values())
            case JobStarted():
                self.failed = [one for one in self.failed if one.job != event.job]
                self.latest = event
                self.running[event.job] = RunningJob(started=event, since=now)
                self.most_at_once = max(self.most_at_once, len(self.running))
            case JobFinished():
                self._finish(event.job, now)
            case JobFailed():
                job = self.running.pop(event.job, None)
                wildcards = job.started.wildcards if job else {}
                self.failed.append(event.model_copy(update={"wildcards": wildcards}))
            case JobsDone():
                self.done, self.total = event.done, event.total
            case CallFailed():
                self.error = self.error or event
            case Warned() if event.message not in self.warnings:
                self.warnings.append(event.message)

    def _finish(self, number: int, now: float) -> None:
        job = self.running.pop(number, None)
        if job is None:
            return
        seconds = now - job.since
        self.seconds_of_rule.setdefault(job.started.rule, []).append(seconds)
        if (run := run_of(job.started)) is not None:
            self.trained[run] = seconds


def run_of(job: JobStarted) -> str | None:
    """Return the run that a job trains; None for other jobs."""
    return job.wildcards.get("run") if job.rule.startswith(TRAINING) else None


def training_correction(progress: Progress, now: float, readings: LogReadings) -> float:
    """Return how many times as long as planned training takes, from the runs so far.

    The plan counts like one average run, so that the first seconds of a call do not decide.

    Args:
        progress: the state.
        now: the time.
        readings: what files say about the running jobs.
    """
    expected = progress.expected.run_seconds
    took = planned = sum(expected.values()) / len(expected) if expected else 1.0
    for run, seconds in progress.trained.items():
        if run in expected:
            took, planned = took + seconds, planned + expected[run]
    for job in progress.running.values():
        run = run_of(job.started) or ""
        if run in readings.steps and run in expected:
            took += now - job.since
            planned += expected[run] * readings.steps[run].share
    return took / planned if planned else 1.0


def other_correction(progress: Progress) -> float:
    """Return how many times as long as expected jobs take that train nothing, from those so far.

    The expectation counts like one more job of `OTHER_JOB_S`.
    """
    took = planned = OTHER_JOB_S
    for rule, some in progress.seconds_of_rule.items():
        if not rule.startswith(TRAINING):
            took += sum(some)
            planned += len(some) * _expected_of_rule(progress, rule)
    return took / planned


def seconds_of_other_jobs(progress: Progress, rule: str) -> float:
    """Return the expected seconds of a job that trains nothing.

    It is the mean of the finished jobs of its rule, else the expectation times `other_correction`.
    """
    own = progress.seconds_of_rule.get(rule)
    if own:
        return sum(own) / len(own)
    return other_correction(progress) * _expected_of_rule(progress, rule)


def _expected_of_rule(progress: Progress, rule: str) -> float:
    return progress.expected.rule_seconds.get(rule, OTHER_JOB_S)


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """The work that is left."""

    seconds: float
    """Seconds until the last job ends."""
    work: float
    """Seconds of all jobs that are left, one after the other."""


def remaining(progress: Progress, now: float, readings: LogReadings) -> Remaining | None:
    """Return the work that is left; None before the jobs are counted.

    Training takes as long as planned times `training_correction`; other jobs as long as those of
    their rule did, or as expected times `other_correction`. The jobs are spread evenly over the
    slots (on a cluster: as many as ran at the same time so far), and the end is not before that of
    the longest job.

    Args:
        progress: the state.
        now: the time.
        readings: what files say about the running jobs.
    """
    if not progress.total:
        return None
    correction = training_correction(progress, now, readings)
    left: list[float] = []
    for job in progress.running.values():
        run, elapsed = run_of(job.started), now - job.since
        if run is None:
            left.append(max(0.0, seconds_of_other_jobs(progress, job.started.rule) - elapsed))
            continue
        whole = correction * _expected(progress, run)
        if run in readings.steps:
            left.append(whole * (1 - readings.steps[run].share))
        else:
            left.append(max(0.0, whole - elapsed))
    left += [correction * seconds for seconds in _unstarted_runs(progress)]
    for rule, count in _unstarted(progress).items():
        if not rule.startswith(TRAINING):
            left += [seconds_of_other_jobs(progress, rule)] * count
    slots = progress.expected.slots or progress.most_at_once
    work = sum(left)
    return Remaining(seconds=max([work / slots, *left]), work=work)


def _expected(progress: Progress, run: str) -> float:
    planned = progress.expected.run_seconds
    mean = sum(planned.values()) / len(planned) if planned else OTHER_JOB_S
    return planned.get(run, mean)


def _unstarted(progress: Progress) -> Counter[str]:
    """Return how many jobs of each rule have neither started nor finished."""
    left = Counter(progress.by_rule)
    left.subtract({rule: len(some) for rule, some in progress.seconds_of_rule.items()})
    left.subtract(Counter(job.started.rule for job in progress.running.values()))
    left.subtract(Counter(job.rule for job in progress.failed))
    return +left


def _unstarted_runs(progress: Progress) -> list[float]:
    """Return the planned seconds of each training job that has not started.

    Snakemake tells only their number. If it is that of the runs without results, or of all runs
    that this call has not started, it is these; otherwise each takes as long as an average run.
    """
    count = sum(
        number for rule, number in _unstarted(progress).items() if rule.startswith(TRAINING)
    )
    planned = progress.expected.run_seconds
    seen = {run_of(job.started) for job in progress.running.values()} | set(progress.trained)
    seen |= {job.wildcards.get("run") for job in progress.failed}
    unseen = [run for run in planned if run not in seen]
    for runs in ([run for run in unseen if run in progress.expected.missing], unseen):
        if len(runs) == count:
            return [planned[run] for run in runs]
    pool = list(planned.values()) or [OTHER_JOB_S]
    return [sum(pool) / len(pool)] * count
