"""Settings that all kinds of families share, and the questions that the workflow asks each kind.

A kind answers by overriding a class variable or a method of `Family`, so that nothing outside this
package and `relscale.evaluation.families` compares the word `kind`. Light imports.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from relscale.config.base import WHOLE, Int, Label, Model, Name, Positive, Unique
from relscale.config.choices import is_not_in
from relscale.config.metric_name import MetricName

Values = Annotated[Unique[str], Field(min_length=1)]
Cap = Positive | None
Problem = tuple[tuple[str | int, ...], str]
"""A key below the family, and the reason why its value cannot be used."""

UNCAPPED_PAIRS = 1000
"""Assumed pairs of a domain, or questions of a behaviour, without a cap: the model-written
evaluations have up to 1,000 per behaviour."""
TOKENS_OF_A_PAIR = 250
"""Assumed tokens of a prompt with one of its answers."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The parts of a configuration that a family is checked against."""

    families: Mapping[str, "Family"]
    """All families."""
    sources: Mapping[str, object] | None
    """The sources; None if these are not valid themselves."""
    window: int | None
    """Tokens of the suite's context; None if unknown."""

    def missing_source(self, key: str, source: str) -> list[Problem]:
        """Return the problem of a key whose source does not exist, if so."""
        if self.sources is None or source in self.sources:
            return []
        return [((key,), is_not_in("sources", self.sources))]


