"""Settings: what models are trained on."""

from typing import Annotated

from pydantic import Field, model_validator

from relscale.config.base import Model, Name, Positive, Revision, Share, Unique
from relscale.config.readers import AnyReader
from relscale.config.sharded import ShardedCorpus


class Part(Model):
    """One of several disjoint parts of a source's documents, chosen by a hash of the document."""

    index: Annotated[int, Field(ge=0)]
    """Which part, from 0."""
    of: Annotated[int, Field(ge=2)]
    """How many parts there are."""


class Component(Model):
    """One ingredient of a corpus."""

    source: Name
    """Key of `sources`."""
    reader: AnyReader
    """How documents are read out of the source's files."""
    part: Part | None = None
    """Take only this part of the documents."""
    max_share: Share | None = None
    """At most this share of the whole corpus's bytes (documents are left out by their hash)."""
    near_duplicates: bool = False
    """Search for near-duplicates by MinHash, too."""


class Mixture(Model):
    """A corpus: what models of one suite are trained on."""

    components: Annotated[list[Component], Field(min_length=1)]
    """The ingredients."""


class Corpora(Model):
    """The corpora and what is done to all of them."""

    decontaminate_against: Unique[Name]
    """Families whose text is removed from the corpora: a fixed list, so that a new family changes
    no corpus."""
    window_words: Positive = 13
    """A paragraph that holds a window of so many lower-cased words of a listed evaluation set is
    removed."""
    min_characters: Positive = 20
    """Shorter documents are removed."""
    validation_share: Share = 0.01
    """Share of the documents held out for validation, chosen by a hash of the document."""
    near_duplicate_threshold: Share = 0.8
    """Estimated Jaccard similarity of word 5-grams from which two documents count as
    near-duplicates."""
    max_mb: Annotated[float, Field(gt=0)] | None = None
    """Read at most so many megabytes (1e6 bytes) of each component, before cleaning."""
    mixtures: Annotated[dict[Name, Mixture], Field(min_length=1)]
    """Corpora that fit into memory, by name: cleaned, deduplicated and mixed by size."""
    sharded: dict[Name, ShardedCorpus] = {}
    """Corpora of any size, by name: tokenized as they stand, in shards, and mixed by weight when
    they are read."""


class GivenTokenizer(Model):
    """A tokenizer that others made: byte-level, with a token for the end of a text."""

    path: str | None = None
    """A local `tokenizer.json`."""
    hub: str | None = None
    """Repository of the hub that holds a `tokenizer.json`, owner/name; a gated one needs a token in
    the variable HF_TOKEN."""
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
    """The tokenizer of all corpora: a byte-level BPE trained on equal bytes of the named ones, or
    one that is given."""

    vocab_size: Annotated[int, Field(ge=260)]
    """Entries, the end-of-text token included."""
    trained_on: Unique[Name]
    """Corpora (of `corpora.mixtures`) that it is trained on: a fixed list, so that a new corpus
    uses the existing tokenizer; none where one is given."""
    mb_per_corpus: Annotated[float, Field(gt=0)] = 4.0
    """Megabytes (1e6 bytes) taken from each of them."""
    given: GivenTokenizer | None = None
    """Take this one instead of training one."""
