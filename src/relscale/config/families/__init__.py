"""Settings of families: domains that are compared with each other, one module per kind.

Each kind of family is a class that answers the questions of `base.Family`; the text, the samples
and the requests of a kind are in `relscale.evaluation.families`. Light imports.
"""

from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, WrapSerializer

from relscale.config.families.base import Family
from relscale.config.families.continuation import ContinuationFamily
from relscale.config.families.documents import DocumentFamily
from relscale.config.families.pairs import PairFamily, PairFiles
from relscale.config.families.parallel import ParallelFamily
from relscale.config.families.questions import QuestionFamily
from relscale.config.families.risk import RiskFamily
from relscale.config.families.strata import StrataFamily
from relscale.config.families.table import TableFamily
from relscale.config.families.validation import ValidationFamily

AnyFamily = Annotated[
    ValidationFamily
    | DocumentFamily
    | QuestionFamily
    | PairFamily
    | RiskFamily
    | ContinuationFamily
    | ParallelFamily
    | TableFamily
    | StrataFamily,
    Field(discriminator="kind"),
]
"""A family of any kind; a further kind is one more member."""


NOT_OF_REQUESTS = frozenset({"baseline", "buckets"})
"""Keys of a family that decide neither its requests nor their scores."""


def _without_baseline(family: Family, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
    return {key: value for key, value in handler(family).items() if key not in NOT_OF_REQUESTS}


WITHOUT_BASELINE = WrapSerializer(_without_baseline)
"""Leaves out of a family's JSON its baseline, which matters only to the laws, and whether its
losses are summed by bucket, which is a key of its own in the specs that need it."""
ScoredFamily = Annotated[AnyFamily, WITHOUT_BASELINE]
"""A family in the spec of a job that reads its text or scores it."""

__all__ = [
    "WITHOUT_BASELINE",
    "AnyFamily",
    "ContinuationFamily",
    "DocumentFamily",
    "Family",
    "PairFamily",
    "PairFiles",
    "ParallelFamily",
    "QuestionFamily",
    "RiskFamily",
    "ScoredFamily",
    "StrataFamily",
    "TableFamily",
    "ValidationFamily",
]
