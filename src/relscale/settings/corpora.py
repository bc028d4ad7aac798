"""Settings: what models are trained on."""

from typing import Annotated

from pydantic import Field

from relscale.settings.base import Model, Name, Positive, Share, Unique
from relscale.settings.readers import AnyReader


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
    """Families whose text is removed from the corpora: a fixed list, so that a new family changes no corpus."""
    window_words: Positive = 13
    """A paragraph that holds a window of so many lower-cased words of a listed evaluation set is removed."""
    min_characters: Positive = 20
    """Shorter documents are removed."""
    validation_share: Share = 0.01
    """Share of the documents held out for validation, chosen by a hash of the document."""
    near_duplicate_threshold: Share = 0.8
    """Estimated Jaccard similarity of word 5-grams from which two documents count as near-duplicates."""
    max_mb: Annotated[float, Field(gt=0)] | None = None
    """Read at most so many megabytes (1e6 bytes) of each component, before cleaning."""
    mixtures: Annotated[dict[Name, Mixture], Field(min_length=1)]
    """The corpora by name."""


class Tokenizer(Model):
    """One byte-level BPE for all corpora, trained on equal bytes of the named ones."""

    vocab_size: Annotated[int, Field(ge=260)]
    """Entries, the end-of-text token included."""
    trained_on: Annotated[Unique[Name], Field(min_length=1)]
    """Corpora that it is trained on: a fixed list, so that a new corpus uses the existing tokenizer."""
    mb_per_corpus: Annotated[float, Field(gt=0)] = 4.0
    """Megabytes (1e6 bytes) taken from each of them."""
