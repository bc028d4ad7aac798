"""A training job: train one run and write its model, curves and record. Light imports: no torch.

Read `train_run` first; it does all that one process does.
"""

import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from relscale.files import read_json
from relscale.plan.run_spec import RunSpec
from relscale.provenance.digests import spec_digest
from relscale.training.build import build_trainer, join_process_group
from relscale.training.checkpoint import Checkpoints
from relscale.training.curve import CurvePoint
from relscale.training.loop import Hooks, InterruptedRunError, train
from relscale.training.results import RunInputs, RunOutputs, save_run
from relscale.training.token_files import check_unchanged, file_stamps, read_tokens

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a training job runs; nothing here defines the run but threads and processes."""

    threads: int
    """Threads that torch may use."""
    processes: int
    """Processes that train the run together."""
    checkpoints: Path
    """Folder of the checkpoints of all runs, with one folder per run."""
    every_steps: int | None
    """Steps between checkpoints; None saves by time only."""
    every_minutes: float
    """Minutes between checkpoints."""
    tensorboard: Path | None
    """Folder of the TensorBoard files of all runs; None writes none."""


def train_run(inputs: RunInputs, outputs: RunOutputs, options: RunOptions) -> None:
    """Train a run in this process, together with the other processes of its group.

    Raises:
        InterruptedRunError: if SIGTERM arrived; the run resumes from its checkpoint when it is
            called again.
        ValueError: if tokens do not match their manifest, or the run cannot be trained here, or a
            file cannot be written.
    """
    spec = inputs.spec
    stamps = file_stamps(inputs.manifest)
    tokens = read_tokens(inputs.manifest)
    group = join_process_group(spec, options.processes)
    trainer = build_trainer(spec, options.threads, group)
    checkpoints = Checkpoints(
        options.checkpoints / checkpoint_key(inputs, stamps, trainer.name, options.threads),
        every_steps=options.every_steps,
        every_minutes=options.every_minutes,
    )
    reporters = list(_reporters(spec, options.tensorboard)) if group.is_main_process else []

    def progress(point: CurvePoint) -> None:
        for report in reporters:
            report(point)

    lock = checkpoints.locked() if group.is_main_process else nullcontext()
    try:
        with lock, noticing(signal.SIGTERM) as stop:
            group.barrier()  # the others wait until the main process holds the lock
            hooks = Hooks(progress=progress, checkpoints=checkpoints, stop=stop)
            outcome = train(spec, tokens, trainer, hooks, group)
            trainer.finish()
            if group.is_main_process:
                check_unchanged(inputs.manifest, stamps)
                if outcome.excluded_reason:
                    logger.warning("%s: %s", spec.name, outcome.excluded_reason)
                # Under the lock, so that no other process writes the same files.
                save_run(outcome, trainer, inputs, outputs, checkpoints.folder)
    except InterruptedRunError as error:
        if group.is_main_process:
            logger.warning("%s: %s; saved in %s", spec.name, error, checkpoints.folder)
        raise
    group.close()


def checkpoint_key(
    inputs: RunInputs, stamps: Sequence[object], trainer_name: str, threads: int
) -> str:
    """Return the name of the run's folder of checkpoints.

    It holds a digest of everything that defines the run, so that a run never resumes from the
    state of another run.
    """
    manifest = read_json(inputs.manifest)
    # The stamps of the files are part of the key: steps on a file that changed later are not
    # resumed from, whatever the file contains now.
    corpus = [manifest.get("components") or manifest["sha256"]["train.bin"], stamps]
    spec = inputs.spec.model_dump(mode="json")
    defined_by = [spec, corpus, trainer_name, threads, *inputs.defined_by]
    return f"{inputs.spec.name}-{spec_digest(defined_by)}"


@contextmanager
def noticing(number: signal.Signals) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether a signal arrived.

    The signal has no other effect inside the block.
    """
    arrived: list[int] = []
    before = signal.signal(number, lambda seen, frame: arrived.append(seen))
    try:
        yield lambda: bool(arrived)
    finally:
        signal.signal(number, before)


def _reporters(spec: RunSpec, tensorboard: Path | None) -> Iterator[Callable[[CurvePoint], None]]:
    """Yield functions that report a new row of the curve.

    One writes to the terminal or log, the other, if it is wanted, to TensorBoard's files.
    """
    bar = tqdm(total=spec.steps, unit="step", disable=not sys.stderr.isatty())

    def show(point: CurvePoint) -> None:
        bar.update(point.step - bar.n)
        tenths = [10 * step // spec.steps for step in (point.step - 1, point.step)]
        if bar.disable and tenths[1] > tenths[0]:
            logger.info(
                "%s: step %d of %d, %.4f nats per token",
                spec.name,
                point.step,
                spec.steps,
                point.loss_nats_per_token,
            )
        if point.step == spec.steps:
            bar.close()

    yield show
    if tensorboard is not None:
        from relscale.training.tensorboard import tensorboard_writer  # imports torch

        yield tensorboard_writer(tensorboard / spec.name)
