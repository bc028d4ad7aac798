"""Specs of the evaluation stages. Light imports."""

import operator
from typing import Annotated

from pydantic import Field

from relscale.config.base import Model, Positive, is_none
from relscale.config.families import WITHOUT_BASELINE, DocumentFamily, ScoredFamily


class FamilySpec(Model):
    """Everything that defines the requests of a family, besides its text."""

    family: str
    """Name of the family."""
    context_length: Positive
    """Tokens of the window that requests must fit."""
    settings: ScoredFamily
    """Settings of the family; the baseline does not matter."""
    documents: Annotated[
        Annotated[DocumentFamily, WITHOUT_BASELINE] | None, Field(exclude_if=is_none)
    ] = None
    """Settings of the document family whose texts a continuation family uses."""
    corpus: Annotated[str | None, Field(exclude_if=is_none)] = None
    """The corpus, for a family whose text is part of it."""


class EvaluateSpec(FamilySpec):
    """Everything that defines the scores of runs on a family, besides runs and requests."""

    buckets: Annotated[bool, Field(exclude_if=operator.not_)] = False
    """Whether nats are also summed by bucket and by position."""


class OverlapSpec(Model):
    """Settings of the search for a family's items in a corpus."""

    window_words: int = Field(gt=0)
    """Consecutive words that an item and a document must share."""
