"""Canonical JSON of specs and digests of it. Light imports."""

import hashlib
import json

DIGEST_LENGTH = 16
"""Hexadecimal digits of a digest."""


def canonical_json(spec: object) -> str:
    """Return the only JSON text of a spec: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: if a number is not finite.
        TypeError: if a value cannot be written as JSON.
    """
    return json.dumps(
        spec, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )


def spec_digest(spec: object) -> str:
    """Return the digest of a spec, for the names of shared folders."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()[:DIGEST_LENGTH]
