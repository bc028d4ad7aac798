"""Errors and warnings on machines whose GPUs, driver or compiler do not suit a run."""

import logging
from types import SimpleNamespace

import pytest
import torch

from relscale.config.suite import Suite
from relscale.plan.suite import plan_suite
from relscale.training import build, compilation
from relscale.training.torch_process_group import TorchProcessGroup


@pytest.fixture
def run():
    raw = {"corpora": ["a"], "recipe": {"name": "marin2025"}, "budgets": [{"label": "1e18"}]}
    runs = plan_suite(Suite.model_validate(raw | {"seeds": [0]}), 128_256)
    return next(run for run in runs if run.shape.width == 1024).spec()


@pytest.fixture
def card(monkeypatch):
    """Make torch find one GPU of 24 GB and a compiler that works."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    size = SimpleNamespace(total_memory=24 * 10**9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: size)
    monkeypatch.setattr(compilation, "compile_failure", lambda device: None)
    return size


def test_a_card_that_is_too_small_is_named_with_the_keys_to_change(run, card):
    card.total_memory = 4 * 10**9
    with pytest.raises(ValueError, match=r"do not fit 1 GPU\(s\) with 4 GiB: allow more"):
        build._execution(run, build.SINGLE_PROCESS)


def test_without_a_compiler_a_run_is_executed_uncompiled_in_smaller_parts_with_one_warning(
    run, card, monkeypatch, caplog
):
    compiled = build._execution(run, build.SINGLE_PROCESS)
    assert compiled.compiled and not caplog.messages
    monkeypatch.setattr(compilation, "compile_failure", lambda device: "InductorError: no Triton")
    plain = build._execution(run, build.SINGLE_PROCESS)
    assert not plain.compiled
    assert "not compiled" in plain.name and "not compiled" not in compiled.name
    assert (plain.micro_batch or 8) < (compiled.micro_batch or 8) or plain.activation_checkpointing
    (said,) = caplog.messages
    assert said.startswith(f"{run.name}: not compiled") and "no Triton" in said


def test_a_build_of_torch_without_cuda_is_named(run, monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    with caplog.at_level(logging.WARNING):
        assert build._execution(run, build.SINGLE_PROCESS).device == "cpu"
    assert "is built without CUDA), so the run uses the CPU" in caplog.text


def test_an_old_driver_is_named_next_to_the_version_that_torch_needs(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    version = tmp_path / "version"
    version.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82.01\nGCC version\n")
    monkeypatch.setattr(build, "DRIVER", version)
    reason = build.no_gpu_reason()
    assert "is built for CUDA 13.0" in reason and "470.82.01" in reason
    monkeypatch.setattr(build, "DRIVER", tmp_path / "none")
    assert build.no_gpu_reason() == "this machine has no NVIDIA driver"


def test_a_node_with_fewer_cards_than_processes_is_refused_before_the_others_are_waited_for(
    monkeypatch,
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ValueError, match=r"--processes = 4: torch finds 2 GPU\(s\)"):
        TorchProcessGroup(on_gpu=True)


def test_a_batch_that_the_processes_do_not_divide_is_refused(run):
    with pytest.raises(ValueError, match="--processes = 3"):
        build.join_process_group(run, 3)
