"""The experiment `slurm` through a real SLURM: whatever is killed on the way, its results are those
of a plain run, byte for byte."""

import re
import signal
from pathlib import Path

import pandas as pd
import pytest
from slurm_calls import Sent, checkpoint_of, training_log

pytestmark = [pytest.mark.slurm, pytest.mark.workflow, pytest.mark.network]


def task_of(cluster, sent, run):
    """Return the SLURM task that trains a run, by the order in which Snakemake says that it sent
    the runs."""
    (numbers, array) = re.findall(
        r"Submitted array job with Snakemake IDs ([\d,]+) and SLURM job ID (\d+)", sent.text
    )[-1]
    jobid = re.search(
        rf"output: results/\w+/runs/{re.escape(run)}/record.json.*?jobid: (\d+)",
        sent.text,
        re.DOTALL,
    ).group(1)
    return f"{array}_{numbers.split(',').index(jobid) + 1}"


@pytest.fixture(scope="module")
def story(cluster, sent, local):
    """An experiment with a wrong partition, too little memory, a cancelled job, a killed call."""
    checkout, told = sent, {"checkout": sent}
    lost = Sent(cluster, checkout, "--retries", "0", partition="nowhere")
    told["no partition"] = (
        lost.wait(),
        lost.text,
        checkout.contents("runs", "evaluations", "laws"),
    )
    small = Sent(cluster, checkout, "--retries", "0", "--set-resources", "documents:mem_mb=40")
    told["no memory"] = (
        small.wait(),
        small.text,
        list(checkout.folder.glob("results/shared/corpora/*/*.*")),
    )
    told["killed by SLURM"] = "".join(
        path.read_text()
        for path in checkout.folder.glob(".snakemake/slurm_logs/rule_documents/**/*.log")
    )
    runs = pd.read_csv(local.results / "tables/suite.csv").sort_values("tokens")["run"].tolist()
    cancelled, last = runs[-1], runs[-2]
    first = Sent(cluster, checkout)
    first.until("checkpoint of the run to cancel", lambda: checkpoint_of(checkout, cancelled))
    told["array"] = re.findall(r"Submitted array job with Snakemake IDs ([\d,]+)", first.text)
    second = Sent(cluster, checkout)
    cluster.call("scancel", task_of(cluster, first, cancelled))
    told["two controllers"] = (second.wait(), second.text)
    told["states"] = set(cluster.jobs().values())
    first.until(
        "another attempt at the cancelled run", lambda: "Trying to restart job" in first.text
    )
    first.until("checkpoint of the run that resumes", lambda: checkpoint_of(checkout, last))
    first.process.send_signal(signal.SIGKILL)
    first.wait()
    checkout.unlock()
    again = Sent(cluster, checkout)
    told["after the kill"] = (again.wait(), again.text)
    told["runs"], told["cancelled"] = runs, cancelled
    return told


def test_a_partition_that_is_not_there_is_said_and_leaves_nothing(story):
    code, text, left = story["no partition"]
    assert code != 0
    assert "invalid partition specified: nowhere" in text
    assert not left


def test_a_job_over_its_memory_is_killed_and_leaves_nothing(story):
    code, text, left = story["no memory"]
    assert code != 0
    assert "Error in rule documents" in text
    assert re.search(
        r"[Ee]xceeded (job )?memory limit|oom", story["killed by SLURM"], re.IGNORECASE
    ), story["killed by SLURM"][-2000:]
    assert not left


def test_runs_are_sent_as_one_array(story):
    assert [len(numbers.split(",")) for numbers in story["array"]] == [len(story["runs"])]


def test_a_second_controller_is_told_that_the_folder_is_taken(story):
    code, text = story["two controllers"]
    assert code != 0
    assert "Directory cannot be locked" in text


def test_a_cancelled_job_is_tried_again_and_goes_on_from_its_checkpoint(story):
    assert "CANCELLED" in story["states"]
    assert "resuming after step" in training_log(story["checkout"], story["cancelled"])


def test_results_are_those_of_a_plain_run_byte_for_byte(story, local):
    code, text = story["after the kill"]
    assert code == 0, text[-4000:]
    sent, plain = story["checkout"].contents(), local.contents()
    assert sorted(sent) == sorted(plain)
    assert [name for name in plain if sent[name] != plain[name]] == []
    assert {Path(name).name for name in plain} >= {
        "losses.parquet",
        "items.parquet",
        "record.json",
        "model.safetensors",
        "optima.csv",
    }


def test_nothing_is_left_to_do(story):
    assert story["checkout"].stale() == {}
