"""Canonical JSON of specs and digests of it. Light imports."""

import hashlib
import json

from pydantic import BaseModel

DIGEST_LENGTH = 16
"""Hexadecimal digits of a digest."""


def canonical_json(spec: object) -> str:
    """Return the only JSON text of a spec: sorted keys, no spaces, no NaN.

    Args:
        spec: a model, or JSON values that may contain models.

    Raises:
        ValueError: if a number is not finite.
        TypeError: if a value cannot be written as JSON.
    """
    return json.dumps(
        spec,
        sort_keys=True,
        separators=(",", ":"),
        allow_nan=False,
        ensure_ascii=False,
        default=_values,
    )


def _values(model: object) -> object:
    if not isinstance(model, BaseModel):
        raise TypeError(f"{type(model).__name__} cannot be written as JSON")
    return model.model_dump(mode="json")


def spec_digest(spec: object) -> str:
    """Return the digest of a spec, for the names of shared folders."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()[:DIGEST_LENGTH]
