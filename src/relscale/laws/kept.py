"""Results that are computed once; a fit without an estimate is kept as its error."""

from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar

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
