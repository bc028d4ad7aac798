"""Specs of the stages that read, clean and tokenize text: one model per stage. Light imports."""

from typing import Annotated, Literal

from pydantic import Field, RootModel, field_serializer

from relscale.config.base import Model, Name, Positive, Share, Unique
from relscale.config.corpora import CorpusRules, GivenTokenizer, MixedCorpus
from relscale.config.readers import AnyReader
from relscale.config.sharded import ComponentText, ShardedCorpus
from relscale.config.sources import (
    Described,
    HubOrigin,
    LocalOrigin,
    PackageOrigin,
    ShardedOrigin,
)


class NamedPackage(PackageOrigin):
    """A package of the index and the name of its source."""

    name: Name
    """Key of `sources`."""
    path: Annotated[str | None, Field(exclude=True)] = None
    """Not part of the spec: a local copy does not decide the source's bytes."""


class NamedLocal(LocalOrigin):
    """A local file or folder and the name of its source."""

    name: Name
    """Key of `sources`."""


class NamedHub(HubOrigin):
    """A dataset of the Hub and the name of its source."""

    name: Name
    """Key of `sources`."""


NamedOrigin = Annotated[NamedPackage | NamedLocal | NamedHub, Field(discriminator="kind")]


class SourceSpec(RootModel[NamedOrigin]):
    """Spec of stage `source`: one origin, without licence and citation."""


class SourcesTableSpec(RootModel[dict[Name, Described]]):
    """Spec of stage `sources_table`: licence and citation of each source."""


# ------------------------------------------------------------------ texts to decontaminate against


class DocumentTexts(Model):
    """The texts of a family of documents."""

    kind: Literal["documents"]
    source: Name
    """Key of `sources`."""
    reader: AnyReader
    """How the documents are read."""


class QuestionTexts(Model):
    """The texts of a family of questions: each question with its answers."""

    kind: Literal["questions"]
    source: Name
    """Key of `sources`."""
    file: str
    """Glob of the files inside the source."""
    form: Annotated[
        Literal["embedded", "original", "hub"], Field(exclude_if=lambda form: form == "embedded")
    ] = "embedded"
    """How a question is stored in a file."""


class PairTextFiles(Model):
    """Files of pairs and the keys of their texts."""

    files: Annotated[Unique[str], Field(min_length=1)]
    """Files inside the source."""
    prompt: str | None = None
    """Key of the prompt, if there is one."""
    positive: str
    """Key of the preferred text, or of the index of the right option if `options` is given."""
    negative: str | None = None
    """Key of the other text."""
    options: str | None = None
    """Key of a list of options, if there are more than two."""


class PairTexts(Model):
    """The texts of a family of pairs: each pair with its prompt."""

    kind: Literal["pairs"]
    source: Name
    """Key of `sources`."""
    domains: dict[str, list[PairTextFiles]]
    """Files of each domain."""


class RiskTexts(Model):
    """The questions of a family of behaviours."""

    kind: Literal["risk"]
    source: Name
    """Key of `sources`."""
    file: str
    """File of a behaviour inside the source, with `{behaviour}` for its name."""


class ParallelTexts(Model):
    """The texts of a family whose domains are sources of the same texts."""

    kind: Literal["parallel"]
    sources: Unique[Name]
    """Keys of `sources`."""
    reader: AnyReader
    """How the texts are read."""


FamilyText = Annotated[
    ParallelTexts | DocumentTexts | QuestionTexts | PairTexts | RiskTexts,
    Field(discriminator="kind"),
]
"""Where the text of an evaluation family is read from."""


# --------------------------------------------------------------------------- corpora and tokenizer


class CorpusSpec(Model):
    """Spec of stage `documents`: everything that decides the documents of an in-memory corpus."""

    corpus: Name
    """Name of the corpus."""
    mixture: MixedCorpus
    """Its components."""
    corpora: CorpusRules
    """Settings that apply to every corpus."""
    decontaminate_against: dict[Name, FamilyText]
    """Evaluation texts to remove, by family."""


class TokenizerSpec(Model):
    """Spec of stage `tokenizer`: a tokenizer to train."""

    vocab_size: Positive
    """Number of entries, including the end-of-text token."""
    trained_on: Unique[Name]
    """Corpora to train it on."""
    mb_per_corpus: Annotated[float, Field(gt=0)]
    """Megabytes (1e6 bytes) to take from each corpus."""


class GivenTokenizerSpec(Model):
    """Spec of stage `given_tokenizer`: an existing tokenizer."""

    vocab_size: Positive
    """Number of entries it must have."""
    given: GivenTokenizer
    """Where it is."""
    trained_on: tuple[Name, ...] = ()
    """Unused: no corpora, since the tokenizer exists."""
    mb_per_corpus: float | None = None
    """Unused."""

    @field_serializer("given")
    def _only_the_place_that_is_given(self, given: GivenTokenizer) -> dict[str, str]:
        return {key: value for key, value in given if value is not None}


class TokensSpec(Model):
    """Spec of stage `shards`: the corpus to tokenize."""

    corpus: Name
    """Name of the corpus."""


# --------------------------------------------------------------------------------- sharded corpora


class TokenizedComponent(ComponentText):
    """A component's text without its weight.

    Another mixture of the same text therefore needs no new tokens.
    """

    validation_share: Share
    """Share of the documents held out for validation."""


class ComponentSpec(Model):
    """Spec of stages `shard_plan` and `shard`: everything that decides a component's shards."""

    name: Name
    """Name of the component."""
    component: TokenizedComponent
    """Its text."""
    source: ShardedOrigin
    """Where its files are."""
    window_words: Positive
    """Number of words in the windows of evaluation text that are removed."""
    decontaminate_against: dict[Name, FamilyText]
    """Evaluation texts to remove, by family."""


class ShardedCorpusSpec(Model):
    """Spec of stage `sharded_corpus`: the mixture of tokenized components."""

    corpus: Name
    """Name of the corpus."""
    settings: ShardedCorpus
    """Its components and weights."""
