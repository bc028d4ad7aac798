"""Reports of Snakemake while it runs, as one JSON object per line.

`logger_plugin` writes the events in Snakemake's process, `call` reads them in that of
`relscale run`.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from relscale.config.base import Model


class JobsCounted(Model):
    """The jobs that are needed: those that have finished and those to come."""

    kind: Literal["jobs_counted"] = "jobs_counted"
    by_rule: dict[str, int]
    """Number of jobs by rule."""


class JobStarted(Model):
    """A job that was started, or submitted to a cluster."""

    kind: Literal["job_started"] = "job_started"
    job: int
    """Number of the job in this call of Snakemake."""
    rule: str
    """Its rule."""
    wildcards: dict[str, str] = Field(default_factory=dict)
    """Values of the rule's wildcards."""
    logs: list[str] = Field(default_factory=list)
    """Its log files."""


class JobFinished(Model):
    """A job that finished."""

    kind: Literal["job_finished"] = "job_finished"
    job: int
    """Number of the job in this call of Snakemake."""


class JobFailed(Model):
    """A job that failed."""

    kind: Literal["job_failed"] = "job_failed"
    job: int
    """Number of the job in this call of Snakemake."""
    rule: str
    """Its rule."""
    wildcards: dict[str, str] = Field(default_factory=dict)
    """Values of the rule's wildcards, if it was seen to start."""
    logs: list[str] = Field(default_factory=list)
    """Its log files."""


class JobsDone(Model):
    """The number of finished jobs and of all jobs of this call."""

    kind: Literal["jobs_done"] = "jobs_done"
    done: int
    """Finished jobs."""
    total: int
    """All jobs of this call; a Snakemake checkpoint can add some."""


class CallFailed(Model):
    """An error that ends the call."""

    kind: Literal["call_failed"] = "call_failed"
    exception: str
    """Class of the exception."""
    message: str
    """Its text."""


class Warned(Model):
    """A warning of Snakemake or of the workflow."""

    kind: Literal["warned"] = "warned"
    message: str
    """Its text."""


Event = JobsCounted | JobStarted | JobFinished | JobFailed | JobsDone | CallFailed | Warned
"""One report of Snakemake."""
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def to_line(event: Event) -> bytes:
    """Return an event as one line."""
    return event.model_dump_json().encode() + b"\n"


def from_line(line: bytes | str) -> Event:
    """Return the event of a line; the inverse of `to_line`."""
    return _EVENT.validate_json(line)
