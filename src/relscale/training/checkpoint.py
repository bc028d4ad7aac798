"""Checkpoints of one run, in a folder that one process at a time may use. Light imports: no torch.

A checkpoint consists of `step-<n>.safetensors` (the state of the trainer) and `step-<n>.json` (the
state of the loop and the checksum of the other file). Both are written under a temporary name and
renamed, the JSON last: without its JSON a checkpoint does not count. The latest two are kept, so
that a good one survives a full disk and a damaged file.
"""

import fcntl
import json
import logging
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

logger = logging.getLogger(__name__)
KEPT = 2
"""Number of checkpoints that are kept per run."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state from which a run resumes."""

    step: int
    """Optimiser steps done."""
    state: dict[str, np.ndarray]
    """State of the trainer."""
    loop: dict[str, Any]
    """State of the training loop, as JSON values."""


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(
        self, folder: Path, *, every_steps: int | None = None, every_minutes: float = 10.0
    ) -> None:
        """Use a folder; `locked` creates it.

        Args:
            folder: of this run only.
            every_steps: steps between checkpoints; None saves by time only.
            every_minutes: minutes between checkpoints.
        """
        self.folder = folder
        self._every_steps = every_steps
        self._every_s = 60 * every_minutes
        self._saved_at = time.monotonic()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder; if another process has the lock, log which one and wait for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                holder = handle.read().strip() or "another process"
                logger.info("%s: locked by %s; waiting for it", self.folder, holder)
                fcntl.flock(handle, fcntl.LOCK_EX)
            handle.truncate(0)
            handle.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            handle.flush()
            yield

    def due(self, step: int) -> bool:
        """Return whether a checkpoint is due after a step."""
        by_steps = self._every_steps is not None and step % self._every_steps == 0
        return by_steps or time.monotonic() - self._saved_at >= self._every_s

    def save(self, step: int, state: Mapping[str, np.ndarray], loop: Mapping[str, Any]) -> None:
        """Save a checkpoint, then remove all but the latest two.

        Raises:
            ValueError: if it cannot be written; the last good one is kept.
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
                f"{path}: the checkpoint cannot be written: {error}; "
                f"the last good one is {self._last_good()}"
            ) from error
        self._saved_at = time.monotonic()
        for old in self._steps()[:-KEPT]:
            self._path(old).with_suffix(".json").unlink()
            self._path(old).unlink(missing_ok=True)

    def latest(self) -> Checkpoint | None:
        """Return the latest checkpoint with a correct checksum, or None.

        Damaged checkpoints are logged and skipped.
        """
        for step in reversed(self._steps()):
            path = self._path(step)
            try:
                saved = read_json(path.with_suffix(".json"))
                if sha256_of(path) != saved["sha256"]:
                    raise ValueError(f"{path}: its checksum is not the recorded one")
                return Checkpoint(step=saved["step"], state=load_file(path), loop=saved["loop"])
            except (OSError, ValueError, KeyError, SafetensorError, json.JSONDecodeError) as error:
                logger.warning("%s: damaged, skipped: %s", path, error)
        return None

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:09d}.safetensors"

    def _steps(self) -> list[int]:
        """Return the steps of the saved checkpoints, ascending."""
        return sorted(
            int(path.stem.removeprefix("step-")) for path in self.folder.glob("step-*.json")
        )

    def _last_good(self) -> str:
        steps = self._steps()
        return f"that of step {steps[-1]}" if steps else "none"
