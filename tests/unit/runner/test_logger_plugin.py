"""Snakemake's records become events, by its own test suite for loggers and by records it sends."""

import logging
import os

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry
from snakemake_interface_logger_plugins.tests import TestLogHandlerBase

from relscale.runner import logger_plugin
from relscale.runner.events import (
    CallFailed,
    JobFailed,
    JobFinished,
    JobsCounted,
    JobsDone,
    JobStarted,
    Warned,
    from_line,
    to_line,
)
from relscale.runner.logger_plugin import LogHandler, LogHandlerSettings, event_of


class TestHandler(TestLogHandlerBase):
    """Snakemake's own tests of a logger plugin."""

    __test__ = True

    def get_log_handler_cls(self):
        return LogHandler

    def get_log_handler_settings(self):
        return LogHandlerSettings()


def record(event=None, message="", level=logging.INFO, **more):
    made = logging.LogRecord("snakemake", level, "x.py", 1, message, (), None)
    made.event = event
    for key, value in more.items():
        setattr(made, key, value)
    return made


JOB = {"rule_name": "train", "log": ["logs/a.log"]}


@pytest.mark.parametrize(
    ("sent", "event"),
    [
        (
            record(LogEvent.RUN_INFO, stats={"train": 2, "all": 1, "total": 3}),
            JobsCounted(by_rule={"train": 2, "all": 1}),
        ),
        (
            record(LogEvent.JOB_INFO, jobid=4, wildcards={"run": "a"}, **JOB),
            JobStarted(job=4, rule="train", wildcards={"run": "a"}, logs=["logs/a.log"]),
        ),
        (record(LogEvent.JOB_FINISHED, job_id=4), JobFinished(job=4)),
        (
            record(LogEvent.JOB_ERROR, jobid=4, **JOB),
            JobFailed(job=4, rule="train", logs=["logs/a.log"]),
        ),
        (record(LogEvent.PROGRESS, done=1, total=3), JobsDone(done=1, total=3)),
        (
            record(LogEvent.ERROR, "text", logging.ERROR, exception="LockException"),
            CallFailed(exception="LockException", message="text"),
        ),
        (record(None, "careful", logging.WARNING), Warned(message="careful")),
        (record(None, "Building DAG of jobs..."), None),
        (record(LogEvent.SHELLCMD, cmd="true"), None),
    ],
)
def test_a_record_becomes_its_event_and_survives_the_pipe(sent, event):
    assert event_of(sent) == event
    if event is not None:
        assert from_line(to_line(event)) == event


def test_events_are_written_and_nobody_has_to_read_them():
    reader, writer = os.pipe()
    handler = LogHandler(None, LogHandlerSettings(events=writer))
    handler.emit(record(LogEvent.JOB_FINISHED, job_id=4))
    assert from_line(os.read(reader, 1000).strip()) == JobFinished(job=4)
    os.close(reader)
    handler.emit(record(LogEvent.JOB_FINISHED, job_id=5))  # a broken pipe is not an error
    os.close(writer)


def test_snakemake_accepts_the_plugin_under_its_name():
    registry = LoggerPluginRegistry()
    registry.register_plugin(logger_plugin.MODULE, logger_plugin)
    assert registry.get_plugin(logger_plugin.NAME).log_handler is LogHandler
