"""Parse JSON in the same way in every reader.

A key that occurs twice in an object is an error, because it cannot be known which value was meant.
Halves of surrogate pairs, which JSON can spell but UTF-8 cannot, are removed and counted. NaN and
Infinity are numbers, so they are an error only where a text is expected.
"""

import json
import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")
_LOG = logging.getLogger(__name__)


def repeated(names: Iterable[str]) -> str | None:
    """Return the first name that occurs a second time, None if all are different."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError(f"the key {repeated(key for key, _ in pairs)!r} occurs twice")
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


class JsonParser:
    """Parses the values of one file, and counts those that it has to repair."""

    def __init__(self, path: Path) -> None:
        """Store the file's path, for messages."""
        self._path = path
        self._repaired = 0
        self._first = ""

    def value(self, text: str, where: str) -> Any:
        """Return the value of a JSON text without halves of surrogate pairs.

        Args:
            text: the text.
            where: file and line, for messages.

        Raises:
            ValueError: naming the place, if the text is not JSON, is nested too deeply, or has an
                object with a key that occurs twice.
        """
        try:
            value = _DECODER.decode(text)
            # An escape is the only way to write half a pair: the bytes of one are not UTF-8.
            if "\\ud" in text or "\\uD" in text:
                value = self._repair(value, where)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno} column" if "\n" in text.strip() else "column"
            raise ValueError(
                f"{where}: not valid JSON: {error.msg} at {place} {error.colno}"
            ) from None
        except RecursionError:
            raise ValueError(f"{where}: not readable JSON: nested too deeply") from None
        except ValueError as error:  # a repeated key, or a number of thousands of digits
            raise ValueError(f"{where}: not readable JSON: {error}") from None
        return value

    def _repair(self, value: Any, where: str) -> Any:
        whole = without_halves(value)
        if whole != value:
            self._repaired += 1
            self._first = self._first or where
        return whole

    def report(self) -> None:
        """Log how many values were repaired."""
        if self._repaired:
            _LOG.warning(
                "%s: removed halves of surrogate pairs from %d record(s), first in %s",
                self._path,
                self._repaired,
                self._first,
            )


def without_halves(value: Any) -> Any:
    """Return a JSON value whose strings and keys have no halves of surrogate pairs.

    Raises:
        ValueError: if two keys of an object are equal then.
    """
    if isinstance(value, str):
        return _HALF.sub("", value)
    if isinstance(value, list):
        return [without_halves(inner) for inner in value]
    if isinstance(value, dict):
        return _object(
            [(_HALF.sub("", key), without_halves(inner)) for key, inner in value.items()]
        )
    return value
