"""Scoring on a GPU: the CPU's scores within bfloat16, within the estimated memory."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from relscale.evaluation.batches import scoring_bytes
from relscale.evaluation.torch_model import CausalModel, read_torch_model
from relscale.evaluation.trained import read_run
from relscale.plan.accounting import count_parameters
from relscale.plan.architecture import Shape
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.model import initialise, save_decoder

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(),
        reason="torch finds no GPU here (torch.cuda.is_available() is false)",
    ),
]
SHAPE = Shape(
    width=256,
    layers=4,
    heads=2,
    kv_heads=2,
    head_dim=128,
    intermediate=1024,
    vocab_size=1024,
    context_length=512,
)


def test_scores_are_those_of_the_cpu_within_bfloat16(tmp_path):
    decoder = Decoder(SHAPE)
    initialise(decoder, 0)
    save_decoder(decoder, tmp_path)
    generator = np.random.default_rng(0)
    contexts = [generator.integers(0, 1024, size) for size in (1, 40, 300, 7)]
    continuations = [generator.integers(0, 1024, size) for size in (500, 3, 60, 1)]
    on_gpu = read_run(tmp_path, "gpu").score(contexts, continuations)
    on_cpu = read_torch_model(tmp_path).score(contexts, continuations)
    # bfloat16 keeps eight bits: a logit errs by up to 2^-8 of its size, and a token's nats by the
    # errors of one logit and of the logarithm's sum, below 1 %; sums of many err by less.
    np.testing.assert_allclose(on_gpu.log_likelihood, on_cpu.log_likelihood, rtol=0.01)
    assert on_gpu.log_likelihood.dtype == np.float64


def test_a_paper_shape_is_scored_within_the_estimated_memory():
    shape = replace(
        SHAPE,
        width=1024,
        layers=11,
        heads=8,
        kv_heads=8,
        intermediate=4096,
        vocab_size=128_256,
        context_length=4096,
    )
    decoder = Decoder(shape)
    initialise(decoder, 0)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    model = CausalModel(
        decoder.to("cuda"),
        vocab_size=128_256,
        context_length=4096,
        batch_tokens=8192,
        device="cuda",
    )
    model.score([[0]] * 3, [np.arange(4096), np.arange(4096) + 1, np.arange(50)])
    assert torch.cuda.max_memory_allocated() < 1.05 * (
        4 * count_parameters(shape).total + scoring_bytes(shape, "cuda")
    )
