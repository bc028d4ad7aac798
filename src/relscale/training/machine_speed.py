"""Measure the speed of training steps on this machine, for the cost that `relscale plan` prints.

Where the native step trains the runs, it is measured in 10 seconds of CPU time (`calibrate`); else
the step in torch, on the device of the runs, for 50 steps of the three largest shapes
(`calibrate_torch`).

Nothing else reads the measurement, so that it decides neither results nor their staleness.
"""

import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from relscale.config.costs import Costs
from relscale.plan.cost import STATED
from relscale.plan.planned_run import Run
from relscale.training.native_build import UnavailableError, load_library, supports
from relscale.training.native_trainer import NativeTrainer

SECONDS = 10.0
"""Duration of the measurement."""
SHAPES = 3
"""Different shapes that are measured."""
TORCH_STEPS = 50
"""Steps in torch that are measured per shape."""
TORCH_SECONDS = 60.0
"""Seconds per shape after which fewer steps in torch are enough."""
JOB = "relscale.stages.train"
"""Module that a training job imports."""
Step = Callable[[], None]
"""One optimiser step."""
TorchSteps = tuple[Step, Callable[[], None]]
"""One optimiser step that may not wait for the device, and a function that does."""


@dataclass(frozen=True, kw_only=True)
class MachineSpeed:
    """The measured speed of one core or one GPU of this machine."""

    machine: str
    """Processor or GPU, and the step: native with its level of instructions, or torch."""
    flops_per_s: float
    """Training FLOPs per second, without the overhead of steps."""
    step_overhead_s: float
    """Seconds per step in addition."""
    start_s: float
    """Seconds of a job before its first step."""
    timings: tuple[tuple[Run, float], ...]
    """The runs whose shapes were measured, with seconds per step."""

    def applied(self, costs: Costs) -> Costs:
        """Return costs with the measured speed in place of the stated one."""
        return costs.model_copy(
            update={
                "peak_flops_per_s": self.flops_per_s / costs.utilisation,
                "step_overhead_s": self.step_overhead_s,
                "layer_overhead_s": 0.0,
                "start_s": self.start_s,
            }
        )

    def text(self) -> str:
        """Return the machine and the measured times, in words."""
        measured = ", ".join(
            f"{1000 * seconds:.3g} ms at d{run.shape.width}-L{run.shape.layers}-B{run.batch_size}"
            for run, seconds in self.timings
        )
        return f"measured on this machine ({self.machine}; one step takes {measured})"


def calibrate(
    runs: Iterable[Run],
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.process_time,
    step_of: Callable[[Run], Step] | None = None,
    start_of: Callable[[], float] | None = None,
) -> MachineSpeed:
    """Measure the speed of a few of the planned shapes.

    Args:
        runs: the planned runs.
        seconds: duration of the measurement, by the clock.
        clock: seconds of CPU time of this process, which other processes hardly change.
        step_of: returns a function that takes one step of a run; None takes the native step.
        start_of: returns the seconds before a job's first step; None starts an interpreter that
            imports what a training job imports.

    Raises:
        UnavailableError: if the native step of this machine does not train all of the runs.
    """
    everything = list(runs)
    if step_of is None:
        _check_native(everything)
    chosen = representative(everything)
    timings = [
        (run, _seconds_per_step((step_of or native_step)(run), seconds / len(chosen), clock))
        for run in chosen
    ]
    overhead, rate = fit_speed([(run.training_flops / run.steps, time) for run, time in timings])
    return MachineSpeed(
        machine=machine(),
        flops_per_s=rate,
        step_overhead_s=overhead,
        start_s=(start_of or start_seconds)(),
        timings=tuple(timings),
    )


def calibrate_torch(
    runs: Iterable[Run],
    clock: Callable[[], float] = time.perf_counter,
    trainer_of: Callable[[Run], TorchSteps] | None = None,
    start_of: Callable[[], float] | None = None,
) -> MachineSpeed:
    """Measure the step in torch: `TORCH_STEPS` steps of the largest of the planned shapes.

    Args:
        runs: the planned runs.
        clock: seconds of wall-clock time, since a GPU uses no CPU time.
        trainer_of: returns the steps of a run to measure; None trains it on random tokens.
        start_of: returns the seconds before a job's first step; None starts an interpreter that
            imports what a training job imports.

    Raises:
        UnavailableError: if the runs are trained on a GPU and torch finds none.
    """
    chosen = largest(list(runs))
    timings: list[tuple[Run, float]] = []
    for run in chosen:
        take, finish = (trainer_of or torch_steps)(run)
        take()
        finish()  # the first step compiles kernels and allocates memory
        begin, steps = clock(), 0
        while steps < TORCH_STEPS and (steps == 0 or clock() - begin < TORCH_SECONDS):
            take()
            steps += 1
        finish()
        timings.append((run, (clock() - begin) / steps))
    overhead, rate = fit_speed([(run.training_flops / run.steps, time) for run, time in timings])
    return MachineSpeed(
        machine=f"{_torch_device(chosen[0])}, step in torch",
        flops_per_s=rate,
        step_overhead_s=overhead,
        start_s=(start_of or start_seconds)(),
        timings=tuple(timings),
    )


