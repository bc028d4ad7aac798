"""Checkpoints of one run, in a folder that one process at a time may use. Light imports: no torch.

A checkpoint consists of `step-<n>.safetensors` (the state of the trainer) and `step-<n>.json` (the
step, the state of the loop, the checksum of the other file, and a checksum of all these). Both are
written under a temporary name and renamed, the JSON last: without its JSON a checkpoint does not
count. The latest two are kept, so that a good one survives a full disk and a damaged file.

With sharded parameters the first is a folder, `step-<n>`, into which each process writes its part;
the JSON has a checksum per file. The folder is renamed after all parts are written.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from relscale.files import read_json, replacing, sha256_of, write_json
from relscale.provenance.digests import spec_digest
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup

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
    """State of the trainer; empty if it is in parts."""
    loop: dict[str, Any]
    """State of the training loop, as JSON values."""
    parts: Path | None = None
    """Folder of the parts of the state, of which each process reads its own."""


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

        Temporary files of killed processes are removed, and parts without a JSON file.

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
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            for parts in self.folder.glob("step-*/"):
                if not parts.with_suffix(".json").exists():
                    shutil.rmtree(parts)
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
            self._count(step, digest, loop)
        except (OSError, SafetensorError) as error:
            raise self._not_written(path, error) from error
        self._saved_at = time.monotonic()

    def save_parts(
        self,
        step: int,
        write: Callable[[Path], None],
        loop: Mapping[str, Any],
        group: ProcessGroup,
    ) -> None:
        """Save a checkpoint of which each process writes its part; all processes call this.

        Args:
            step: optimiser steps done.
            write: writes the part of this process into a folder; if it fails in one process, it
                raises ValueError in all.
            loop: state of the training loop, as JSON values.
            group: the processes of the run.

        Raises:
            ValueError: if it cannot be written; the last good one is kept.
        """
        path = self._path(step).with_suffix("")
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            if group.is_main_process:
                shutil.rmtree(temporary, ignore_errors=True)
                temporary.mkdir()
            group.barrier()
            write(temporary)
            digests = _digests(temporary, group)
            if group.is_main_process:
                shutil.rmtree(path, ignore_errors=True)
                temporary.rename(path)
                self._count(step, digests, loop)
        except (OSError, ValueError) as error:
            if group.is_main_process:
                shutil.rmtree(temporary, ignore_errors=True)
            raise self._not_written(path, error) from error
        group.barrier()
        self._saved_at = time.monotonic()

    def _count(self, step: int, sha256: str | dict[str, str], loop: Mapping[str, Any]) -> None:
        """Write the JSON file, which makes a checkpoint count, and remove older checkpoints."""
        saved = {"step": step, "sha256": sha256, "loop": dict(loop)}
        write_json(self._path(step).with_suffix(".json"), saved | {"checksum": spec_digest(saved)})
        for old in self._steps()[:-KEPT]:
            self._path(old).with_suffix(".json").unlink()
            self._path(old).unlink(missing_ok=True)
            shutil.rmtree(self._path(old).with_suffix(""), ignore_errors=True)

    def _not_written(self, path: Path, error: Exception) -> ValueError:
        return ValueError(
            f"{path}: the checkpoint cannot be written: {error}; "
            f"the last good one is {self._last_good()}"
        )

    def latest(self, group: ProcessGroup = SINGLE_PROCESS) -> Checkpoint | None:
        """Return the latest checkpoint with correct checksums, or None.

        Damaged checkpoints, and those of versions without a checksum of the step, are logged and
        skipped. The processes of a group share the work of computing checksums of parts.
        """
        for step in reversed(self._steps()):
            path = self._path(step)
            try:
                saved = _checked(read_json(path.with_suffix(".json")), step)
                if isinstance(saved["sha256"], dict):
                    path = path.with_suffix("")
                    _check_parts(saved["sha256"], _digests(path, group))
                    return Checkpoint(step=step, state={}, loop=saved["loop"], parts=path)
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


def _digests(folder: Path, group: ProcessGroup) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder by name; all processes of a group share the work.

    A file that cannot be read has its error in place of a checksum.
    """
    found = {}
    for path in sorted(folder.glob("*"))[group.rank :: group.world_size]:
        try:
            found[path.name] = sha256_of(path)
        except OSError as error:
            found[path.name] = str(error)
    shares = [json.loads(share) for share in group.all_gather(json.dumps(found))]
    return {name: digest for share in shares for name, digest in share.items()}


def _check_parts(recorded: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Compare the checksums of the files of a folder with the recorded ones.

    Raises:
        ValueError: naming the files that are missing, changed or not of the checkpoint.
    """
    kinds = {
        "missing": [name for name in recorded if name not in found],
        "changed": [name for name in recorded if recorded[name] != found.get(name, recorded[name])],
        "not of this checkpoint": [name for name in found if name not in recorded],
    }
    if wrong := [f"{', '.join(sorted(names))} {kind}" for kind, names in kinds.items() if names]:
        raise ValueError("; ".join(wrong))


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
