"""Settings of families of kind `strata`: held-out documents of one corpus, by component."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from relscale.config.base import WHOLE, ByLabel, Name, Positive
from relscale.config.families.base import Family, Problem, Surroundings, only_bits_per_byte

Component = Annotated[int, Field(ge=0), WHOLE]


class StrataFamily(Family):
    """Held-out documents of one corpus, with one domain per component.

    The runs of all corpora are scored on the same documents. No corpus is trained on them: the hash
    of a document decides whether it is held out, in every corpus alike.
    """

    of_corpus: ClassVar[bool] = True
    needs_suite: ClassVar[bool] = True

    kind: Literal["strata"]
    corpus: Name
    """Key of `corpora.mixtures` whose held-out documents are the text."""
    domains: Annotated[ByLabel[Component], Field(min_length=1)]
    """Component of the corpus that each domain is, counted from 0."""
    tokens_per_domain: Positive
    """Tokens scored per domain: one window of each of a sample of the documents."""

    def text_corpus(self, corpus: str) -> str | None:
        """Return the corpus of the family, whichever corpus the runs were trained on."""
        return self.corpus

    def domain_names(self) -> list[str]:
        """Return the names of the domains, in order."""
        return list(self.domains)

    def token_cap(self) -> int | None:
        """Return the maximum of tokens per domain."""
        return self.tokens_per_domain

    def tokens_to_score(self, context_length: int) -> int:
        """Return the caps of all domains."""
        return len(self.domains) * self.tokens_per_domain

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check the metrics, and that no two domains are the same component."""
        problems = super().problems(rest) + only_bits_per_byte(self.metrics)
        indices = list(self.domains.values())
        problems += [
            (("domains", label), f"component {index} is that of two domains")
            for label, index in self.domains.items()
            if indices.count(index) > 1
        ]
        return problems
