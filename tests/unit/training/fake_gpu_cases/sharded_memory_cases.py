"""Memory of a training step with sharded parameters, counted in one of several processes on GPUs
that are not there, against the plan's estimate."""

from dataclasses import replace

import pytest
import torch
from fake_gpu import (
    DEVICE,
    as_compiled,
    decoder_to_shard,
    fake_gpu,
    fake_group,
    partitioned_blocks,
)
from paper_runs import GB, paper_runs

from relscale.plan.accounting import count_parameters
from relscale.training import loss, sharded_state, sharding, torch_trainer
from relscale.training.execution import choose_execution, process_bytes
from relscale.training.process_group import ProcessGroup

CARD = 80 * GB


class Absent(ProcessGroup):
    """A group whose other members are not there."""

    def __init__(self, processes):
        self.world_size = processes


def chosen(run, processes=8):
    found = choose_execution(
        run.shape,
        count_parameters(run.shape).total,
        run.optimiser.kind,
        run.batch_size,
        "cuda",
        processes=processes,
        memory_bytes=CARD,
    )
    assert found is not None
    return found


def counted(monkeypatch, run, execution):
    """Bytes of one process in the second step of a run."""
    with fake_group(execution.processes) as mesh, fake_gpu() as watch:
        monkeypatch.setattr(sharding, "init_device_mesh", lambda *given: mesh)
        monkeypatch.setattr(sharded_state, "TorchProcessGroup", ProcessGroup)
        monkeypatch.setattr(torch_trainer, "build_decoder", decoder_to_shard)
        monkeypatch.setattr(torch_trainer, "initialise_shards", lambda *given: None)
        monkeypatch.setattr(torch_trainer, "compile_blocks", partitioned_blocks(watch))
        chunk = as_compiled(watch, loss.chunk_loss)
        monkeypatch.setattr(loss, "_compiled_chunk", lambda: chunk)
        spec = run.spec()
        step = torch_trainer.TorchTrainer(
            spec.shape,
            spec.choices,
            spec.optimiser,
            0,
            replace(execution, device=DEVICE),
            Absent(execution.processes),
        )
        part = run.batch_size // execution.processes
        micro = execution.micro_batch or part
        # Two micro batches, if there are more: all others are the same.
        sequences = micro if micro == part else 2 * micro
        shape = (sequences, run.shape.context_length + 1)
        tokens = torch.zeros(shape, dtype=torch.int64, device=DEVICE)
        step.update(tokens, 1.0)
        watch.peak = watch.held
        step.update(tokens, 1.0)
    return watch


def estimated(run, execution):
    total = count_parameters(run.shape).total
    return process_bytes(run.shape, total, run.optimiser.kind, execution, run.batch_size)


def check(monkeypatch, run, execution):
    watch = counted(monkeypatch, run, execution)
    ratio = watch.peak / estimated(run, execution)
    assert 0.9 <= ratio <= 1.1, (run.shape, execution, ratio)
    assert watch.peak < CARD
    # Each product is in bfloat16, and nothing in a step waits for the host.
    assert set(watch.products) == {torch.bfloat16}
    assert not watch.host


@pytest.fixture(scope="module")
def paper():
    return paper_runs()


def largest(runs):
    run = max(runs, key=lambda run: count_parameters(run.shape).total)
    assert count_parameters(run.shape).total == 11_788_433_408
    return run


def shallow(run, layers=3):
    """The run with fewer layers, whose count takes seconds: each layer adds the same."""
    return replace(run, shape=replace(run.shape, layers=layers))


@pytest.mark.parametrize("changes", [{}, {"micro_batch": 1}], ids=str)
def test_the_peak_of_the_largest_width_is_the_estimated_one_within_a_tenth(
    monkeypatch, paper, changes
):
    run, execution = largest(paper), chosen(largest(paper))
    assert execution.fully_sharded
    if changes:
        run = replace(run, batch_size=2 * execution.processes)
    check(monkeypatch, shallow(run), replace(execution, **changes))


def test_a_table_that_is_kept_whole_would_be_seen(monkeypatch, paper):
    run, execution = largest(paper), chosen(largest(paper))
    plain = torch_trainer.TorchTrainer.update

    def careless(self, tokens, factor):
        shape = (2, run.shape.vocab_size, run.shape.width)
        self.kept = torch.zeros(shape, device=DEVICE)
        plain(self, tokens, factor)

    monkeypatch.setattr(torch_trainer.TorchTrainer, "update", careless)
    with pytest.raises(AssertionError):
        check(monkeypatch, shallow(run), execution)


@pytest.mark.soak
def test_the_peak_of_every_sharded_run_of_the_paper_is_the_estimated_one_within_a_tenth(
    monkeypatch, paper
):
    done = set()
    for run in [largest(paper), *paper]:
        execution = chosen(run)
        if execution.fully_sharded and (run.shape, execution) not in done:
            check(monkeypatch, run, execution)
            done.add((run.shape, execution))
    assert largest(paper).shape in {shape for shape, _ in done}
    assert len(done) > 1
