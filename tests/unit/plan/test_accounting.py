from dataclasses import replace

import pytest
import torch
from shapes import lstm_shape
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from relscale.plan.accounting import count_parameters, forward_flops_per_token, steps_for
from relscale.plan.architecture import Shape
from relscale.training.model import build_decoder, initialise

SHAPE = Shape(
    width=32,
    layers=2,
    heads=2,
    kv_heads=2,
    head_dim=16,
    intermediate=80,
    vocab_size=512,
    context_length=128,
)
LSTM = lstm_shape(SHAPE)


def test_parameters_by_hand():
    counted = count_parameters(SHAPE)
    block = 4 * 32 * 32 + 3 * 32 * 80 + 2 * 32 + 2 * 16
    assert (counted.embedding, counted.head, counted.transformer) == (
        16_384,
        16_384,
        2 * block + 32,
    )
    assert counted.total == 16_384 * 2 + 2 * block + 32


def test_forward_flops_by_hand():
    matrices = 2 * (4 * 32 * 32 + 3 * 32 * 80)
    full = 2 * (matrices + 4 * 128 * 32) + 2 * 32 * 512
    assert forward_flops_per_token(SHAPE, "full", count_softmax=False) == full
    assert forward_flops_per_token(SHAPE, "causal", count_softmax=False) == full - 2 * (
        2 * 128 * 32
    )
    assert forward_flops_per_token(SHAPE, "full", count_softmax=True) == full + 2 * 3 * 128 * 2


def test_parameters_and_forward_flops_of_an_lstm_by_hand():
    counted = count_parameters(LSTM)
    matrices = 4 * 32 * (32 + 32)
    assert (counted.embedding, counted.head, counted.transformer) == (
        16_384,
        16_384,
        2 * (matrices + 2 * 4 * 32),
    )
    flops = 2 * 2 * matrices + 2 * 32 * 512
    for attention, softmax in (("full", True), ("causal", False)):
        assert forward_flops_per_token(LSTM, attention, softmax) == flops


def test_the_paper_formula():
    d, heads, layers, length, vocab = 512, 4, 6, 4096, 128_256
    shape = Shape(
        width=d,
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=128,
        intermediate=4 * d,
        vocab_size=vocab,
        context_length=length,
    )
    expected = (
        layers * (24 * d**2 + 6 * d**2 + 2 * d**2 + 4 * length * d + 3 * length * heads)
        + 2 * d * vocab
    )
    assert forward_flops_per_token(shape, "full", count_softmax=True) == expected


@pytest.mark.parametrize(
    "shape",
    [
        SHAPE,
        replace(SHAPE, heads=4, kv_heads=2, head_dim=10, intermediate=48),
        LSTM,
        replace(LSTM, width=25, layers=1),
    ],
)
def test_flops_of_a_real_step_agree_within_one_percent(shape):
    decoder = build_decoder(shape)
    initialise(decoder, 0)
    tokens = torch.zeros((2, shape.context_length), dtype=torch.long)
    # Torch counts neither fused attention nor oneDNN's LSTM: without them it runs the products of
    # every position one by one.
    with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False):
        with FlopCounterMode(display=False) as forward:
            loss = decoder(tokens).sum()
        with FlopCounterMode(display=False) as backward:
            loss.backward()
    planned = forward_flops_per_token(shape, "full", count_softmax=False) * tokens.numel()
    if shape.architecture == "lstm":
        assert forward.get_total_flops() == planned
    assert forward.get_total_flops() == pytest.approx(planned, rel=0.01)
    # A whole training step, the loss in it: three times the forward pass, as each recipe counts.
    assert forward.get_total_flops() + backward.get_total_flops() == pytest.approx(
        3 * planned, rel=0.01
    )


def test_steps_are_the_nearest():
    assert steps_for(1000.0, 10, 2, 5) == 10
    assert steps_for(1049.0, 10, 2, 5) == 10
    assert steps_for(1051.0, 10, 2, 5) == 11
