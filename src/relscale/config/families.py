"""Settings: domains that are compared with each other."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import Label, MetricName, Model, Name, Positive, Unique
from relscale.config.groups import MMLU_GROUPS, RISK_CLUSTERS
from relscale.config.readers import AnyReader

Prompt = Literal["traditional", "continuation", "modified"]
Values = Annotated[Unique[str], Field(min_length=1)]
Cap = Positive | None


class Family(Model):
    """What all families share."""

    baseline: Label | None = None
    """The domain that the others are compared with."""
    metrics: Annotated[Unique[MetricName], Field(min_length=1)]
    """Metrics of which laws are fitted; the first is the one that figures show."""
    sample_seed: int = 0
    """Seed of the item samples; each domain's sample also depends on the domain's name, on no other
    domain."""
    min_bytes: Annotated[int, Field(ge=0)] = 0
    """A domain with fewer bytes to score is an error before any training or scoring; 0 asks for an
    item only."""


class ValidationFamily(Family):
    """The held-out documents of a suite's own corpus, as one domain `own`."""

    kind: Literal["validation"]
    max_tokens: Positive
    """Tokens scored for a corpus."""


class DocumentFamily(Family):
    """Sets of documents, scored in bits per byte; one window of the context's length from each
    document, the document is the item."""

    kind: Literal["documents"]
    source: Name
    """Key of `sources`."""
    reader: AnyReader
    """How documents are read."""
    domains: Annotated[dict[Label, Values], Field(min_length=1)]
    """Domains by name: the values of the reader's domain key that belong to each."""
    tokens_per_domain: Cap = None
    """Tokens scored for a domain, counted by the suite's tokenizer; all where left out."""
    documents_per_domain: Cap = None
    """Documents scored for a domain, at most: the cap where every model has a tokenizer of its
    own."""
    masked_tokens: Annotated[int, Field(ge=0)] = 0
    """First tokens of each document (of each window of it) that are shown and not scored:
    headlines, datelines."""


class QuestionFamily(Family):
    """Multiple-choice questions, grouped into domains by subject."""

    kind: Literal["questions"]
    source: Name
    """Key of `sources`."""
    form: Literal["embedded", "original", "hub"] = "embedded"
    """How a question stands in a file. `embedded`: records with question, answer_a .. answer_d,
    correct_answer, topic. `original`: CSV files without a header, question, four answers and a
    letter, a file a subject (x_test.csv, x_dev.csv). `hub`: records with question, subject,
    choices, answer (an index), as Parquet or JSON lines."""
    file: str
    """Glob of the files inside the source; `embedded` is one file."""
    shots_file: str | None = None
    """Glob of the files with the questions that are shown solved (the dev split), inside the same
    source."""
    shots_source: Name | None = None
    """Key of `sources` in which `shots_file` is looked for, where it is another one (a split of the
    hub is a source of its own)."""
    domains: Annotated[dict[Label, Values], Field(min_length=1)] = MMLU_GROUPS
    """Domains by name: the subjects that belong to each, in lower case with spaces. Left out: the
    standard four groups of MMLU."""
    prompt: Prompt = "continuation"
    """What is shown and scored: letters after question and answers (traditional), the answers'
    texts after the question alone (continuation), or letters with texts after question and answers
    (modified)."""
    shots: Annotated[int, Field(ge=0)] = 0
    """Solved questions of the subject that are shown before each question."""
    header: bool = False
    """Begin with the line "The following are multiple choice questions (with answers) about
    ..."."""
    shots_per_subject: Annotated[int, Field(ge=0)] = 5
    """Without `shots_file`: first questions of each subject that are kept for `shots` and never
    scored."""
    tokens_per_subject: Cap = None
    """Tokens scored for a subject, counted by the suite's tokenizer, so that a new subject moves no
    other's sample; all where left out. Only items that fit the window are taken."""
    questions_per_subject: Cap = None
    """Questions scored for a subject, at most: the cap where every model has a tokenizer of its
    own."""


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
    domains: Annotated[
        dict[Label, Annotated[list[PairFiles], Field(min_length=1)]], Field(min_length=1)
    ]
    """Domains by name and the files that make them up."""
    tokens_per_domain: Cap = None
    """Tokens scored for a domain, counted by the suite's tokenizer; all where left out. Only items
    that fit the window are taken."""
    pairs_per_domain: Cap = None
    """Pairs scored for a domain, at most: the cap where every model has a tokenizer of its own."""


class RiskFamily(Family):
    """Behaviours grouped into clusters, a file of questions each: the probability of the answer
    that matches the behaviour.

    Records have question, answer_matching_behavior and answer_not_matching_behavior.
    """

    kind: Literal["risk"]
    source: Name
    """Key of `sources`."""
    file: str = "**/{behaviour}.jsonl"
    """Where the file of a behaviour lies inside the source."""
    domains: Annotated[dict[Label, Values], Field(min_length=1)] = RISK_CLUSTERS
    """Clusters by name: the behaviours (names of files) that belong to each."""
    answer_space: bool = False
    """Whether a space stands between the opening quote and the Yes or No that is scored."""
    tokens_per_behaviour: Cap = None
    """Tokens scored for a behaviour, counted by the suite's tokenizer; all where left out. Only
    items that fit the window are taken."""
    questions_per_behaviour: Cap = None
    """Questions scored for a behaviour, at most: the cap where every model has a tokenizer of its
    own."""


class ContinuationFamily(Family):
    """Which of four texts continues a passage: distractors from the same topic, or (easier) from
    other topics."""

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


AnyFamily = Annotated[
    ValidationFamily
    | DocumentFamily
    | QuestionFamily
    | PairFamily
    | RiskFamily
    | ContinuationFamily,
    Field(discriminator="kind"),
]


def domains_of(family: AnyFamily) -> list[str]:
    """Return the names of a family's domains, in order."""
    if family.kind == "validation":
        return ["own"]
    if family.kind == "continuation":
        return ["same_topic", "other_topics"]
    return list(family.domains)
