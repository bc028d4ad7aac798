"""Checkpoints of one run: a folder keyed by everything that defines the run, held by one process at
a time. Light imports: no torch.

A checkpoint is `step-<n>.safetensors` (the state of the training step) and `step-<n>.json` (the
loop's state and the sum of the other file), each written beside and moved into place, the JSON
last: what has no JSON is not there. The latest two are kept, so that the last good one survives a
full disk and a damaged file.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from relscale.files import read_json, replacing, sha256_of, write_json

KEPT = 2
"""Checkpoints that are kept of a run."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a run goes on from."""

    step: int
    """Steps done."""
    state: dict[str, np.ndarray]
    """State of the training step."""
    loop: dict[str, Any]
    """State of the loop, as JSON values."""


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(
        self, folder: Path, *, every_steps: int | None = None, every_minutes: float = 10.0
    ) -> None:
        """Use a folder; it is made when it is first held.

        Args:
            folder: this run's own.
            every_steps: save after so many steps; None goes by time alone.
            every_minutes: save after so many minutes.
        """
        self.folder = folder
        self._every_steps = every_steps
        self._every_s = 60 * every_minutes
        self._saved_at = time.monotonic()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder, alone; where another process has it, say which and wait for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                print(
                    f"{self.folder}: held by {handle.read().strip() or 'another process'}; waiting for it",
                    flush=True,
                )
                fcntl.flock(handle, fcntl.LOCK_EX)
            handle.truncate(0)
            handle.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            handle.flush()
            yield

    def due(self, step: int) -> bool:
        """Tell whether it is time to save after so many steps."""
        by_steps = self._every_steps is not None and step % self._every_steps == 0
        return by_steps or time.monotonic() - self._saved_at >= self._every_s

    def save(self, step: int, state: Mapping[str, np.ndarray], loop: Mapping[str, Any]) -> None:
        """Save a checkpoint, then remove all but the latest two.

        Raises:
            ValueError: where it cannot be written; the last good one is still there.
        """
        path = self._path(step)
        try:
            with replacing(path) as temporary:
                save_file(dict(state), temporary)
                digest = sha256_of(temporary)
            write_json(
                path.with_suffix(".json"), {"step": step, "sha256": digest, "loop": dict(loop)}
            )
        except (OSError, SafetensorError) as error:
            raise ValueError(
                f"{path}: the checkpoint cannot be written: {error}; the last good one is {self._last_good()}"
            ) from error
        self._saved_at = time.monotonic()
        for old in self._steps()[:-KEPT]:
            self._path(old).with_suffix(".json").unlink()
            self._path(old).unlink(missing_ok=True)

    def latest(self) -> Checkpoint | None:
        """Return the latest checkpoint whose sum is right, or None; a damaged one is named and
        passed over."""
        for step in reversed(self._steps()):
            path = self._path(step)
            try:
                saved = read_json(path.with_suffix(".json"))
                if sha256_of(path) != saved["sha256"]:
                    raise ValueError(f"{path}: its sum is not the recorded one")
                return Checkpoint(step=saved["step"], state=load_file(path), loop=saved["loop"])
            except (OSError, ValueError, KeyError, SafetensorError, json.JSONDecodeError) as error:
                print(f"{path}: damaged, passed over: {error}", flush=True)
        return None

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:09d}.safetensors"

    def _steps(self) -> list[int]:
        """Return the steps of the checkpoints that are there, rising."""
        return sorted(
            int(path.stem.removeprefix("step-")) for path in self.folder.glob("step-*.json")
        )

    def _last_good(self) -> str:
        steps = self._steps()
        return f"that of step {steps[-1]}" if steps else "none"
