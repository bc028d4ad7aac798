"""Results that are computed once; a fit without an estimate is kept as its error.

`once` keeps results where a caller says, `Recent` the last ones of a process by their inputs.
"""

from collections.abc import Callable, MutableMapping
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import numpy as np

from relscale.laws.fit_error import FitError

Key = TypeVar("Key")
Result = TypeVar("Result")


def once(kept: MutableMapping[Key, Any], key: Key, compute: Callable[[], Result]) -> Result:
    """Return the result under a key, computed where it is not there.

    Raises:
        FitError: `compute` raised it, now or before.
    """
    if key not in kept:
        try:
            kept[key] = compute()
        except FitError as error:
            kept[key] = error
    found = kept[key]
    if isinstance(found, FitError):
        raise found
    return found  # type: ignore[no-any-return]


def digest(*parts: Any) -> bytes:
    """Return a digest of arrays and numbers: equal for equal shapes, types and bytes."""
    found = blake2b(digest_size=16)
    for part in parts:
        array = np.ascontiguousarray(part)
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(array.tobytes())
    return found.digest()


class Recent(Generic[Result]):
    """The last results of a function of arrays: laws of many gaps ask for the same ones."""

    def __init__(self, most: int) -> None:
        """Take how much is kept at most: the sum of the sizes of the results."""
        self.most, self._size = most, 0
        self._kept: dict[bytes, tuple[Result, int]] = {}

    def get(self, key: bytes) -> Result | None:
        """Return the result under a key, or None."""
        return self._kept[key][0] if key in self._kept else None

    def keep(self, key: bytes, result: Result, size: int = 1) -> Result:
        """Keep a result, drop the oldest ones while there are too many, and return it."""
        if key not in self._kept:
            self._kept[key] = result, size
            self._size += size
        for old in list(self._kept)[:-1] if self._size > self.most else ():
            if self._size <= self.most:
                break
            self._size -= self._kept.pop(old)[1]
        return result
