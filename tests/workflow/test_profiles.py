"""The profiles: what they promise about arrays, retries and GPUs."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

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


def test_a_call_with_fewer_gpus_than_a_run_needs_is_refused():
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--configfile", "experiments/paper.yaml"]
    done = subprocess.run([*command, "--resources", "gpu=0"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert re.search(r"run \S+ needs \d+ GPU\(s\), and this call allows 0: --resources gpu=\d+", done.stdout + done.stderr)
