"""Training and checkpoints on a GPU that is not there, with planted mistakes that it
must find; and the step as one compiled graph."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_gpu import DEVICE, SHAPE, decoder_there, fake_gpu

from relscale.plan.optimiser import AdamSettings, CautiousAdamCSettings
from relscale.plan.recipes.marin2025 import MARIN_CHOICES
from relscale.training import loss, torch_trainer
from relscale.training.execution import Execution
from relscale.training.model import build_decoder, initialise
from relscale.training.torch_trainer import Objective, TorchTrainer

RATES = dict.fromkeys(("learning_rate", "embedding_learning_rate", "head_learning_rate"), 0.003)
SETTINGS = RATES | {
    "beta1": 0.95,
    "beta2": 0.98,
    "weight_decay": 0.1,
    "clip_norm": 1.0,
    "warmup_share": 0.1,
    "decay_share": 0.2,
}
OPTIMISERS = [AdamSettings(**SETTINGS), CautiousAdamCSettings(**SETTINGS)]


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr(torch_trainer, "build_decoder", decoder_there)
    monkeypatch.setattr(torch_trainer, "initialise", lambda *given: None)
    monkeypatch.setattr(torch_trainer, "compile_blocks", lambda blocks: None)
    monkeypatch.setattr(loss, "_compiled_chunk", lambda: loss.chunk_loss)
    with fake_gpu() as watch:
        yield watch


def trainer(optimiser=OPTIMISERS[1], **changes):
    execution = Execution(device=DEVICE, compiled=True, **changes)
    return TorchTrainer(SHAPE, MARIN_CHOICES, optimiser, 0, execution)


def batch():
    return torch.zeros((4, SHAPE.context_length + 1), dtype=torch.int64, device=DEVICE)


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda one: one.kind)
@pytest.mark.parametrize(
    "changes",
    [{}, {"micro_batch": 2}, {"activation_checkpointing": True}, {"logits_per_chunk": 500 * 32}],
    ids=str,
)
def test_a_step_is_on_the_device_in_bfloat16_and_never_waits_for_the_host(
    watch, optimiser, changes
):
    step = trainer(optimiser, **changes)
    for _ in range(2):
        step.update(batch(), 1.0)
    assert not watch.host
    assert set(watch.products) == {torch.bfloat16}
    for parameter in step.decoder.parameters():
        assert (parameter.device.type, parameter.dtype) == (DEVICE, torch.float32)
        assert (parameter.grad.device.type, parameter.grad.dtype) == (DEVICE, torch.float32)
    for name, value in step.optimiser.state():
        assert value.dtype == torch.float32 or name == "steps", name
        assert value.device.type == DEVICE or value.dim() == 0, name


def test_a_wait_for_the_host_inside_a_step_is_counted(watch, monkeypatch):
    step, plain = trainer(), Objective.forward

    def careless(self, tokens):
        summed = plain(self, tokens)
        return summed * summed.detach().cpu()

    monkeypatch.setattr(Objective, "forward", careless)
    step.update(batch(), 1.0)
    assert watch.host == {"aten._to_copy.default": 1}


def test_a_value_that_is_read_inside_a_step_fails(watch, monkeypatch):
    step = trainer()
    plain = step.optimiser.step

    def careless(factor):
        norm = plain(factor)
        return norm if float(norm) > 1 else norm * 2

    monkeypatch.setattr(step.optimiser, "step", careless)
    with pytest.raises(torch._subclasses.fake_tensor.DataDependentOutputException):
        step.update(batch(), 1.0)
    assert watch.host["aten._local_scalar_dense.default"] == 1


def test_a_tensor_that_was_left_on_the_cpu_fails(watch):
    step = trainer()
    step.decoder.cosine = torch.ones((SHAPE.context_length, SHAPE.head_dim))
    with pytest.raises(RuntimeError, match=r"device|cpu"):
        step.update(batch(), 1.0)


def test_a_product_in_float32_is_seen(watch, monkeypatch):
    step = trainer()
    plain = Objective.forward

    def careless(self, tokens):
        summed = plain(self, tokens)
        with torch.autocast(DEVICE, enabled=False):
            weight = self.decoder.lm_head.weight
            return summed + torch.mm(weight, weight.T).sum()

    monkeypatch.setattr(Objective, "forward", careless)
    step.update(batch(), 1.0)
    assert torch.float32 in watch.products


def test_a_checkpoint_is_copied_to_the_host_value_by_value_after_the_step(watch):
    step = trainer()
    step.update(batch(), 1.0)
    assert not watch.host
    names = [name for name, _ in step.decoder.named_parameters()]
    for values in (step.decoder.named_parameters(), step.optimiser.state()):
        for _, value in values:
            assert value.detach().cpu().device.type == "cpu"
    # A parameter and two moments each, and nothing else; the count of steps is on the CPU.
    assert sum(watch.host.values()) == 3 * len(names)


def test_the_step_and_its_loss_compile_without_a_graph_break():
    shape = replace(SHAPE, width=32, heads=2, kv_heads=2, head_dim=16, intermediate=64)
    decoder = build_decoder(shape, MARIN_CHOICES)
    initialise(decoder, 0)
    execution = Execution(compiled=True, logits_per_chunk=500 * 32)
    objective = Objective(decoder, execution)
    whole = torch.compile(objective, fullgraph=True, backend="aot_eager")
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 500, (2, 65)))
    plain = Objective(decoder)
    results = []
    for one in (whole, plain):
        with torch.autocast("cpu", torch.bfloat16):
            summed = one(tokens)
        summed.backward()
        results.append((summed.item(), decoder.lm_head.weight.grad.clone()))
        decoder.zero_grad()
    # bfloat16 has eight bits, and the loss is the mean of 128 tokens' errors.
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-3)
    assert float((results[0][1] - results[1][1]).norm()) < 0.01 * float(results[1][1].norm())
