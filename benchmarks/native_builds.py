"""Compare the speed of two builds of the native step, such as before and after an edit.

    python benchmarks/native_builds.py OLD NEW [--shapes 32x2x2 64x3x4 128x4x16] [--rounds 200]

OLD and NEW are folders that hold a compiled library (`_native*.so`), without its sources. At every
level of instructions that both have on this machine, the builds take short turns of the same
training steps, in alternating order. Two turns next to each other share other load of the machine:
the figures are the ratio of the fastest turns, and the median of the ratios of
neighbours, of the CPU time of NEW over that of OLD.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from training import shape_of  # benchmarks/training.py

from relscale.plan.architecture import Choices
from relscale.plan.optimiser import AdamSettings
from relscale.training import native_build
from relscale.training.native_build import LEVELS, Library
from relscale.training.native_trainer import NativeTrainer

OPTIMISER = AdamSettings(
    learning_rate=1e-5,
    embedding_learning_rate=1e-5,
    head_learning_rate=1e-5,
    beta1=0.9,
    beta2=0.99,
    weight_decay=0.0,
    clip_norm=1.0,
    warmup_share=0.1,
    decay_share=0.5,
)


def steps_of(folder: Path, level: str, label: str) -> Callable[[int], float] | None:
    """Return a function that takes steps and returns their CPU seconds; None without the level."""
    functions = native_build._open(folder)
    pointer = functions.relscale_level(level.encode())
    if not pointer:
        return None
    shape, batch = shape_of(label)
    library = Library(functions=functions, level=level, pointer=pointer)
    trainer = NativeTrainer(shape, Choices(), OPTIMISER, 0, level=library)
    tokens = np.random.default_rng(0).integers(0, 512, (batch, shape.context_length + 1))

    def take(steps: int) -> float:
        begin = time.process_time()
        for _ in range(steps):
            trainer.update(tokens, 1.0)
        return time.process_time() - begin

    return take


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--shapes", nargs="+", default=["32x2x2", "64x3x4", "128x4x16"])
    parser.add_argument("--levels", nargs="+", default=[*LEVELS])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.02, help="of a turn")
    arguments = parser.parse_args()
    print("level     shape        new/old fastest   new/old median")
    for level in arguments.levels:
        for label in arguments.shapes:
            builds = [steps_of(folder, level, label) for folder in (arguments.old, arguments.new)]
            old, new = builds
            if old is None or new is None:
                continue
            old(2), new(2)
            steps = max(1, round(arguments.seconds / min(old(1), old(1))))
            times: list[tuple[float, float]] = []
            for number in range(arguments.rounds):
                if number % 2:
                    first = old(steps)
                    times.append((first, new(steps)))
                else:
                    second = new(steps)
                    times.append((old(steps), second))
            fastest = min(b for _, b in times) / min(a for a, _ in times)
            median = statistics.median(b / a for a, b in times)
            print(f"{level:9} {label:12} {fastest:15.3f} {median:16.3f}", flush=True)


if __name__ == "__main__":
    main()
