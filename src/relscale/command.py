"""How a stage ends: a user's error as one clear line, a fault of ours with its traceback."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def run(main: Callable[[], None]) -> None:
    """Run a stage's `main`; a `ValueError` that this package raised on purpose ends it with its message alone, exit code 1."""
    try:
        main()
    except ValueError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        if PACKAGE not in Path(last.filename).resolve().parents:
            raise
        sys.exit(f"error: {error}")
