"""The specs of the jobs `suite` and `enough_tokens`."""

from typing import Annotated

from pydantic import Field

from relscale.config.base import Model, Name, is_none
from relscale.config.costs import Costs
from relscale.config.suite import Suite, is_empty
from relscale.config.training import JobLimits


class SuiteSpec(Model):
    """Everything that decides suite.csv and the bill."""

    suite: Suite
    """Which models are trained."""
    vocab_size: int
    """Entries of the vocabulary."""
    costs: Costs
    """Speed of the machines."""
    training: Annotated[JobLimits | None, Field(exclude_if=is_none)] = None
    """Limits of jobs on GPUs; None for a suite on the CPU."""
    tokens_to_score: Annotated[dict[str, int] | None, Field(exclude_if=is_none)] = None
    """Tokens that each family's evaluation scores; None for a suite on the CPU."""


class ArmTokens(Model):
    """The tokens that an arm has and needs."""

    corpus: Name
    """Corpus that it reads."""
    most_tokens: int
    """Tokens of its longest run."""
    unique_tokens: Annotated[int | None, Field(exclude_if=is_none)] = None
    """Tokens of the corpus that it reads; None for all."""
    max_epochs: float
    """Most epochs of a run over them."""


class EnoughTokensSpec(Model):
    """The tokens that the longest run of each corpus and arm needs."""

    most_tokens: dict[Name, int] = Field(min_length=1)
    """Tokens by corpus."""
    max_epochs: float
    """Most epochs over its corpus that a run may take."""
    arms: Annotated[dict[Name, ArmTokens], Field(exclude_if=is_empty)] = {}
    """Arms by name."""
