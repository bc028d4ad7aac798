"""The levels of instructions for which the native step of this machine can be tested."""

from relscale.training.native_build import LEVELS, UnavailableError, load_library


def levels() -> list[str]:
    """Return the levels that this machine has."""
    found = []
    for level in LEVELS:
        try:
            found.append(load_library(level).level)
        except UnavailableError:
            continue
    return found
