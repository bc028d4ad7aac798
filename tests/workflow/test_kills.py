"""kill -9 of Snakemake and everything it started, at moments spread over all stages, one after
another on one workflow.

After one more call the tables are those of an undisturbed run, byte for byte, and no run was
trained twice in full.
"""

import random
import re
import subprocess
import time

import pytest
from checkouts import copy_checkout, kill_at_once

pytestmark = [pytest.mark.workflow, pytest.mark.network]
# A kill comes up to so long after the first job of a stage has begun.
WITHIN_S = 1.5
PATIENCE_S = 600
# Stages in the order in which they come; a stage that has begun can be killed several times.
FIVE = ("documents", "shards", "train", "evaluate", "laws")
TWENTY = (
    "source",
    "documents",
    "documents",
    "tokenizer",
    "shards",
    "family",
    *["train"] * 6,
    *["evaluate"] * 3,
    "optima",
    "laws",
)
TWENTY += ("figure1_teaser", "explorer", "provenance")


class Attempts:
    """Every attempt at training that there was, from the logs: an attempt writes its run's log
    anew."""

    def __init__(self, checkout):
        self._folder = checkout.folder / "logs" / checkout.experiment / "train"
        self._seen = {}

    def look(self):
        """Keep the present logs; called after each kill, before the next call overwrites them."""
        for path in self._folder.glob("*.log"):
            stat = path.stat()
            self._seen[path.stem, stat.st_ino, stat.st_mtime_ns] = path.read_text()

    def by_run(self):
        """Return {run: texts of its attempts}."""
        runs = {}
        for (run, _, _), text in self._seen.items():
            runs.setdefault(run, []).append(text)
        return runs


def in_full(text):
    """Return whether an attempt trained its run from the first step to the last."""
    return "resuming after step" not in text and any(
        step == steps for step, steps in re.findall(r": step (\d+) of (\d+),", text)
    )


def killed_in(checkout, stage, delay, overlay):
    """Start the workflow, kill all of it some time after a job of the stage began, and return
    whether it was still at work."""
    output = checkout.folder / "call.txt"
    with output.open("w") as handle:
        process = subprocess.Popen(
            checkout.command(overlay=overlay),
            cwd=checkout.folder,
            stdout=handle,
            stderr=subprocess.STDOUT,
        )
    began = re.compile(rf"^(local)?rule {stage}:", re.MULTILINE)
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and not began.search(output.read_text()):
        assert time.monotonic() < end, (
            f"no job of {stage} within {PATIENCE_S} s:\n{output.read_text()[-3000:]}"
        )
        time.sleep(0.02)
    time.sleep(delay)
    at_work = process.poll() is None
    if at_work:
        kill_at_once(process)
    else:
        assert process.returncode == 0, output.read_text()[-4000:]
    checkout.snakemake("--unlock")
    return at_work


def survive(undisturbed, folder, stages, downloads):
    """Kill the tiny experiment in each of the stages, then let it finish; return the copy, its
    attempts and how often it was hit."""
    checkout, chance = copy_checkout(folder, downloads), random.Random(20261126)
    # Checkpoints decide no result, so that the undisturbed run needs none.
    overlay = {"training": {"checkpoint_every_steps": 100}}
    attempts, hits = Attempts(checkout), 0
    for stage in stages:
        hits += killed_in(checkout, stage, chance.uniform(0, WITHIN_S), overlay)
        attempts.look()
    checkout.snakemake(overlay=overlay)
    attempts.look()
    return checkout, attempts.by_run(), hits


def check(undisturbed, survived, stages):
    checkout, attempts, hits = survived
    assert hits >= 0.8 * len(stages), "most kills came too late"
    mine, theirs = checkout.contents(), undisturbed.contents()
    assert sorted(mine) == sorted(theirs)
    assert [name for name in theirs if mine[name] != theirs[name]] == []
    assert len(attempts) == 18
    assert {
        run: sum(map(in_full, texts))
        for run, texts in attempts.items()
        if sum(map(in_full, texts)) > 1
    } == {}
    assert max(map(len, attempts.values())) > 1, "no run was interrupted"
    assert checkout.stale() == {}


def test_five_kills_change_no_byte(finished, tmp_path, request):
    check(
        finished, survive(finished, tmp_path, FIVE, request.config.getoption("--downloads")), FIVE
    )


@pytest.mark.soak
def test_twenty_kills_change_no_byte(finished, tmp_path, request):
    check(
        finished,
        survive(finished, tmp_path, TWENTY, request.config.getoption("--downloads")),
        TWENTY,
    )
