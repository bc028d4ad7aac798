"""The script that measures a GPU, with tiny models on the CPU: its files, and checks that fail."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from relscale.training.torch_trainer import TorchTrainer

ROOT = Path(__file__).parents[3]
SCRIPT = ("bash", ROOT / "benchmarks/gpu.sh")
MODULES = ("bench", "checks", "models", "training", "__main__")


@pytest.fixture(scope="module", name="gpu")
def gpu_fixture():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield SimpleNamespace(
            **{name: importlib.import_module(f"benchmarks.gpu.{name}") for name in MODULES}
        )


def cpu(gpu, seconds=300.0):
    """Return the CPU with tiny models, and the time until no model is begun."""
    return gpu.bench.Bench(
        device="cpu",
        quick=True,
        peak=1e12,
        ends=time.monotonic() + seconds,
        compile_failure="not tried",
    )


def test_the_script_writes_one_json_and_a_table(tmp_path):
    done = subprocess.run(
        [*SCRIPT, "--device", "cpu", "--quick", "--no-compile", "--out", tmp_path],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = json.loads((tmp_path / "gpu.json").read_text())
    assert results["curve"]["passed"] and results["resume"]["passed"]
    # On the CPU both sides are the same program.
    assert results["curve"]["largest_relative_difference"] == 0.0
    assert len(results["curve"]["device"]) == 50
    rows = results["training"]["rows"]
    assert [row["model"] for row in rows] == ["64x2", "32x1"]
    for row in rows:
        seconds = sorted(row["step_seconds"])[len(row["step_seconds"]) // 2]
        assert row["tokens_per_s"] == pytest.approx(4 * 64 / seconds)
        assert row["finite"]
    assert results["evaluation"]["items_per_s"] > 0
    assert results["attention"]["chosen"] == "sdpa"
    reference = results["reference"]["rows"]
    assert [row["model"] for row in reference] == [row["model"] for row in rows]
    table = (tmp_path / "table.md").read_text()
    assert table.count("\n| ") == 1 + len(rows) + len(reference)
    for row in reference:
        assert f"| {row['model']}, plain FSDP2 | no | {row['tokens_per_s']:,.0f} |" in table


def test_without_packages_and_wheels_the_script_names_them_and_the_way_to_fetch_them(tmp_path):
    done = subprocess.run(
        SCRIPT,
        env={**os.environ, "PYTHON": "false", "WHEELS": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: false has no numpy pydantic")
    assert "benchmarks/gpu.sh --collect" in done.stderr


def test_losses_that_differ_from_the_cpu_fail_the_check(gpu, monkeypatch):
    plain = TorchTrainer.losses
    calls = []

    def wrong(self):
        calls.append(None)
        return plain(self) * (1.0 if len(calls) == 1 else 1.05)

    monkeypatch.setattr(TorchTrainer, "losses", wrong)
    assert not gpu.checks.curve(cpu(gpu))["passed"]


def test_a_resumed_run_with_other_bits_fails_the_check(gpu, monkeypatch):
    plain = TorchTrainer.load_state

    def forgetful(self, state):
        first = next(name for name in state if name.startswith("first."))
        plain(self, {**state, first: np.zeros_like(state[first])})

    monkeypatch.setattr(TorchTrainer, "load_state", forgetful)
    assert gpu.checks.resume(cpu(gpu))["different"]


def test_without_time_models_are_listed_and_not_measured(gpu):
    rows = gpu.training.training(cpu(gpu, seconds=-1.0))["rows"]
    assert [row["skipped"] for row in rows] == ["no time left"] * 2


def test_the_models_have_the_depths_of_the_paper_where_they_fit_a_card(gpu):
    widths = {case.shape.width: case.shape.layers for case in gpu.models.cases(quick=False)}
    assert {**widths, 4096: 40} == {512: 6, 768: 8, 1024: 11, 2048: 21, 4096: 40}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_error_says_whether_torch_or_the_driver_is_missing(gpu, capsys):
    with pytest.raises(SystemExit), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gpu"])
        gpu.__main__.main()
    assert "error: torch finds no GPU: " in capsys.readouterr().err
