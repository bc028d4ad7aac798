"""The profiles: what they promise about arrays, retries and GPUs."""

import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from snakemake_executor_plugin_slurm.partitions import get_best_partition, read_partition_file

from relscale.resources.job_resources import JobResources

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).parents[2]
TRAINING = (ROOT / "workflow/rules/train.smk").read_text()


def profile(name):
    return yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())


def test_every_rule_that_trains_sends_its_runs_as_an_array():
    rules = ["train", *re.findall(r"^use rule train as (\w+) with:", TRAINING, re.MULTILINE)]
    assert [name.strip() for name in profile("slurm")["slurm-array-jobs"].split(",")] == rules


def test_more_jobs_may_be_sent_than_the_paper_has_runs():
    """Else the plugin waits for ever for the rest of an array."""
    assert profile("slurm")["jobs"] > len(pd.read_csv(ROOT / "tests/golden/suite_paper.csv"))


@pytest.mark.parametrize("name", ["slurm", "kubernetes", "aws-batch"])
def test_retries_stand_in_the_profiles_of_clusters(name):
    assert profile(name)["retries"] == 2
    assert profile(name)["executor"] == name
    assert "retries" not in yaml.safe_load((ROOT / "profiles/default/profile.v9+.yaml").read_text())


def dry_run(*arguments):
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "1",
        "--dry-run",
        "--configfile",
        "experiments/paper.yaml",
    ]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_call_with_fewer_gpus_than_a_run_needs_is_refused():
    code, text = dry_run("--resources", "gpu=0")
    assert code != 0
    assert re.search(
        r"run \S+ needs \d+ GPU\(s\), and this call allows 0: --resources gpu=\d+", text
    )


def test_gpus_too_small_for_the_runs_end_planning(tmp_path):
    overlay = tmp_path / "small.yaml"
    overlay.write_text("training: {gpu_memory_gb: 40}\n")
    code, text = dry_run(str(overlay))
    assert code != 0
    assert "training.gpu_memory_gb = 40: 6 of 255 runs do not fit" in text
    assert "Traceback" not in text
    assert "rule train" not in text


@pytest.mark.parametrize(
    ("rule", "function"), [("train", "training_resources"), ("evaluate", "evaluation_resources")]
)
def test_a_job_asks_for_all_that_the_plan_says(rule, function):
    """The cores and the machine, too: without them a run of eight GPUs has one core, or GPUs of
    several machines."""
    text = (ROOT / f"workflow/rules/{rule}.smk").read_text()
    (resources,) = re.findall(
        rf"^rule {rule}:.*?^    resources:\n(.*?)^    params:", text, re.MULTILINE | re.DOTALL
    )
    asked = re.findall(
        rf"^        (\w+)=lambda wildcards: "
        rf"{function}\(wildcards\)\.(\w+),$",
        resources,
        re.MULTILINE,
    )
    assert asked == [(name, name) for name, _ in asked]
    assert {name for name, _ in asked} == {field.name for field in fields(JobResources)}
    # The number of threads helps to decide the bytes of a run.
    assert re.search(rf"^rule {rule}:.*?^    threads: 1$", text, re.MULTILINE | re.DOTALL)


class SentJob:
    """A job as the plugin for SLURM sees it when it looks for a partition."""

    def __init__(self, asked):
        self.name, self.threads, self.resources = "train", 1, asked.resources()


def test_the_template_of_partitions_holds_every_job_of_the_paper():
    partitions = read_partition_file(ROOT / "profiles/slurm/partitions.yaml")
    said = []
    logger = SimpleNamespace(debug=lambda text: None, info=lambda text: None, warning=said.append)
    on_eight = JobResources(
        gpu=8, mem_mb=661_576, gpu_mem_mb=115_000, runtime=2880, cpus_per_task=32
    )
    assert get_best_partition(partitions, SentJob(on_eight), logger) == "gpu"
    assert (
        get_best_partition(
            partitions,
            SentJob(JobResources(gpu=0, mem_mb=1500, gpu_mem_mb=0, runtime=4320)),
            logger,
        )
        == "cpu"
    )
    assert not said
    # The plugin warns of jobs that fit no partition and uses the default one: sbatch refuses them.
    for wrong in (
        replace(on_eight, gpu=16),
        replace(on_eight, runtime=2881),
        replace(on_eight, cpus_per_task=97),
    ):
        said.clear()
        assert get_best_partition(partitions, SentJob(wrong), logger) is None
        assert "No suitable partition found for job train" in said[0]
