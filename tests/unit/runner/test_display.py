"""The display in place on a terminal, and the lines elsewhere."""

import io

from rich.console import Console

from relscale.runner.display import SHOWN_JOBS, LineDisplay, TerminalDisplay
from relscale.runner.events import JobsCounted, JobsDone, JobStarted
from relscale.runner.progress import Expected, LogReadings, Progress, Remaining, Step

LEFT = Remaining(seconds=600.0, work=600.0)


def state(jobs):
    progress = Progress(expected=Expected(run_seconds={}, slots=2))
    progress.apply(JobsCounted(by_rule={"train": 40}), 0.0)
    progress.apply(JobsDone(done=10, total=40), 0.0)
    for number in range(jobs):
        wildcards = {"run": f"web-{number}"}
        progress.apply(JobStarted(job=number, rule="train", wildcards=wildcards), 0.0)
    return progress


def shown(display, output, progress, readings, elapsed=60.0):
    """Return the text that one update writes."""
    before = len(output.getvalue())
    display.update(progress, readings, LEFT, elapsed)
    return output.getvalue()[before:]


def test_a_terminal_shows_counts_and_running_jobs_in_place():
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=100, color_system=None)
    readings = LogReadings(steps={"web-0": Step(step=5, steps=9, loss=2.5)})
    with TerminalDisplay(console) as display:
        text = shown(display, output, state(SHOWN_JOBS + 3), readings)
        for part in ("10 of 40 jobs, about 10 min left", "0:01:00", "and 3 more"):
            assert part in text
        assert "train web-0: step 5 of 9, 2.500 nats per token" in text
        assert f"train web-{SHOWN_JOBS - 1}" in text and f"train web-{SHOWN_JOBS}" not in text
        again = shown(display, output, state(1), readings)
        assert "\x1b[1A" in again and "train web-1" not in again  # moves up and writes anew
        display.say(["failed: rule train, [a].log"])
    assert "failed: rule train, [a].log" in output.getvalue()


def test_a_file_gets_a_line_only_when_one_is_due():
    output = io.StringIO()
    with LineDisplay(Console(file=output, width=100)) as display:
        assert shown(display, output, state(1), LogReadings(), 1.0) == ""
        assert shown(display, output, state(1), LogReadings(), 6.0) == (
            "[0:00:06] 10 of 40 jobs, about 10 min left; train web-0\n"
        )
        assert shown(display, output, state(1), LogReadings(), 7.0) == ""


def test_a_silent_display_only_says():
    output = io.StringIO()
    with LineDisplay(Console(file=output, width=20), silent=True) as display:
        assert shown(display, output, state(1), LogReadings(), 600.0) == ""
        display.say(["a line that is longer than the console is wide :warning:"])
    assert output.getvalue() == "a line that is longer than the console is wide :warning:\n"
