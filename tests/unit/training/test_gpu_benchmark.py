"""The script that measures a GPU, with tiny models on the CPU: its files, and checks that fail."""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[3]
SCRIPT = ("bash", ROOT / "benchmarks/gpu.sh")


@pytest.fixture(scope="module")
def program():
    described = importlib.util.spec_from_file_location("gpu_benchmark", ROOT / "benchmarks/gpu.py")
    module = importlib.util.module_from_spec(described)
    sys.modules["gpu_benchmark"] = module
    described.loader.exec_module(module)
    return module


def options(out, **changes):
    common = {"device": "cpu", "quick": True, "out": out, "minutes": 5.0, "compile": False}
    return argparse.Namespace(**{**common, "peak": 1e12, **changes})


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


def test_losses_that_differ_from_the_cpu_fail_the_check(program, monkeypatch, tmp_path):
    bench = program.Bench(options(tmp_path))
    plain = program.TorchTrainer.losses
    calls = []

    def wrong(self):
        calls.append(None)
        return plain(self) * (1.0 if len(calls) == 1 else 1.05)

    monkeypatch.setattr(program.TorchTrainer, "losses", wrong)
    assert not bench.curve()["passed"]


def test_a_resumed_run_with_other_bits_fails_the_check(program, monkeypatch, tmp_path):
    bench = program.Bench(options(tmp_path))
    plain = program.TorchTrainer.load_state

    def forgetful(self, state):
        first = next(name for name in state if name.startswith("first."))
        plain(self, {**state, first: np.zeros_like(state[first])})

    monkeypatch.setattr(program.TorchTrainer, "load_state", forgetful)
    assert bench.resume()["different"]


def test_without_time_models_are_listed_and_not_measured(program, tmp_path):
    rows = program.Bench(options(tmp_path, minutes=0.0)).training()["rows"]
    assert [row["skipped"] for row in rows] == ["no time left"] * 2


def test_the_models_have_the_depths_of_the_paper_where_they_fit_a_card(program):
    widths = {case.shape.width: case.shape.layers for case in program.cases(quick=False)}
    assert {**widths, 4096: 40} == {512: 6, 768: 8, 1024: 11, 2048: 21, 4096: 40}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_error_says_whether_torch_or_the_driver_is_missing(program, capsys):
    with pytest.raises(SystemExit), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gpu.py"])
        program.main()
    assert "error: torch finds no GPU: " in capsys.readouterr().err
