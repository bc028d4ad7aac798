"""Settings of the corpora that models are trained on, and of the tokenizer."""

import math
from typing import Annotated

from pydantic import Field, model_validator

from relscale.config.base import (
    NUMBER,
    WHOLE,
    Flag,
    Model,
    Name,
    Positive,
    Revision,
    Share,
    Unique,
    is_none,
)
from relscale.config.readers import AnyReader
from relscale.config.sharded import ShardedCorpus

SHARE_TOLERANCE = 1e-6
"""Largest difference of the sum of all shares of a corpus from 1: rounding of decimal fractions."""


class Part(Model):
    """One of several disjoint parts of a source's documents, chosen by a hash of the document."""

    index: Annotated[int, Field(ge=0), WHOLE]
    """Which part, counted from 0."""
    of: Annotated[int, Field(ge=2), WHOLE]
    """Number of parts."""


class CorpusComponent(Model):
    """One component of a corpus."""

    source: Name
    """Key of `sources`."""
    reader: AnyReader
    """How to read documents from the source's files."""
    part: Part | None = None
    """Take only this part of the documents."""
    max_share: Share | None = None
    """Maximum share of the corpus's bytes. Documents are left out by their hash."""
    share: Annotated[Share | None, Field(exclude_if=is_none)] = None
    """Exact share of the corpus's training bytes, to within one document; then every component has
    one, they add up to 1, and the corpus has `total_mb`. Documents are left out by their hash, so
    that the documents of a smaller share are among those of a larger one."""
    near_duplicates: Flag = False
    """Also remove near-duplicates, found by MinHash."""


class MixedCorpus(Model):
    """A corpus: the text that all models of a suite are trained on."""

    components: Annotated[list[CorpusComponent], Field(min_length=1)]
    """Components of the corpus."""
    total_mb: Annotated[float | None, Field(gt=0, exclude_if=is_none), NUMBER] = None
    """Megabytes (1e6 bytes) of training text of a corpus whose components have a `share`. A
    component with less text than its share of them is an error."""

    @model_validator(mode="after")
    def _shares_of_all(self) -> "MixedCorpus":
        shares = [component.share for component in self.components]
        given = [share for share in shares if share is not None]
        if not given and self.total_mb is None:
            return self
        if self.total_mb is None:
            raise ValueError("its components have a `share`: set `total_mb`, the corpus's size")
        if len(given) < len(shares):
            raise ValueError(
                f"`share`: {len(given)} of {len(shares)} components have one; with `total_mb` every"
                " component needs one"
            )
        if abs(math.fsum(given) - 1) > SHARE_TOLERANCE:
            raise ValueError(
                f"`share`: {' + '.join(f'{share:g}' for share in given)} ="
                f" {math.fsum(given):g}; the shares of the components must add up to 1"
            )
        if any(component.max_share is not None for component in self.components):
            raise ValueError("a component has `share` and `max_share`: leave `max_share` out")
        return self


class CorpusRules(Model):
    """Settings that apply to every corpus."""

    decontaminate_against: Unique[Name]
    """Families whose text is removed from the corpora. The list is fixed, so that a new family
    changes no corpus."""
    window_words: Positive = 13
    """Remove a paragraph that shares a window of this many lower-cased words with a listed
    evaluation set."""
    min_characters: Positive = 20
    """Remove documents that are shorter than this."""
    validation_share: Share = 0.01
    """Share of the documents held out for validation, chosen by a hash of the document."""
    near_duplicate_threshold: Share = 0.8
    """Estimated Jaccard similarity of word 5-grams at which two documents count as
    near-duplicates."""
    max_mb: Annotated[float, Field(gt=0), NUMBER] | None = None
    """Read at most this many megabytes (1e6 bytes) of each component, measured before cleaning."""


class Corpora(CorpusRules):
    """The corpora and the settings that apply to all of them."""

    mixtures: Annotated[dict[Name, MixedCorpus], Field(min_length=1)]
    """Corpora that fit into memory, by name: cleaned, deduplicated and mixed by size."""
    sharded: dict[Name, ShardedCorpus] = {}
    """Corpora of any size, by name: tokenized without cleaning, in shards, and mixed by weight when
    they are read."""


class GivenTokenizer(Model):
    """An existing tokenizer: byte-level, with an end-of-text token."""

    path: str | None = None
    """A local `tokenizer.json`."""
    hub: str | None = None
    """Hub repository that holds a `tokenizer.json`, owner/name. A gated repository needs a token in
    the environment variable HF_TOKEN."""
    revision: Revision | None = None
    """Commit of that repository."""

    @model_validator(mode="after")
    def _one_place(self) -> "GivenTokenizer":
        if (self.path is None) == (self.hub is None) or (self.hub is None) != (
            self.revision is None
        ):
            raise ValueError("give either `path`, or `hub` with `revision`")
        return self


class Tokenizer(Model):
    """The tokenizer of all corpora.

    It is a byte-level BPE trained on equal bytes of the named corpora, or an existing one.
    """

    vocab_size: Annotated[int, Field(ge=260), WHOLE]
    """Number of entries, including the end-of-text token."""
    trained_on: Unique[Name]
    """Corpora (of `corpora.mixtures`) to train the tokenizer on. The list is fixed, so that a new
    corpus uses the existing tokenizer. Empty where `given` is set."""
    mb_per_corpus: Annotated[float, Field(gt=0), NUMBER] = 4.0
    """Megabytes (1e6 bytes) to take from each of these corpora."""
    given: GivenTokenizer | None = None
    """Use this tokenizer instead of training one."""
