"""Long tests of SLURM: a drained node, a job over its time, a finished run requested again."""

import json
import re
import time

import pytest
from checkouts import copy_checkout
from slurm_calls import Sent, training_log

pytestmark = [pytest.mark.slurm, pytest.mark.workflow, pytest.mark.network, pytest.mark.soak]
# One run that takes well over a minute on a core of a present machine, and is given one; two short
# ones.
LONG = {
    "suite": {
        "budgets": [
            {"label": "2e10", "shapes": ["16x1", "32x1"]},
            {"label": "8e12", "shapes": ["32x1"]},
        ],
        "max_epochs": 1000.0,
    }
}
RUN = "curated-8e12-d32-L1"


@pytest.fixture(scope="module")
def story(cluster, tmp_path_factory, request):
    """The longer experiment on a node that is drained, with a minute for each attempt at a run, and
    the same without a cluster."""
    downloads = request.config.getoption("--downloads")
    plain = copy_checkout(tmp_path_factory.mktemp("plain"), downloads, "slurm")
    checkout = copy_checkout(tmp_path_factory.mktemp("long"), downloads, "slurm")
    plain.snakemake(overlay=LONG)
    told = {"checkout": checkout, "plain": plain}
    cluster.call(
        "scontrol", "update", f"NodeName={cluster.host}", "State=DRAIN", "Reason=maintenance"
    )
    call = Sent(
        cluster, checkout, "--set-resources", "train:runtime=1", "--retries", "20", overlay=LONG
    )
    call.until("a job that waits", lambda: "PENDING" in cluster.jobs().values())
    time.sleep(10)
    told["while drained"] = set(cluster.jobs("PENDING", "RUNNING", "COMPLETED").values())
    cluster.call("scontrol", "update", f"NodeName={cluster.host}", "State=RESUME")
    call.until("a job over its time", lambda: "TIMEOUT" in cluster.jobs().values())
    told["end"] = (call.process.wait(timeout=3600), call.text)
    return told


def test_a_drained_node_is_waited_for(story):
    assert story["while drained"] == {"PENDING"}


def test_a_job_over_its_time_goes_on_where_it_was_stopped(story):
    code, text = story["end"]
    assert code == 0, text[-4000:]
    (run,) = (path.name for path in (story["checkout"].results / "runs").glob(f"{RUN}*"))
    assert "resuming after step" in training_log(story["checkout"], run)


def test_results_are_those_of_a_plain_run_byte_for_byte(story):
    sent, plain = story["checkout"].contents(), story["plain"].contents()
    assert sorted(sent) == sorted(plain)
    assert [name for name in plain if sent[name] != plain[name]] == []


def test_a_finished_run_that_is_asked_for_again_takes_no_step(story, cluster):
    checkout = story["checkout"]
    (run,) = (path.name for path in (checkout.results / "runs").glob(f"{RUN}*"))
    before = checkout.contents()
    (checkout.results / "runs" / run / "record.json").unlink()
    call = Sent(cluster, checkout, "--", f"results/slurm/runs/{run}/record.json", overlay=LONG)
    assert call.wait() == 0, call.text[-4000:]
    log = training_log(checkout, run)
    steps = json.loads(before[f"runs/{run}/record.json"])["spec"]["steps"]
    assert f"resuming after step {steps}" in log
    assert not re.search(r"step \d+ of \d+,", log)
    assert checkout.contents() == before
    benchmark = checkout.folder / f"benchmarks/results/slurm/train/{run}.jsonl"
    print(
        f"a finished run asked for again: "
        f"{json.loads(benchmark.read_text().splitlines()[-1])['s']} s"
    )
