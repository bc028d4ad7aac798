"""Training one run: windows of tokens in, a trained decoder and its loss curve out. Same spec, same thread count: same bytes."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from relscale.training.curve import CurvePoint
from relscale.training.model import Decoder, initialise
from relscale.training.optim import make_optimiser
from relscale.training.schedule import schedule

CURVE_POINTS = 100
"""Rows of a loss curve: each is the mean over an equal share of the steps."""


class DivergedError(RuntimeError):
    """Raised when the loss or a weight is not finite; the message says at which step."""


def windows(num_tokens: int, context_length: int, seed: int) -> Iterator[int]:
    """Yield window numbers for ever: each epoch is a seeded permutation of all windows, the same for every size of model.

    Window w is the tokens from w * context_length on, context_length + 1 of them (the last one is only predicted).

    Raises:
        ValueError: where there is not one whole window.
    """
    count = (num_tokens - 1) // context_length
    if count < 1:
        raise ValueError(f"{num_tokens} tokens hold no window of {context_length} + 1")
    epoch = 0
    while True:
        yield from np.random.default_rng((seed, epoch)).permutation(count)
        epoch += 1


def train(spec: dict[str, Any], tokens: np.ndarray, decoder: Decoder, progress: Callable[[CurvePoint], None]) -> float:
    """Train a decoder in place, from its initialisation on.

    Args:
        spec: `plan.Run.spec()`.
        tokens: the corpus's token ids, (num_tokens,), an unsigned integer memory map.
        decoder: on the device it is to be trained on.
        progress: called with each row of the loss curve, in order.

    Returns:
        Epochs: tokens seen over tokens there are.

    Raises:
        DivergedError: where the loss, or a weight at the end, is not finite.
    """
    initialise(decoder, spec["seed"])
    steps, batch_size, length = spec["steps"], spec["batch_size"], decoder.shape.context_length
    device = decoder.lm_head.weight.device
    settings = spec["optimiser"]
    optimiser = make_optimiser(decoder, settings)
    order = windows(len(tokens), length, spec["seed"])
    offsets = np.arange(length + 1)
    losses = torch.zeros(steps, device=device)
    marks = sorted({math.ceil(steps * point / CURVE_POINTS) for point in range(1, CURVE_POINTS + 1)})
    previous, next_mark = 0, 0
    for step in range(steps):
        starts = np.fromiter(order, dtype=np.int64, count=batch_size) * length
        batch = torch.from_numpy(tokens[starts[:, None] + offsets].astype(np.int64)).to(device)  # (batch, length + 1)
        logits = decoder(batch[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()
        optimiser.step(schedule(step, steps, settings))
        losses[step] = loss.detach()
        if step + 1 == marks[next_mark]:
            mean = losses[previous : step + 1].mean().item()
            if not math.isfinite(mean):
                raise DivergedError(f"loss is {mean} between steps {previous} and {step + 1} of {steps}")
            progress(CurvePoint(step=step + 1, tokens=(step + 1) * batch_size * length, loss_nats_per_token=mean))
            previous, next_mark = step + 1, next_mark + 1
    # The loss of the last step was taken before its update.
    if not all(bool(parameter.isfinite().all()) for parameter in decoder.parameters()):
        raise DivergedError(f"weights are not finite after step {steps}")
    return steps * batch_size / ((len(tokens) - 1) // length)