def measured_costs(runs: Iterable[Run], costs: Costs) -> tuple[Costs, str]:
    """Return costs with the measured speed, and words for their source.

    Where neither step can train the runs on this machine, the costs stay as they are, and the words
    say so.
    """
    everything = list(runs)
    try:
        try:
            found = calibrate(everything)
        except UnavailableError:
            found = calibrate_torch(everything)
    except UnavailableError as error:
        return costs, f"{STATED}; not measured on this machine, since {error}"
    return found.applied(costs), found.text()


def largest(runs: Sequence[Run]) -> list[Run]:
    """Return runs of the `SHAPES` shapes with the most FLOPs per step, smallest first."""
    ordered = sorted(runs, key=lambda run: (run.training_flops / run.steps, run.run))
    return list({(run.shape, run.batch_size): run for run in ordered}.values())[-SHAPES:]


def representative(runs: Sequence[Run]) -> list[Run]:
    """Return runs in the middle of each third of the suite's FLOPs, by FLOPs per step."""
    ordered = sorted(runs, key=lambda run: (run.training_flops / run.steps, run.run))
    total, done = sum(run.training_flops for run in ordered), 0
    chosen: list[Run] = []
    for run in ordered:
        done += run.training_flops
        while len(chosen) < SHAPES and done >= total * (len(chosen) + 0.5) / SHAPES:
            chosen.append(run)
    return list({(run.shape, run.batch_size): run for run in chosen}.values())


def fit_speed(timings: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Fit seconds = overhead + FLOPs / rate, with the overhead at least 0.

    The relative errors are squared, so that every shape counts the same.

    Args:
        timings: FLOPs and seconds of one step of each shape.

    Returns:
        The overhead in seconds, and the rate in FLOPs per second.
    """
    flops, seconds = np.array(timings, dtype=np.float64).T
    design = np.stack([1 / seconds, flops / seconds], axis=1)
    if len(timings) > 1:
        scale = design.max(axis=0)
        overhead, per_flop = np.linalg.lstsq(design / scale, np.ones(len(seconds)))[0] / scale
        if overhead >= 0 and per_flop > 0:
            return float(overhead), float(1 / per_flop)
    share = design[:, 1]
    return 0.0, float(np.sum(share**2) / np.sum(share))


def _seconds_per_step(step: Step, seconds: float, clock: Callable[[], float]) -> float:
    """Return the median over blocks of steps; the first step does not count."""
    step()
    begin = clock()
    step()
    block = max(1, round(seconds / 20 / max(clock() - begin, 1e-9)))
    found: list[float] = []
    end = clock() + seconds
    while not found or clock() < end:
        before = clock()
        for _ in range(block):
            step()
        found.append((clock() - before) / block)
    return median(found)


def native_step(run: Run) -> Step:
    """Return a function that takes one step of a run by the native step, on random tokens."""
    trainer = NativeTrainer(run.shape, run.choices, run.optimiser, run.seed)
    size = (run.batch_size, run.shape.context_length + 1)
    batch = np.random.default_rng(0).integers(0, run.shape.vocab_size, size)

    def step() -> None:
        # A small rate: many steps on one batch must not diverge.
        trainer.update(batch, 1e-3)

    return step


def torch_steps(run: Run) -> TorchSteps:
    """Return functions that take one step of a run in torch and that wait for all steps.

    Raises:
        UnavailableError: if the run is trained on a GPU and torch finds none.
    """
    from relscale.training.build import build_trainer

    _torch_device(run)
    trainer = build_trainer(run.spec().model_copy(update={"implementation": "torch"}), threads=1)
    size = (run.batch_size, run.shape.context_length + 1)
    batch = np.random.default_rng(0).integers(0, run.shape.vocab_size, size)

    def take() -> None:
        # A small rate: many steps on one batch must not diverge.
        trainer.update(batch, 1e-3)

    def finish() -> None:
        trainer.losses()  # reads from the device, so that it waits for it

    return take, finish


def _torch_device(run: Run) -> str:
    """Return the name of the device on which torch trains a run.

    Raises:
        UnavailableError: if it is a GPU and torch finds none.
    """
    if run.device != "gpu":
        return _processor()
    import torch

    if not torch.cuda.is_available():
        raise UnavailableError(f"{run.run} is trained on a GPU and torch finds none")
    return torch.cuda.get_device_name()


def start_seconds() -> float:
    """Return the CPU seconds in which a training job starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {JOB}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def machine() -> str:
    """Return the processor's name and the level of instructions of the native step."""
    return f"{_processor()}, native step, {load_library().level}"


def _processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (info.read_text() if info.is_file() else "").splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def _check_native(runs: Sequence[Run]) -> None:
    for run in runs:
        if run.device != "cpu":
            raise UnavailableError(f"{run.run} is trained on a GPU")
        if run.implementation == "torch":
            raise UnavailableError(f"{run.run} is trained by torch (training.implementation)")
        if not (found := supports(run.shape, run.choices, run.optimiser)):
            raise UnavailableError(f"{run.run}: {found.reason}")
