"""Training one run: windows of tokens in, a trained model and its loss curve out. Light imports: no torch.

Same spec, same step, same number of threads: same bytes, whether the run was interrupted or not.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from relscale.text.mixture import Mixture
from relscale.training.checkpoint import Checkpoints
from relscale.training.curve import CurvePoint
from relscale.training.schedule import schedule
from relscale.training.step import TrainingStep

CURVE_POINTS = 100
"""Rows of a loss curve: each is the mean over an equal share of the steps."""


class InterruptedRunError(RuntimeError):
    """Raised when a run was asked to stop; its checkpoint is saved."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a run."""

    curve: list[CurvePoint]
    """The loss curve; that of a diverged run ends before the first row that is not finite."""
    epochs: float
    """Windows seen over windows there are."""
    excluded_reason: str | None
    """Why the run cannot be used: where its loss or weights stopped being finite."""


def windows(num_tokens: int, context_length: int, seed: int, skip: int = 0) -> Iterator[int]:
    """Yield window numbers for ever: each epoch is a seeded permutation of all windows, the same for every size of model.

    Window w is the tokens from w * context_length on, context_length + 1 of them (the last one is only predicted).

    Args:
        num_tokens: tokens of the corpus.
        context_length: tokens of a window.
        seed: of the permutations.
        skip: windows to leave out at the beginning (those that were seen before a run was interrupted).

    Raises:
        ValueError: where there is not one whole window.
    """
    count = (num_tokens - 1) // context_length
    if count < 1:
        raise ValueError(f"{num_tokens} tokens hold no window of {context_length} + 1")
    epoch, begin = divmod(skip, count)
    while True:
        yield from np.random.default_rng((seed, epoch)).permutation(count)[begin:]
        epoch, begin = epoch + 1, 0


def stream(
    tokens: np.ndarray | Mixture, context_length: int, seed: int, skip: int = 0
) -> tuple[Iterator[int], Callable[[np.ndarray], np.ndarray], float]:
    """Return how a run reads its tokens.

    Args:
        tokens: one file's token ids, read in the order of `windows`, or a weighted mixture, read in its own order.
        context_length: tokens of a window.
        seed: of the order.
        skip: windows to leave out at the beginning.

    Returns:
        The window numbers, for ever; a function from window numbers to their tokens, (windows, context_length + 1); the windows of an
        epoch (for a mixture, of the component that is seen most often).

    Raises:
        ValueError: where there is not one whole window.
    """
    if isinstance(tokens, Mixture):
        order = tokens.order(context_length, seed, skip)
        return order, lambda numbers: tokens.read(numbers, context_length), tokens.windows_per_epoch(context_length)
    offsets = np.arange(context_length + 1)

    def read(numbers: np.ndarray) -> np.ndarray:
        return tokens[numbers[:, None] * context_length + offsets].astype(np.int64)

    return windows(len(tokens), context_length, seed, skip), read, max(1, (len(tokens) - 1) // context_length)


def train(
    spec: dict[str, Any],
    tokens: np.ndarray | Mixture,
    model: TrainingStep,
    *,
    progress: Callable[[CurvePoint], None] = lambda point: None,
    checkpoints: Checkpoints | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train a model from its initial values, or from its latest checkpoint.

    Args:
        spec: `plan.Run.spec()`.
        tokens: the corpus's token ids, (num_tokens,), an unsigned integer memory map, or its weighted components.
        model: the model in training, at its initial values.
        progress: called with each row of the loss curve that is new, in order.
        checkpoints: the run's, held by the caller; None keeps none.
        stop: asked after each step; where it says so, the run is saved and left.

    Raises:
        InterruptedRunError: where `stop` said so.
        ValueError: where a checkpoint cannot be written or does not fit the model.
    """
    steps, batch_size, length = spec["steps"], spec["batch_size"], spec["shape"]["context_length"]
    done, curve, pending = _resume(model, checkpoints)
    order, read, windows_per_epoch = stream(tokens, length, spec["seed"], skip=done * batch_size)
    marks = {math.ceil(steps * point / CURVE_POINTS) for point in range(1, CURVE_POINTS + 1)}
    epochs = steps * batch_size / windows_per_epoch

    def save(step: int) -> None:
        if checkpoints is not None:
            pending.extend(map(float, model.losses()))
            checkpoints.save(step, model.state(), {"curve": [astuple(point) for point in curve], "pending": pending})

    for step in range(done + 1, steps + 1):
        batch = read(np.fromiter(order, dtype=np.int64, count=batch_size))
        model.update(batch, schedule(step - 1, steps, spec["optimiser"]))
        if step in marks:
            pending.extend(map(float, model.losses()))
            mean = float(np.mean(pending))
            if not math.isfinite(mean):
                reason = f"diverged: loss is {mean} between steps {step - len(pending)} and {step} of {steps}"
                return Outcome(curve=curve, epochs=epochs, excluded_reason=reason)
            curve.append(CurvePoint(step=step, tokens=step * batch_size * length, loss_nats_per_token=mean))
            progress(curve[-1])
            pending.clear()
        if step < steps and stop():
            save(step)
            raise InterruptedRunError(f"stopped after step {step} of {steps}")
        if step == steps or (checkpoints is not None and checkpoints.due(step)):
            save(step)
    # The loss of the last step was taken before its update.
    not_finite = None if model.is_finite() else f"diverged: weights are not finite after step {steps}"
    return Outcome(curve=curve, epochs=epochs, excluded_reason=not_finite)


def _resume(model: TrainingStep, checkpoints: Checkpoints | None) -> tuple[int, list[CurvePoint], list[float]]:
    """Put the model where its latest checkpoint is; return the steps done, the curve and the losses since its last row."""
    saved = None if checkpoints is None else checkpoints.latest()
    if saved is None:
        return 0, [], []
    model.load_state(saved.state)
    curve = [CurvePoint(step=step, tokens=tokens, loss_nats_per_token=loss) for step, tokens, loss in saved.loop["curve"]]
    print(f"going on after step {saved.step}", flush=True)
    return saved.step, curve, list(saved.loop["pending"])
