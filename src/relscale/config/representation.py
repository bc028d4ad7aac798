"""Section `laws.representation`: corpora that differ in the shares of two domains' text.

The quantity is a difference in differences: the gap between the two domains in the corpus that
leans to the first, minus the same gap in the corpus that leans to the second. An expectation is
written here before the runs are trained (`relscale plan predict --config`), and is printed next to
the result.
"""

import math
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_serializer, model_validator

from relscale.config.base import ByLabel, Label, Model, Name, Share, is_none

Expected = Literal["negative", "positive", "zero"]
"""Sign that is expected: of a difference in differences, or of a slope in log share."""


class Expectation(Model):
    """Signs that are expected of the difference in differences, written before the runs."""

    written: date
    """Day on which it was written."""
    level: Expected
    """Sign for the level: the log gap in the middle of the budgets. Negative: the domain that has
    more of the text has the lower loss."""
    slope_ratio: Expected
    """Sign for dbeta of the ratio of losses. Negative: more text makes a domain improve faster."""
    slope_reducible: Expected
    """Sign for dbeta of the ratio of reducible losses."""
    reason: Annotated[str, Field(min_length=1)]
    """Why."""

    @field_serializer("written")
    def _as_text(self, written: date) -> str:
        return written.isoformat()


class Representation(Model):
    """Which corpora lean to which of two domains."""

    family: Name
    """Family that has the two domains."""
    treatments: Annotated[tuple[Label, Label], Field(min_length=2, max_length=2)]
    """The two domains whose shares differ: A and B."""
    corpora: Annotated[dict[Name, ByLabel[Share]], Field(min_length=2)]
    """Share of the training text that each of the two domains has in each corpus. The corpus with
    most of A relative to B leans to A, the one with least leans to B."""
    expectation: Annotated[Expectation | None, Field(exclude_if=is_none)] = None
    """Expected signs; None if nothing was written down."""

    @model_validator(mode="after")
    def _both_domains(self) -> "Representation":
        first, second = self.treatments
        if first == second:
            raise ValueError(f"treatments: {first!r} twice; name two domains")
        for corpus, shares in self.corpora.items():
            if set(shares) != {first, second}:
                raise ValueError(
                    f"corpora.{corpus}: has shares of {', '.join(shares) or 'nothing'}; give those "
                    f"of {first} and {second}"
                )
            if math.fsum(shares.values()) > 1:
                raise ValueError(f"corpora.{corpus}: the two shares add up to more than 1")
        leanings = [self.log_odds(corpus) for corpus in self.corpora]
        if len(set(leanings)) < 2:
            raise ValueError("corpora: the two domains have the same shares in every corpus")
        return self

    def log_odds(self, corpus: str) -> float:
        """Return log(share of A / share of B) in a corpus."""
        return log_odds(self.corpora[corpus], self.treatments)

    def ends(self) -> tuple[str, str]:
        """Return the corpus that leans most to A, and the one that leans most to B."""
        ordered = sorted(self.corpora, key=self.log_odds)
        return ordered[-1], ordered[0]


def log_odds(shares: Mapping[str, float], treatments: tuple[str, str]) -> float:
    """Return the log of the ratio of two domains' shares."""
    first, second = treatments
    return math.log(shares[first] / shares[second])
