"""The training loop: windows of tokens in, a trained model and its loss curve out.

Read `train` first. The same spec, implementation and number of threads give the same bytes, whether
the run was interrupted or not. Light imports: no torch.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from relscale.plan.run_spec import RunSpec
from relscale.text.mixture import Mixture
from relscale.training.checkpoint import Checkpoints
from relscale.training.curve import CurvePoint
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup
from relscale.training.schedule import schedule
from relscale.training.seeds import order_seed
from relscale.training.stream import changed_stream
from relscale.training.trainer import Trainer

CURVE_POINTS = 100
"""Rows of a loss curve: each is the mean over an equal share of the steps."""
logger = logging.getLogger(__name__)


class InterruptedRunError(RuntimeError):
    """Raised when a run was asked to stop; its checkpoint is saved."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a training run."""

    curve: list[CurvePoint]
    """The loss curve; that of a diverged run ends before the first row that is not finite."""
    epochs: float
    """Windows seen over windows of the corpus."""
    excluded_reason: str | None
    """Why the run cannot be used: its loss, gradient or weights are not finite."""

    @property
    def status(self) -> Literal["trained", "diverged"]:
        """The result in one word."""
        return "trained" if self.excluded_reason is None else "diverged"


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """The connections of the training loop to the outside."""

    progress: Callable[[CurvePoint], None] = lambda point: None
    """Called with each new row of the loss curve, in order."""
    checkpoints: Checkpoints | None = None
    """Checkpoints of the run, locked by the main process; None saves none."""
    stop: Callable[[], bool] = lambda: False
    """Called after each step; where it returns true, the run is saved and interrupted."""


NO_HOOKS = Hooks()


def train(
    spec: RunSpec,
    tokens: np.ndarray | Mixture,
    trainer: Trainer,
    hooks: Hooks = NO_HOOKS,
    group: ProcessGroup = SINGLE_PROCESS,
) -> Outcome:
    """Train a model from its initial values, or from its latest checkpoint.

    Args:
        spec: of the run.
        tokens: token ids of the corpus, (num_tokens,), an unsigned integer memory map, or its
            weighted components.
        trainer: the model at its initial values.
        hooks: progress, checkpoints and a request to stop.
        group: the processes that train the run together; each calls this function.

    Raises:
        InterruptedRunError: if `hooks.stop` returned true in any process.
        ValueError: if a checkpoint cannot be written or does not fit the model.
    """
    steps, checkpoints = spec.steps, hooks.checkpoints
    done, book = _resume(trainer, checkpoints, steps, group)
    if (most := group.max(done)) != done:
        raise RuntimeError(f"rank {group.rank} resumes after step {done}, another after {most}")
    batches, epochs = _batches(spec, tokens, trainer, done)
    marks = {math.ceil(steps * point / CURVE_POINTS) for point in range(1, CURVE_POINTS + 1)}
    for step in range(done + 1, steps + 1):
        factor = schedule(step - 1, steps, spec.optimiser)
        trainer.update(next(batches), factor)
        stopping, due = group.any(
            step < steps and hooks.stop(),
            checkpoints is not None and group.is_main_process and checkpoints.due(step),
        )
        saving = checkpoints is not None and (stopping or due or step == steps)
        if step in marks or saving:
            book.collect(trainer)
            if wrong := book.not_finite():
                first = step - len(book.losses)
                reason = f"diverged: {wrong} between steps {first} and {step} of {steps}"
                return Outcome(curve=book.curve, epochs=epochs, excluded_reason=reason)
        if step in marks:
            rate = factor * spec.optimiser.learning_rate
            tokens_per_step = spec.batch_size * spec.shape.context_length
            hooks.progress(book.close_row(trainer, step, tokens_per_step, rate))
        if saving and checkpoints is not None:
            _save(checkpoints, step, trainer, book, group)
        if stopping:
            group.barrier()  # nobody leaves before the checkpoint is written
            raise InterruptedRunError(f"stopped after step {step} of {steps}")
    # The loss of the last step was computed before its update.
    last = None if trainer.is_finite() else f"diverged: weights are not finite after step {steps}"
    return Outcome(curve=book.curve, epochs=epochs, excluded_reason=last)


