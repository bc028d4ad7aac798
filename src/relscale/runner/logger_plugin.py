"""A logger of Snakemake that writes its events to a pipe (Snakemake's logger plugin interface).

`launch` registers this module under the name `relscale`; `--logger relscale` selects it. Its own
output, which the full log keeps, stays as it is.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from logging import ERROR, WARNING, LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

from relscale.runner.events import (
    CallFailed,
    Event,
    JobFailed,
    JobFinished,
    JobsCounted,
    JobsDone,
    JobStarted,
    Warned,
    to_line,
)

NAME = "relscale"
"""Name of the logger on the command line."""
MODULE = f"snakemake_logger_plugin_{NAME}"
"""Name under which Snakemake would find it if it were a distribution of its own."""
OPTION = f"--logger-{NAME}-events"
"""Option with the number of the open file that the events are written to."""


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Settings of the logger."""

    events: int = field(
        default=-1,
        metadata={
            "help": "Number of the open file that events are written to, one JSON object per line."
        },
    )


class LogHandler(LogHandlerBase):
    """Write the events that `relscale run` shows."""

    def emit(self, record: LogRecord) -> None:
        """Write the event of a record, if it has one.

        Nobody may read the events any more: then the call continues, and its log is complete.
        """
        event = event_of(record)
        if event is not None and isinstance(self.settings, LogHandlerSettings):
            with suppress(OSError):
                os.write(self.settings.events, to_line(event))

    @property
    def writes_to_stream(self) -> bool:
        """Return that the usual output of Snakemake is kept."""
        return False

    @property
    def writes_to_file(self) -> bool:
        """Return that no file is written."""
        return False

    @property
    def has_filter(self) -> bool:
        """Return that `--quiet` does not apply to events."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Return that events are not formatted as text."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """Return that the graph of rules is not needed."""
        return False


def event_of(record: LogRecord) -> Event | None:
    """Return the event of a record of Snakemake's logger; None if it is not shown."""
    found = vars(record)
    match found.get("event"):
        case LogEvent.RUN_INFO:
            counts = {str(rule): int(count) for rule, count in found["stats"].items()}
            counts.pop("total", None)
            return JobsCounted(by_rule=counts)
        case LogEvent.JOB_INFO:
            return JobStarted(
                job=found["jobid"],
                rule=found["rule_name"],
                wildcards={str(key): str(value) for key, value in found["wildcards"].items()},
                logs=[str(path) for path in found["log"]],
            )
        case LogEvent.JOB_FINISHED:
            return JobFinished(job=found["job_id"])
        case LogEvent.JOB_ERROR:
            logs = [str(path) for path in found["log"]]
            return JobFailed(job=found["jobid"], rule=found["rule_name"], logs=logs)
        case LogEvent.PROGRESS:
            return JobsDone(done=found["done"], total=found["total"])
        case LogEvent.ERROR:
            return CallFailed(exception=str(found["exception"]), message=record.getMessage())
        case None if WARNING <= record.levelno < ERROR:
            return Warned(message=record.getMessage())
    return None
