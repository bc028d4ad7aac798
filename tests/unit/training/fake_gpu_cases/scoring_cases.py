"""`CausalModel.score` on a GPU that is not there, with planted mistakes that it must find."""

import numpy as np
import pytest
import torch
from fake_gpu import DEVICE, SHAPE, decoder_there, fake_gpu
from torch._subclasses.fake_tensor import FakeTensor

from relscale.evaluation.torch_model import CausalModel
from relscale.plan.architecture import Choices

CONTEXTS = [np.arange(1, size) for size in (5, 30, 9, 20)]
CONTINUATIONS = [np.arange(1, size) for size in (4, 10, 3, 30)]


def zeros(tensor):
    """Reads of the host, which may only read copies."""
    assert tensor.device.type == "cpu"
    found = np.dtype({torch.float64: "f8", torch.bool: "?"}[tensor.dtype])
    return np.zeros(tuple(tensor.shape), dtype=found)


@pytest.fixture
def watch(monkeypatch):
    monkeypatch.setattr(FakeTensor, "numpy", zeros, raising=False)
    with fake_gpu(from_arrays=True) as watch:
        yield watch


def model(**changes):
    settings = {"vocab_size": 500, "context_length": 64, "batch_tokens": 64, "device": DEVICE}
    return CausalModel(decoder_there(SHAPE, Choices()), **{**settings, **changes})


def test_scores_are_computed_on_the_device_in_bfloat16_with_two_copies_per_batch(watch):
    scored = model()
    batches = []
    plain = scored.module.forward
    scored.module.forward = lambda tokens: (batches.append(tokens.shape), plain(tokens))[1]
    scores = scored.score(CONTEXTS, CONTINUATIONS, by_token=True)
    assert scores.log_likelihood.dtype == np.float64
    assert len(batches) > 1
    assert sum(rows for rows, _ in batches) == len(CONTEXTS)
    assert set(watch.products) == {torch.bfloat16}
    assert watch.host.total() == 2 * len(batches)


def test_a_mask_that_waits_for_the_device_fails(watch):
    scored = model()
    plain = scored.module.forward

    def careless(tokens):
        logits = plain(tokens)
        return logits[tokens[:, 0] >= 0]

    scored.module.forward = careless
    with pytest.raises(torch._subclasses.fake_tensor.DynamicOutputShapeException):
        scored.score(CONTEXTS, CONTINUATIONS)


def test_logits_that_were_copied_to_the_host_are_counted(watch):
    scored = model()
    plain = scored.module.forward
    scored.module.forward = lambda tokens: plain(tokens).cpu()
    scored.score(CONTEXTS[:1], CONTINUATIONS[:1])
    # The logits, not the two vectors of the scored tokens: nothing is left on the device for those.
    assert watch.host.total() == 1


def test_products_in_float32_are_seen(watch):
    scored = model()
    scored.in_bfloat16 = False
    scored.score(CONTEXTS, CONTINUATIONS)
    assert torch.float32 in watch.products


def test_a_table_that_was_left_on_the_host_fails(watch):
    scored = model()
    scored.module.cosine = torch.ones((SHAPE.context_length, SHAPE.head_dim))
    with pytest.raises(RuntimeError, match=r"device|cpu"):
        scored.score(CONTEXTS, CONTINUATIONS)
