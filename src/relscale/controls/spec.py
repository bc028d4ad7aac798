"""Specs of the stages of controls. Light imports."""

from relscale.config.analysis import Compute, Level
from relscale.config.base import Model, Positive, Seed
from relscale.config.controls import Ngram


class NgramSpec(Model):
    """Everything that defines the scores of n-gram models, besides text and requests."""

    corpus: str
    """The corpus that they are trained on."""
    context_length: Positive
    """Tokens per window of text, as the runs read it."""
    settings: Ngram
    """Orders and sizes of text."""
    families: tuple[str, ...]
    """Families to score, in order."""
    over_strata: tuple[str, ...] = ()
    """Those of them whose losses are unweighted means over the strata of a domain."""


class ControlledFamily(Model):
    """A family whose gaps are compared between controls and runs."""

    family: str
    """Name of the family."""
    baseline: str | None = None
    """Domain in the denominator of G; None for a family without gaps."""
    over_strata: bool = False
    """Whether losses are unweighted means over the strata of a domain."""


class ControlsSpec(Model):
    """Spec of the tables of controls."""

    families: tuple[ControlledFamily, ...]
    """The families that controls were scored on."""
    optimum_by: str
    """Family whose loss chooses the order of an n-gram model and the size of the runs."""
    estimator: str
    """Estimator of the relative laws of the runs that are compared."""
    compute: Compute
    """Axis of those laws."""
    level: Level
    """Confidence level of the intervals."""
    draws: Positive
    """Draws of items."""
    seed: Seed
    """Seed of the draws."""
