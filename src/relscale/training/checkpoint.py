"""Checkpoints of one run, in a folder that one process at a time may use. Light imports: no torch.

A checkpoint consists of `step-<n>.safetensors` (the state of the trainer) and `step-<n>.json` (the
step, the state of the loop, the checksum of the other file, and a checksum of all these). Both are
written under a temporary name and renamed, the JSON last: without its JSON a checkpoint does not
count. The latest two are kept, so that a good one survives a full disk and a damaged file.
"""

import fcntl
import logging
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from relscale.files import read_json, replacing, sha256_of, write_json
from relscale.provenance.digests import spec_digest

logger = logging.getLogger(__name__)
KEPT = 2
"""Number of checkpoints that are kept per run."""
NAME = re.compile(r"step-(\d{9,})\.json")
"""Name of the JSON file of a checkpoint, with its step."""


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
        """Lock the folder; if another process has the lock, log which one and wait for it.

        Temporary files of killed processes are removed.

        Raises:
            ValueError: if the folder cannot be created or written to.
        """
        with self._open_lock():
            yield

    def _open_lock(self) -> TextIO:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = (self.folder / "lock").open("a+", buffering=1)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                holder = handle.read().strip() or "another process"
                logger.info("%s: locked by %s; waiting for it", self.folder, holder)
                fcntl.flock(handle, fcntl.LOCK_EX)
            handle.truncate(0)
            handle.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            for left in self.folder.glob(".step-*.tmp"):
                left.unlink()
        except OSError as error:
            raise ValueError(f"{self.folder}: cannot hold checkpoints: {error}") from error
        return handle

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
            saved = {"step": step, "sha256": digest, "loop": dict(loop)}
            write_json(path.with_suffix(".json"), saved | {"checksum": spec_digest(saved)})
            for old in self._steps()[:-KEPT]:
                self._path(old).with_suffix(".json").unlink()
                self._path(old).unlink(missing_ok=True)
        except (OSError, SafetensorError) as error:
            raise ValueError(
                f"{path}: the checkpoint cannot be written: {error}; "
                f"the last good one is {self._last_good()}"
            ) from error
        self._saved_at = time.monotonic()

    def latest(self) -> Checkpoint | None:
        """Return the latest checkpoint with correct checksums, or None.

        Damaged checkpoints, and those of versions without a checksum of the step, are logged and
        skipped.
        """
        for step in reversed(self._steps()):
            path = self._path(step)
            try:
                saved = _checked(read_json(path.with_suffix(".json")), step)
                if sha256_of(path) != saved["sha256"]:
                    raise ValueError("its checksum is not the recorded one")
                return Checkpoint(step=step, state=load_file(path), loop=saved["loop"])
            except (OSError, ValueError, SafetensorError) as error:
                logger.warning("%s: damaged, skipped: %s", path, error)
        return None

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:09d}.safetensors"

    def _steps(self) -> list[int]:
        """Return the steps of the saved checkpoints, ascending."""
        names = (NAME.fullmatch(path.name) for path in self.folder.glob("step-*.json"))
        return sorted(int(name[1]) for name in names if name)

    def _last_good(self) -> str:
        steps = self._steps()
        return f"that of step {steps[-1]}" if steps else "none"


def _checked(saved: Any, step: int) -> dict[str, Any]:
    """Return the content of a checkpoint's JSON file without its checksum.

    Raises:
        ValueError: if it is not what was saved after this step.
    """
    if not isinstance(saved, dict) or set(saved) != {"step", "sha256", "loop", "checksum"}:
        raise ValueError("its JSON does not have the keys step, sha256, loop and checksum")
    content = {name: value for name, value in saved.items() if name != "checksum"}
    if spec_digest(content) != saved["checksum"]:
        raise ValueError("its step or the state of the loop is not the one that was saved")
    if saved["step"] != step:
        raise ValueError(f"it is the checkpoint of step {saved['step']}")
    return content
