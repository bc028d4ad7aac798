"""Sections `controls` and `ngram`: simple models that are scored on the items of the runs."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import WHOLE, Model, Seed, Unique

Control = Literal["ngram"]
"""A kind of control."""
TextBytes = Annotated[int, Field(ge=1000, le=100_000_000), WHOLE]
"""Bytes of text that a control is trained on."""


class Ngram(Model):
    """Settings of the control `ngram`: back-off n-gram models over bytes."""

    order: Annotated[int, Field(ge=1, le=7), WHOLE] = 6
    """Longest n-grams, in bytes. All shorter ones are evaluated as well."""
    bytes: Annotated[Unique[TextBytes], Field(min_length=1)] = [
        10_000,
        30_000,
        100_000,
        300_000,
        1_000_000,
        3_000_000,
        10_000_000,
    ]
    """Bytes of the corpus that each model is trained on, without repetition. A size that exceeds
    the corpus keeps its rows, with the reason and without values. Memory of the job: about 70 bytes
    per byte of text."""
    seed: Seed = 0
    """Seed of the order of the windows of text; smaller texts are the beginning of larger ones."""
