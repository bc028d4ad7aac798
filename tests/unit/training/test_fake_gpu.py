"""The step, its memory and checkpoints on a GPU that is not there, each in a fresh process.

Autograd counts the devices at the first backward pass of a process, so the fake one must be there
before. The tests are in `fake_gpu_cases/`, which is not collected otherwise.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

CASES = sorted((Path(__file__).parent / "fake_gpu_cases").glob("*_cases.py"))


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_the_cases_pass_in_a_process_of_their_own(cases, request):
    soak = ["--soak"] if request.config.getoption("--soak") else []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *soak, str(cases)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    if cases.stem == "cuda_build_cases" and torch.version.cuda is None:
        pytest.skip("torch is built without CUDA")
    assert " passed" in done.stdout


def test_every_case_is_in_a_file_that_runs():
    assert {path.stem for path in CASES} == {
        "cuda_build_cases",
        "memory_cases",
        "scoring_cases",
        "sharded_memory_cases",
        "step_cases",
    }
