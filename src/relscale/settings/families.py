"""Settings: domains that are compared with each other."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.settings.base import Label, Metric, Model, Name, Positive, Unique
from relscale.settings.readers import AnyReader


class Family(Model):
    """What all families share."""

    baseline: Label | None = None
    """The domain that the others are compared with."""
    metrics: Annotated[Unique[Metric], Field(min_length=1)]
    """Metrics of which laws are fitted; the first is the one that figures show."""
    sample_seed: int = 0
    """Seed of the item samples; each domain's sample also depends on the domain's name, on no other domain."""


class ValidationFamily(Family):
    """The held-out documents of a suite's own corpus, as one domain `own`."""

    kind: Literal["validation"]
    max_tokens: Positive
    """Tokens scored for a corpus."""


class DocumentFamily(Family):
    """Sets of documents, scored in bits per byte; one window of the context's length from each document, the document is the item."""

    kind: Literal["documents"]
    source: Name
    """Key of `sources`."""
    reader: AnyReader
    """How documents are read."""
    domains: Annotated[dict[Label, Annotated[Unique[str], Field(min_length=1)]], Field(min_length=1)]
    """Domains by name: the values of the reader's domain key that belong to each."""
    tokens_per_domain: Positive
    """Tokens scored for a domain."""


class QuestionFamily(Family):
    """Multiple-choice questions (records with question, answer_a .. answer_d, correct_answer, topic), grouped into domains by subject."""

    kind: Literal["questions"]
    source: Name
    """Key of `sources`."""
    file: str
    """JSON-lines file inside the source."""
    domains: Annotated[dict[Label, Annotated[Unique[str], Field(min_length=1)]], Field(min_length=1)]
    """Domains by name: the subjects that belong to each."""
    shots_per_subject: Annotated[int, Field(ge=0)] = 5
    """First questions of each subject that are kept for few-shot prompts and never scored."""
    tokens_per_subject: Positive
    """Tokens scored for a subject, so that a new subject moves no other's sample; only items that fit the window are taken."""


class PairFiles(Model):
    """Files of preferred and other texts that make up one domain."""

    files: Annotated[Unique[str], Field(min_length=1)]
    """JSON lists inside the source."""
    prompt: str | None = None
    """Key of the prompt that both texts follow; none where the texts stand alone."""
    positive: str
    """Key of the preferred text, or of the index of the right option where `options` is given."""
    negative: str | None = None
    """Key of the other text."""
    options: str | None = None
    """Key of a list of options, where there are more than two."""


class PairFamily(Family):
    """Behaviours: the probability that a model gives the preferred one of two (or more) texts."""

    kind: Literal["pairs"]
    source: Name
    """Key of `sources`."""
    domains: Annotated[dict[Label, Annotated[list[PairFiles], Field(min_length=1)]], Field(min_length=1)]
    """Domains by name and the files that make them up."""
    tokens_per_domain: Positive
    """Tokens scored for a domain; only items that fit the window are taken."""


class ContinuationFamily(Family):
    """Which of four texts continues a passage: distractors from the same topic, or (easier) from other topics."""

    kind: Literal["continuation"]
    documents: Name
    """The document family whose texts are used."""
    num_items: Positive = 800
    """Passages of each variant."""
    num_options: Annotated[int, Field(ge=2)] = 4
    """Options of a question."""
    context_tokens: Positive = 80
    """Tokens of the passage that are shown."""
    continuation_tokens: Positive = 32
    """Tokens of each option."""


AnyFamily = Annotated[ValidationFamily | DocumentFamily | QuestionFamily | PairFamily | ContinuationFamily, Field(discriminator="kind")]


def domains_of(family: AnyFamily) -> list[str]:
    """Return the names of a family's domains, in order."""
    if family.kind == "validation":
        return ["own"]
    if family.kind == "continuation":
        return ["same_topic", "other_topics"]
    return list(family.domains)
