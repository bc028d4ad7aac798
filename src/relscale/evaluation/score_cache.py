"""A cache of scores that took long. Light imports: no torch.

It lets a job that was stopped resume with the next unscored run.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from relscale.files import replacing

log = logging.getLogger(__name__)

STORED_FROM_S = 60.0
"""Scores that take less time are not stored."""


def cached_scores(path: Path, score: Callable[[], np.ndarray]) -> np.ndarray:
    """Return scores, from the file of an earlier attempt if there is one.

    Args:
        path: the file; its name must depend on everything that decides the scores.
        score: computes the scores, an array of numbers.
    """
    if path.is_file():
        try:
            scores = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            log.warning("%s: damaged, ignored: %s", path, error)
        else:
            log.info("%s: scores of an earlier attempt", path)
            return np.asarray(scores)
    begin = time.monotonic()
    scores = score()
    if time.monotonic() - begin >= STORED_FROM_S:
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.save(handle, scores, allow_pickle=False)
    return scores
