"""Scores that took long, kept until the whole job is done: one that is stopped scores no run a
second time. Light imports: no torch."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from relscale.files import replacing

KEPT_FROM_S = 60.0
"""Scores that take less are not worth a file."""


def kept_scores(path: Path, score: Callable[[], np.ndarray]) -> np.ndarray:
    """Return scores, those of an earlier attempt where it left them.

    Args:
        path: where they lie or will lie; its name is keyed by everything that decides them.
        score: gives them, an array of numbers.
    """
    if path.is_file():
        try:
            scores = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            print(f"{path}: damaged, passed over: {error}", flush=True)
        else:
            print(f"{path}: scores of an earlier attempt", flush=True)
            return np.asarray(scores)
    begin = time.monotonic()
    scores = score()
    if time.monotonic() - begin >= KEPT_FROM_S:
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.save(handle, scores, allow_pickle=False)
    return scores