class Family(Model):
    """Settings that all families share."""

    of_corpus: ClassVar[bool] = False
    """Whether the items come from a corpus: each run's own one, unless `text_corpus` says
    otherwise."""
    needs_suite: ClassVar[bool] = False
    """Whether items exist only with the suite's corpora and tokenizer. Such a family cannot be
    scored with released models and has no text that corpora could be decontaminated against."""
    of_table: ClassVar[bool] = False
    """Whether the losses are read from a table from outside, so that nothing is scored. Such a
    family belongs to an experiment with a section `losses`, and it has no items."""
    averages_over_strata: ClassVar[bool] = False
    """Whether a domain's losses are unweighted means over its strata; accuracies always weigh each
    item alike."""
    options_alike: ClassVar[bool] = False
    """Whether all questions have options of one kind and length, which makes the clearest sigmoid
    of accuracy over loss."""

    pairs_items: ClassVar[bool] = False
    """Whether items of the same name in two domains are the same item, such as a verse in two
    translations: an item that overlaps a corpus in one domain is left out in all."""

    kind: str
    """The kind of family, which decides the other keys."""
    baseline: Label | None = None
    """The domain that the others are compared with."""
    metrics: Annotated[Unique[MetricName], Field(min_length=1)]
    """Metrics that laws are fitted to; figures show the first."""
    sample_seed: Int = 0
    """Seed of the item samples. The sample of a domain depends on this seed and on the domain's
    name, and not on other domains."""
    min_bytes: Annotated[int, Field(ge=0), WHOLE] = 0
    """Minimum of bytes to score per domain; fewer are an error before any training or scoring. 0
    requires one item."""

    @abstractmethod
    def domain_names(self) -> list[str]:
        """Return the names of the domains, in order."""

    def sums_by_bucket(self) -> bool:
        """Return whether losses are also summed by bucket of bytes and by position."""
        return False

    def sources(self) -> list[str]:
        """Return the keys of `sources` that the text is read from.

        The second of a family of questions holds solved ones. A family without text of its own has
        none.
        """
        return []

    def text_corpus(self, corpus: str) -> str | None:
        """Return the corpus whose held-out documents are the items for the runs of a corpus.

        None if the text does not come from a corpus.

        Args:
            corpus: the corpus that the runs were trained on.
        """
        return corpus if self.of_corpus else None

    def text_family(self, name: str) -> str | None:
        """Return the name of the family whose text this one uses.

        It is usually this family itself, and None for text of a corpus.

        Args:
            name: the name of this family.
        """
        return None if self.of_corpus else name

    def text_spec(self) -> dict[str, Any]:
        """Return the settings that locate the family's text, for decontamination.

        Domains, metrics and baselines are not among them where the whole source is searched, so
        that a new one does not change a corpus.

        Raises:
            ValueError: if the family has no text of its own.
        """
        raise ValueError("this kind of family has no text of its own")

    def item_cap(self) -> int | None:
        """Return the maximum of items per stratum (subject, behaviour, domain); None for all."""
        return None

    def token_cap(self) -> int | None:
        """Return the maximum of tokens per stratum; None for all.

        The suite's tokenizer counts them.
        """
        return None

    def limited_to(self, limit: int) -> "Family":
        """Return the family with at most `limit` items per stratum, where the kind has a cap."""
        return self

    def reported_metrics(self) -> list[str]:
        """Return the metrics in the losses table.

        These are the metrics of the settings and those that the kind always reports.
        """
        return list(self.metrics)

    def needs_all_options(self) -> bool:
        """Return whether all options of a question are scored, or only the right one."""
        return True

    def fixed_options(self) -> int | None:
        """Return the number of options of every question, None if it varies or there are none.

        Chance is 1 over this number; the two-stage law needs it.
        """
        return None

    def compared_prompt(self) -> str | None:
        """Return the prompt of questions scored by the choice among answers, else None."""
        return None

    @abstractmethod
    def tokens_to_score(self, context_length: int) -> int:
        """Return an upper estimate of the tokens that a model is given.

        It is derived from the caps, or else from assumed numbers of items of the kind.

        Args:
            context_length: tokens of the model's context.
        """

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Return everything that is wrong with the settings.

        Args:
            rest: the rest of the configuration.
        """
        if self.baseline is None or self.baseline in self.domain_names():
            return []
        message = is_not_in("the domains of this family", self.domain_names())
        return [(("baseline",), message)]


class SourceFamily(Family):
    """Settings of families that read named domains from a source, with caps per stratum."""

    cap_keys: ClassVar[tuple[str, str]]
    """Fields of the caps: items per stratum, then tokens per stratum."""

    source: Name
    """Key of `sources`."""
    domains: Mapping[Label, Sequence[object]]
    """Domains by name, each with the parts of the source that belong to it."""

    def domain_names(self) -> list[str]:
        """Return the names of the domains, in order."""
        return list(self.domains)

    def sources(self) -> list[str]:
        """Return the source."""
        return [self.source]

    def item_cap(self) -> int | None:
        """Return the maximum of items per stratum; None for all."""
        cap: int | None = getattr(self, self.cap_keys[0])
        return cap

    def token_cap(self) -> int | None:
        """Return the maximum of tokens per stratum; None for all."""
        cap: int | None = getattr(self, self.cap_keys[1])
        return cap

    def limited_to(self, limit: int) -> Family:
        """Return the family with at most `limit` items per stratum."""
        return self.model_copy(update={self.cap_keys[0]: limit})

    def num_parts(self) -> int:
        """Return the number of parts of the source that all domains have: subjects, behaviours."""
        return sum(len(parts) for parts in self.domains.values())

    def tokens_per_stratum(self, *, uncapped: int, each: int) -> int:
        """Return the tokens of a stratum: the smaller of its caps.

        Args:
            uncapped: assumed number of items without a cap on items.
            each: tokens of an item.
        """
        items, tokens = self.item_cap(), self.token_cap()
        by_items = (uncapped if items is None else items) * each
        if tokens is None:
            return by_items
        return tokens if items is None else min(tokens, by_items)

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check that the source exists, in addition to the checks of all families."""
        return rest.missing_source("source", self.source) + super().problems(rest)


def only_bits_per_byte(metrics: list[str]) -> list[Problem]:
    """Return the problem of a family of documents with another metric."""
    if metrics == ["bits_per_byte"]:
        return []
    return [(("metrics",), "documents are scored in bits_per_byte only")]