def _batches(
    spec: RunSpec, tokens: np.ndarray | Mixture, trainer: Trainer, done: int
) -> tuple[Iterator[Any], float]:
    """Return the batches of the steps that remain, and the epochs of the whole run."""
    size = spec.batch_size
    order, read, windows_per_epoch = changed_stream(
        tokens, spec.shape.context_length, order_seed(spec), skip=done * size, data=spec.data
    )
    batches = trainer.batches(
        read(np.fromiter(order, dtype=np.int64, count=size)) for _ in range(done, spec.steps)
    )
    return batches, spec.steps * size / windows_per_epoch


@dataclass
class _Book:
    """The loss curve so far, and the steps since its last row."""

    curve: list[CurvePoint] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """Wall time since the last row, before `began`."""
    began: float = field(default_factory=time.monotonic)

    def collect(self, trainer: Trainer) -> None:
        self.losses.extend(map(float, trainer.losses()))
        self.norms.extend(map(float, trainer.gradient_norms()))

    def not_finite(self) -> str | None:
        """Return the first value since the last row that is not finite, as text, or None."""
        for name, values in (("loss", self.losses), ("gradient norm", self.norms)):
            wrong = next((value for value in values if not math.isfinite(value)), None)
            if wrong is not None:
                return f"{name} is {wrong}"
        return None

    def close_row(
        self, trainer: Trainer, step: int, tokens_per_step: int, learning_rate: float
    ) -> CurvePoint:
        seconds = self.seconds + time.monotonic() - self.began
        self.curve.append(
            CurvePoint(
                step=step,
                tokens=step * tokens_per_step,
                learning_rate=learning_rate,
                loss_nats_per_token=math.fsum(self.losses) / len(self.losses),
                gradient_norm=math.fsum(self.norms) / len(self.norms),
                tokens_per_second=len(self.losses) * tokens_per_step / max(seconds, 1e-9),
                memory_mib=trainer.peak_memory_mib(),
            )
        )
        self.losses, self.norms, self.seconds, self.began = [], [], 0.0, time.monotonic()
        return self.curve[-1]

    def state(self) -> dict[str, Any]:
        """Return the state of this book for a resumed run, as JSON values."""
        seconds = self.seconds + time.monotonic() - self.began
        return {
            "curve": [asdict(row) for row in self.curve],
            "losses": self.losses,
            "norms": self.norms,
            "seconds": seconds,
        }


def _save(
    checkpoints: Checkpoints, step: int, trainer: Trainer, book: _Book, group: ProcessGroup
) -> None:
    """Save a checkpoint; all processes of a group take part."""
    if trainer.parts is not None:
        checkpoints.save_parts(step, trainer.parts.write, book.state(), group)
        return
    state = trainer.state()
    if group.is_main_process:
        checkpoints.save(step, state, book.state())


def _resume(
    trainer: Trainer, checkpoints: Checkpoints | None, steps: int, group: ProcessGroup
) -> tuple[int, _Book]:
    """Load the latest checkpoint into the trainer; return the steps done and the book.

    Raises:
        ValueError: if the checkpoint is that of another run.
    """
    saved = None if checkpoints is None else checkpoints.latest(group)
    if checkpoints is None or saved is None:
        return 0, _Book()
    if not 0 < saved.step <= steps:
        raise ValueError(
            f"{checkpoints.folder}: a checkpoint of step {saved.step}; the run has {steps} steps: "
            "remove the folder"
        )
    if (saved.parts is None) != (trainer.parts is None):
        raise ValueError(
            f"{checkpoints.folder}: the checkpoint of step {saved.step} has another form than this "
            "run's: remove the folder"
        )
    if saved.parts is not None and trainer.parts is not None:
        trainer.parts.read(saved.parts)
    else:
        trainer.load_state(saved.state)
    loop = saved.loop
    logger.info("resuming after step %d", saved.step)
    curve = [CurvePoint(**row) for row in loop["curve"]]
    return saved.step, _Book(
        curve=curve, losses=list(loop["losses"]), norms=list(loop["norms"]), seconds=loop["seconds"]
    )
