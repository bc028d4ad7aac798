"""The state of a call and the time left, on histories that are counted by hand."""

import pytest

from relscale.runner.events import (
    CallFailed,
    JobFailed,
    JobFinished,
    JobsCounted,
    JobsDone,
    JobStarted,
    Warned,
)
from relscale.runner.progress import (
    OTHER_JOB_S,
    Expected,
    LogReadings,
    Progress,
    Step,
    other_correction,
    remaining,
    seconds_of_other_jobs,
    training_correction,
)

NOTHING = LogReadings()


def started(job, rule, **wildcards):
    return JobStarted(job=job, rule=rule, wildcards=wildcards, logs=[f"logs/{rule}/{job}.log"])


def state(run_seconds=None, missing=(), slots=1, **by_rule):
    expected = Expected(run_seconds=run_seconds or {}, missing=frozenset(missing), slots=slots)
    progress = Progress(expected=expected)
    if by_rule:
        progress.apply(JobsCounted(by_rule=by_rule), 0.0)
    return progress


def test_jobs_are_counted_started_and_finished():
    progress = state(laws=2, all=1)
    assert (progress.done, progress.total) == (0, 3)
    progress.apply(started(7, "laws", family="f"), 10.0)
    progress.apply(started(8, "laws", family="g"), 11.0)
    assert set(progress.running) == {7, 8} and progress.most_at_once == 2
    progress.apply(JobFinished(job=7), 14.0)
    progress.apply(JobsDone(done=1, total=3), 14.0)
    assert set(progress.running) == {8} and progress.done == 1
    assert progress.seconds_of_rule == {"laws": [4.0]}


def test_a_snakemake_checkpoint_can_add_jobs():
    progress = state(laws=2)
    progress.apply(JobsDone(done=1, total=5), 1.0)
    assert progress.total == 5


def test_a_failed_job_keeps_its_wildcards_and_a_retry_takes_it_off_the_list():
    progress = state(train=1)
    progress.apply(started(3, "train", run="a"), 0.0)
    progress.apply(JobFailed(job=3, rule="train", logs=["x.log"]), 5.0)
    assert [one.wildcards for one in progress.failed] == [{"run": "a"}]
    assert not progress.running
    progress.apply(started(3, "train", run="a"), 6.0)
    assert not progress.failed and set(progress.running) == {3}


def test_only_the_first_error_and_each_warning_once_are_kept():
    progress = state()
    for text in ("first", "second"):
        progress.apply(CallFailed(exception="WorkflowError", message=text), 0.0)
        progress.apply(Warned(message="careful"), 0.0)
    assert progress.error.message == "first"
    assert progress.warnings == ["careful"]


def test_the_time_left_is_unknown_before_the_jobs_are_counted():
    assert remaining(state(), 0.0, NOTHING) is None


def test_before_anything_has_run_training_takes_as_long_as_planned():
    """10 + 30 s of training and two other jobs of 5 s: 50 s of work, on two cores 30 s, since the
    longest run takes that."""
    progress = state({"a": 10.0, "b": 30.0}, missing="ab", slots=2, train=2, laws=2)
    left = remaining(progress, 0.0, NOTHING)
    assert left.work == 10 + 30 + 2 * OTHER_JOB_S
    assert left.seconds == 30.0
    progress.expected = Expected(run_seconds={"a": 10.0, "b": 30.0}, slots=1)
    assert remaining(progress, 0.0, NOTHING).seconds == left.work


def test_training_that_is_slower_than_planned_makes_the_rest_longer():
    """The plan counts like one average run: (20 + 40) / (20 + 10) = 2."""
    progress = state({"a": 10.0, "b": 30.0}, missing="ab", train=2)
    progress.apply(started(1, "train", run="a"), 0.0)
    progress.apply(JobFinished(job=1), 40.0)
    assert training_correction(progress, 40.0, NOTHING) == pytest.approx(2.0)
    assert remaining(progress, 40.0, NOTHING).work == pytest.approx(60.0)


def test_a_running_run_corrects_the_plan_by_its_steps():
    """A quarter of 40 planned seconds took 30 s: (40 + 30) / (40 + 10) = 1.4; the other three
    quarters take 1.4 times 30 s."""
    progress = state({"a": 40.0}, missing="a", train_long=1)
    progress.apply(started(1, "train_long", run="a"), 0.0)
    readings = LogReadings(steps={"a": Step(step=25, steps=100, loss=3.0)})
    assert training_correction(progress, 30.0, readings) == pytest.approx(1.4)
    assert remaining(progress, 30.0, readings).work == pytest.approx(1.4 * 30)


def test_a_job_that_takes_longer_than_its_rule_did_has_no_negative_time_left():
    progress = state(laws=2)
    progress.apply(started(1, "laws"), 0.0)
    progress.apply(JobFinished(job=1), 3.0)
    progress.apply(started(2, "laws"), 3.0)
    assert remaining(progress, 4.0, NOTHING).work == pytest.approx(2.0)
    assert remaining(progress, 100.0, NOTHING).work == 0.0


def test_other_jobs_take_as_long_as_their_rule_did_else_as_expected_and_corrected():
    """Two jobs of 2 s took 6 s, and the expectation counts like a third: (2 + 6) / (2 + 4)."""
    progress = state(laws=1, evaluate=2, train=1)
    assert seconds_of_other_jobs(progress, "laws") == OTHER_JOB_S
    for number, (rule, seconds) in enumerate((("evaluate", 2.0), ("evaluate", 4.0), ("train", 99))):
        progress.apply(started(number, rule), 0.0)
        progress.apply(JobFinished(job=number), seconds)
    assert seconds_of_other_jobs(progress, "evaluate") == 3.0
    assert other_correction(progress) == pytest.approx(8 / 6)
    assert seconds_of_other_jobs(progress, "laws") == pytest.approx(OTHER_JOB_S * 8 / 6)
    progress.expected = Expected(run_seconds={}, rule_seconds={"laws": 9.0}, slots=1)
    assert seconds_of_other_jobs(progress, "laws") == pytest.approx(9.0 * 8 / 6)


def test_only_the_runs_without_results_count_if_their_number_fits():
    """Of three runs one is missing, and one training job is needed: it is that one."""
    run_seconds = {"a": 10.0, "b": 20.0, "c": 60.0}
    progress = state(run_seconds, missing="b", train=1)
    assert remaining(progress, 0.0, NOTHING).work == 20.0
    # two stale runs out of three with results: which ones is unknown
    progress = state(run_seconds, train=2)
    assert remaining(progress, 0.0, NOTHING).work == pytest.approx(2 * 30.0)


def test_failed_jobs_are_not_work_that_is_left():
    progress = state({"a": 10.0, "b": 30.0}, missing="ab", train=2)
    progress.apply(started(1, "train", run="a"), 0.0)
    progress.apply(JobFailed(job=1, rule="train"), 1.0)
    assert remaining(progress, 1.0, NOTHING).work == pytest.approx(30.0)


def test_on_a_cluster_the_slots_are_the_most_jobs_at_once():
    progress = state({"a": 30.0, "b": 30.0, "c": 30.0}, missing="abc", slots=None, train=3)
    assert remaining(progress, 0.0, NOTHING).seconds == 90.0
    for number, run in enumerate("abc"):
        progress.apply(started(number, "train", run=run), 0.0)
    assert remaining(progress, 0.0, NOTHING).seconds == 30.0
