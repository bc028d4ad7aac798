"""The most memory that this process holds at one time, above what it held before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
tells_memory = pytest.mark.skipif(
    not FORGET.exists(), reason="this system does not tell a process's highest memory"
)


def _status(key: str) -> int:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


@contextmanager
def most_memory() -> Iterator[Callable[[], int]]:
    """Yield a function that returns the most bytes held since, above those held at the
    beginning."""
    FORGET.write_text("5")
    before = _status("VmRSS")
    yield lambda: _status("VmHWM") - before
