"""Specs of the stages of corpus statistics. Light imports."""

from relscale.config.analysis import Level
from relscale.config.base import Model, Positive, Seed
from relscale.config.corpus_statistics import CorpusStatistics


class StatisticsSpec(Model):
    """Spec of the statistics of one corpus, or of the domains of one family."""

    corpus: str = ""
    """The corpus; empty for a family whose text is the same for all corpora."""
    family: str = ""
    """The family; empty for the training documents of a corpus."""
    settings: CorpusStatistics
    """Size of the sample, draws and seed."""
    level: Level
    """Confidence level of the intervals."""


class StatisticsTableSpec(Model):
    """Spec of the table of corpus statistics."""

    corpora: tuple[str, ...]
    """Corpora, in the order of the suite."""


class ExponentsSpec(Model):
    """Spec of the table that relates statistics to exponents."""

    families: tuple[str, ...]
    """Families with a baseline and bits per byte."""
    estimator: str
    """Estimator of the laws."""
    level: Level
    """Confidence level of the intervals."""
    draws: Positive
    """Draws of domains, and permutations."""
    seed: Seed
    """Seed of both."""
