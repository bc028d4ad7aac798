"""Training one run: windows of tokens in, a trained model and its loss curve out. Light imports: no
torch.

Same spec, same step, same number of threads: same bytes, whether the run was interrupted or not.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from relscale.text.mixture import Mixture
from relscale.training.checkpoint import Checkpoints
from relscale.training.curve import CurvePoint
from relscale.training.process_group import Team
from relscale.training.schedule import schedule
from relscale.training.train_step import TrainingStep

CURVE_POINTS = 100
"""Rows of a loss curve: each is the mean over an equal share of the steps."""


ALONE = Team()


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
    """Why the run cannot be used: where its loss, gradient or weights stopped being finite."""

    @property
    def status(self) -> str:
        """What became of it in one word: `trained` or `diverged`."""
        return "trained" if self.excluded_reason is None else "diverged"


def windows(num_tokens: int, context_length: int, seed: int, skip: int = 0) -> Iterator[int]:
    """Yield window numbers for ever: each epoch is a seeded permutation of all windows, the same
    for every size of model.

    Window w is the tokens from w * context_length on, context_length + 1 of them (the last one is
    only predicted).

    Args:
        num_tokens: tokens of the corpus.
        context_length: tokens of a window.
        seed: of the permutations.
        skip: windows to leave out at the beginning (those that were seen before a run was
            interrupted).

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
        tokens: one file's token ids, read in the order of `windows`, or a weighted mixture, read in
            its own order.
        context_length: tokens of a window.
        seed: of the order.
        skip: windows to leave out at the beginning.

    Returns:
        The window numbers, for ever; a function from window numbers to their tokens, (windows,
        context_length + 1); the windows of an epoch (for a mixture, of the component that is seen
        most often).

    Raises:
        ValueError: where there is not one whole window.
    """
    if isinstance(tokens, Mixture):
        order = tokens.order(context_length, seed, skip)
        return (
            order,
            lambda numbers: tokens.read(numbers, context_length),
            tokens.windows_per_epoch(context_length),
        )
    offsets = np.arange(context_length + 1)

    def read(numbers: np.ndarray) -> np.ndarray:
        return tokens[numbers[:, None] * context_length + offsets].astype(np.int64)

    return (
        windows(len(tokens), context_length, seed, skip),
        read,
        max(1, (len(tokens) - 1) // context_length),
    )


def train(
    spec: dict[str, Any],
    tokens: np.ndarray | Mixture,
    model: TrainingStep,
    *,
    progress: Callable[[CurvePoint], None] = lambda point: None,
    checkpoints: Checkpoints | None = None,
    stop: Callable[[], bool] = lambda: False,
    team: Team = ALONE,
) -> Outcome:
    """Train a model from its initial values, or from its latest checkpoint.

    Args:
        spec: `plan.Run.spec()`.
        tokens: the corpus's token ids, (num_tokens,), an unsigned integer memory map, or its
            weighted components.
        model: the model in training, at its initial values.
        progress: called with each row of the loss curve that is new, in order.
        checkpoints: the run's, held by the leader's caller; None keeps none.
        stop: asked after each step; where it says so, the run is saved and left.
        team: the processes that train the run together, each with a call of its own.

    Raises:
        InterruptedRunError: where `stop` said so, in any process.
        ValueError: where a checkpoint cannot be written or does not fit the model.
    """
    steps, batch_size, length = spec["steps"], spec["batch_size"], spec["shape"]["context_length"]
    done, book = _resume(model, checkpoints)
    if (highest := team.highest(done)) != done:
        raise RuntimeError(
            f"process {team.rank} goes on after step {done}, another one after step {highest}"
        )
    order, read, windows_per_epoch = stream(tokens, length, spec["seed"], skip=done * batch_size)
    marks = {math.ceil(steps * point / CURVE_POINTS) for point in range(1, CURVE_POINTS + 1)}
    epochs = steps * batch_size / windows_per_epoch
    batches = model.batches(
        read(np.fromiter(order, dtype=np.int64, count=batch_size)) for _ in range(done, steps)
    )
    for step in range(done + 1, steps + 1):
        factor = schedule(step - 1, steps, spec["optimiser"])
        model.update(next(batches), factor)
        stopping, due = team.any(
            step < steps and stop(),
            checkpoints is not None and team.leads and checkpoints.due(step),
        )
        saving = checkpoints is not None and (stopping or due or step == steps)
        if step in marks or saving:
            book.collect(model)
            if wrong := book.not_finite():
                reason = f"diverged: {wrong} between steps {step - len(book.losses)} and {step} of {steps}"
                return Outcome(curve=book.curve, epochs=epochs, excluded_reason=reason)
        if step in marks:
            progress(
                book.close_row(
                    model, step, batch_size * length, factor * spec["optimiser"]["learning_rate"]
                )
            )
        if saving and checkpoints is not None:
            state = model.state()
            if team.leads:
                checkpoints.save(step, state, book.state())
        if stopping:
            team.any()  # nobody leaves before the checkpoint is written
            raise InterruptedRunError(f"stopped after step {step} of {steps}")
    # The loss of the last step was taken before its update.
    not_finite = (
        None if model.is_finite() else f"diverged: weights are not finite after step {steps}"
    )
    return Outcome(curve=book.curve, epochs=epochs, excluded_reason=not_finite)


@dataclass
class _Book:
    """The loss curve so far, and the steps since its last row."""

    curve: list[CurvePoint] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """Of wall time since the last row, before `began`."""
    began: float = field(default_factory=time.monotonic)

    def collect(self, model: TrainingStep) -> None:
        self.losses.extend(map(float, model.losses()))
        self.norms.extend(map(float, model.gradient_norms()))

    def not_finite(self) -> str | None:
        """Say what is not finite since the last row."""
        for name, values in (("loss", self.losses), ("gradient norm", self.norms)):
            wrong = next((value for value in values if not math.isfinite(value)), None)
            if wrong is not None:
                return f"{name} is {wrong}"
        return None

    def close_row(
        self, model: TrainingStep, step: int, tokens_a_step: int, learning_rate: float
    ) -> CurvePoint:
        seconds = self.seconds + time.monotonic() - self.began
        self.curve.append(
            CurvePoint(
                step=step,
                tokens=step * tokens_a_step,
                learning_rate=learning_rate,
                loss_nats_per_token=float(np.mean(self.losses)),
                gradient_norm=float(np.mean(self.norms)),
                tokens_per_second=len(self.losses) * tokens_a_step / max(seconds, 1e-9),
                memory_mib=model.peak_memory_mib(),
            )
        )
        self.losses, self.norms, self.seconds, self.began = [], [], 0.0, time.monotonic()
        return self.curve[-1]

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs of it, as JSON values."""
        seconds = self.seconds + time.monotonic() - self.began
        return {
            "curve": [asdict(row) for row in self.curve],
            "losses": self.losses,
            "norms": self.norms,
            "seconds": seconds,
        }


def _resume(model: TrainingStep, checkpoints: Checkpoints | None) -> tuple[int, _Book]:
    """Put the model where its latest checkpoint is; return the steps done and the book."""
    saved = None if checkpoints is None else checkpoints.latest()
    if saved is None:
        return 0, _Book()
    model.load_state(saved.state)
    loop = saved.loop
    print(f"going on after step {saved.step}", flush=True)
    curve = [CurvePoint(**row) for row in loop["curve"]]
    return saved.step, _Book(
        curve=curve, losses=list(loop["losses"]), norms=list(loop["norms"]), seconds=loop["seconds"]
    )
