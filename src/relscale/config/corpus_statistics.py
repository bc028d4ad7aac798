"""Section `corpus_statistics`: statistics of corpora and domains next to the exponents."""

from typing import Annotated

from pydantic import Field

from relscale.config.base import WHOLE, Model, Seed


class CorpusStatistics(Model):
    """Settings of the statistics of corpora and domains, which are made of equal samples."""

    sample_bytes: Annotated[int, Field(ge=1000, le=10_000_000), WHOLE] = 20_000
    """Bytes of the sample of each corpus and domain. A text with fewer bytes is taken whole, and
    its row is marked."""
    passage_bytes: Annotated[int, Field(ge=50, le=100_000), WHOLE] = 500
    """Bytes of the passages that documents are cut into and samples are drawn from. Longer passages
    come from fewer documents."""
    draws: Annotated[int, Field(ge=20, le=10_000), WHOLE] = 30
    """Splits of a sample into two halves, from which the intervals follow."""
    seed: Seed = 0
    """Seed of the samples and of the splits."""
