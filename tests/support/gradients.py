"""Exact gradients of a decoder, and how far float32 gradients may be from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import torch
from rounding import UNIT_ROUNDOFF, float32_error, roundings_of_a_gradient
from torch import Tensor, nn
from torch.nn import functional

from relscale.plan.architecture import Choices, Shape
from relscale.training.architectures.qwen3 import Decoder

Values = dict[str, np.ndarray]


def autograd(
    shape: Shape,
    choices: Choices,
    values: Values,
    batch: np.ndarray,
    precision: torch.dtype = torch.float64,
) -> tuple[float, Values]:
    """Return the mean loss of a batch and its gradient by name, as torch computes them."""
    return _loss_and_gradients(_decoder(shape, choices, values, precision), batch)


def gradient_errors(
    shape: Shape, choices: Choices, values: Values, batch: np.ndarray
) -> dict[str, float]:
    """Return the largest plausible error of each tensor's float32 gradient.

    Two causes add up. Sums round, in proportion to the size of their terms, which can be far above
    the sum: with one position the softmax has no gradient at all, and float32 gives the rest
    of terms that cancel. And where the gradient itself is sensitive (a norm over one or two
    features), it changes as much as it does when each weight moves by a last bit.
    """
    exact = autograd(shape, choices, values, batch)[1]
    with _constant_normalisers():
        terms = autograd(shape, choices, values, batch)[1]
    generator = np.random.default_rng(0)
    change = dict.fromkeys(exact, 0.0)
    for _ in range(4):
        moved = {
            name: value * (1 + UNIT_ROUNDOFF * generator.standard_normal(value.shape))
            for name, value in values.items()
        }
        for name, gradient in autograd(shape, choices, moved, batch)[1].items():
            change[name] = max(change[name], float(np.abs(gradient - exact[name]).max()))
    roundings = roundings_of_a_gradient(shape, len(batch))
    errors = {}
    for name, gradient in exact.items():
        size = max(np.abs(gradient).max(), np.abs(terms[name]).max())
        errors[name] = float32_error(float(size), roundings) + 4 * change[name]
    return errors


def _decoder(shape: Shape, choices: Choices, values: Values, precision: torch.dtype) -> Decoder:
    decoder = Decoder(shape, choices).to(precision)
    decoder.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    return decoder


def _loss_and_gradients(decoder: Decoder, batch: np.ndarray) -> tuple[float, Values]:
    tokens = torch.from_numpy(batch)
    loss = functional.cross_entropy(decoder(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    loss.backward()
    return loss.item(), {
        name: parameter.grad.numpy() for name, parameter in decoder.named_parameters()
    }


@contextmanager
def _constant_normalisers() -> Iterator[None]:
    """Give softmax and RMSNorm a constant normaliser, so that gradients keep the terms from which
    the normaliser's gradient would be subtracted."""
    with (
        patch.object(functional, "scaled_dot_product_attention", _attention),
        patch.object(nn.RMSNorm, "forward", _norm),
    ):
        yield


def _norm(module: nn.RMSNorm, hidden: Tensor) -> Tensor:
    scale = (hidden.pow(2).mean(-1, keepdim=True) + module.eps).rsqrt()
    return hidden * scale.detach() * module.weight


def _attention(
    query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool, enable_gqa: bool
) -> Tensor:
    repeats, time = query.shape[1] // key.shape[1], query.shape[2]
    key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    future = torch.ones(time, time, dtype=torch.bool).triu(1)
    scores = (query @ key.transpose(2, 3) / query.shape[-1] ** 0.5).masked_fill(future, -torch.inf)
    return (scores - scores.logsumexp(-1, keepdim=True).detach()).exp() @ value
