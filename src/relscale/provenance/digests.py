"""Specs as canonical text, and their digests. Light imports."""

import hashlib
import json
from typing import Any

DIGEST_LENGTH = 16
"""Hexadecimal digits of a digest."""


def canonical_json(spec: Any) -> str:
    """Return the one JSON text of a spec: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: where a number is not finite.
        TypeError: where a value is no JSON value.
    """
    return json.dumps(
        spec, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )


def spec_digest(spec: Any) -> str:
    """Return the digest of a spec, for names of shared folders."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()[:DIGEST_LENGTH]
