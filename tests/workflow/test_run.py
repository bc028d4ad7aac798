"""`relscale run` without a terminal: short output, a full log, failures, locks, an interrupt."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from checkouts import ROOT, family_of

pytestmark = [pytest.mark.workflow, pytest.mark.network]
MOST_LINES = 60
PATIENCE_S = 600


def command(checkout, *words):
    downloads = ["--downloads", checkout.downloads] if checkout.downloads else []
    tiny = checkout.folder / "experiments/tiny.yaml"
    options = ["--folder", checkout.folder, "--cores", 2, *downloads]
    return [sys.executable, "-m", "relscale", "run", *map(str, [tiny, *options, *words])]


@pytest.fixture
def call(finished, tmp_path):
    """A function that runs the command for the finished experiment, from another folder."""

    def run(*words):
        return subprocess.run(
            command(finished, *words),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "100"}


def log_of(output, folder):
    return (folder / re.search(r"^log: (\S+)$", output, re.MULTILINE)[1]).resolve()


def test_stale_steps_run_and_the_output_is_short_and_names_the_pages(call, finished, tmp_path):
    done = call("--", "--forcerun", "figure1_teaser")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) < MOST_LINES and not done.stderr
    assert lines[0].startswith("experiment tiny: config.yaml, experiments/tiny.yaml")
    assert lines[1].startswith("18 runs on 2 corpora (0 without results)")
    assert any(re.fullmatch(r"Done in .*: \d+ jobs\.", line) for line in lines)
    places = dict(re.findall(r"^(front page|report|explorer|tables): +(\S+)$", done.stdout, re.M))
    assert set(places) == {"front page", "report", "explorer", "tables"}
    for place in places.values():
        assert (tmp_path / place).exists()
    log = log_of(done.stdout, tmp_path)
    assert log.parent == finished.folder / "logs/tiny"
    text = log.read_text()
    for part in ("rule figure1_teaser:", "Report created.", "Relative laws, trained on web"):
        assert part in text
    assert finished.stale() == {}


def test_a_second_call_has_nothing_to_do(call):
    done = call()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was stale" in done.stdout


def test_verbose_and_a_dry_run_show_the_output_of_snakemake(call):
    done = call("--", "--dry-run", "--forcerun", "figure1_teaser")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "This was a dry-run" in done.stdout
    assert "rule figure1_teaser:" in done.stdout


def test_a_failed_job_shows_the_end_of_its_log_and_its_path(call, finished, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("experiment: wrong\nfamilies: {language: {domains: {AU: [abc.net.au]}}}\n")
    done = call(wrong)
    assert done.returncode == 1
    assert re.search(r"^failed: rule family, logs/shared/family/language-", done.stdout, re.M)
    assert "  | error: families.language.domains.AU = ['abc.net.au']" in done.stdout
    assert "1 job failed; " in done.stdout and "the same command continues" in done.stdout
    assert len(done.stdout.splitlines()) < MOST_LINES
    assert "Traceback" not in done.stdout + done.stderr


def test_a_lock_that_a_killed_call_left_is_explained_in_one_sentence(call, finished):
    lock = finished.folder / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text("results/tiny/index.html\n")
    try:
        done = call()
    finally:
        lock.unlink(missing_ok=True)
    assert done.returncode == 1
    (sentence,) = [line for line in done.stdout.splitlines() if line.startswith("error:")]
    assert "left its lock in this checkout" in sentence and "--unlock" in sentence


@pytest.mark.parametrize(
    ("number", "of_interrupts"),
    [(signal.SIGINT, signal.SIG_DFL), (signal.SIGTERM, signal.SIG_IGN)],
    ids=["Ctrl-C", "kill of a background job, which ignores Ctrl-C"],
)
def test_a_signal_ends_all_and_the_same_command_continues(
    number, of_interrupts, call, finished, tmp_path
):
    output = tmp_path / "output.txt"
    words = ["--", "--forcerun", "laws", "optima"]
    with output.open("w") as handle:
        process = subprocess.Popen(
            command(finished, *words),
            cwd=tmp_path,
            env=environment(),
            stdout=handle,
            preexec_fn=lambda: signal.signal(signal.SIGINT, of_interrupts),
        )
    end = time.monotonic() + PATIENCE_S
    begun = re.compile(r"^(local)?rule (laws|optima):", re.MULTILINE)
    while not (
        "log: " in output.read_text()
        and begun.search(log_of(output.read_text(), tmp_path).read_text())
    ):
        assert process.poll() is None and time.monotonic() < end, output.read_text()
        time.sleep(0.1)
    started = family_of(process.pid)
    second = call()
    assert second.returncode == 1 and "runs one experiment at a time" in second.stderr
    assert f"process {process.pid}" in second.stderr
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 1
    text = output.read_text()
    assert "Stopped after" in text and "The same command continues" in text
    assert "Traceback" not in text
    assert not {each for each in started if os.path.exists(f"/proc/{each}")}  # noqa: PTH110
    done = call()
    assert done.returncode == 0, done.stdout + done.stderr
    assert finished.stale() == {}
