"""Settings of families of kind `parallel`: the same named texts in several sources."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from relscale.config.base import ByLabel, Name
from relscale.config.families.base import (
    Cap,
    Family,
    Problem,
    Surroundings,
    only_bits_per_byte,
)
from relscale.config.readers import AnyReader

UNCAPPED_TEXTS = 1000
"""Assumed texts of a domain without a cap, one window each."""


class ParallelFamily(Family):
    """Versions of the same texts, such as translations, scored in bits per byte.

    Every domain is a source, and all domains score the same named texts (verses): those that all
    sources have and that fit the context's length in all of them. A group of texts (a chapter)
    counts only if all sources have the same names in it, so that texts of one name correspond. The
    text is the item, items of one name are paired, and a group is a cluster of items.
    """

    pairs_items: ClassVar[bool] = True

    kind: Literal["parallel"]
    reader: AnyReader
    """How the texts are read; a reader that names them."""
    domains: Annotated[ByLabel[Name], Field(min_length=1)]
    """Domains by name, each with its key of `sources`."""
    tokens_per_domain: Cap = None
    """Maximum of tokens scored per domain, counted by the suite's tokenizer; the domain with the
    most tokens decides how many texts all domains score."""
    texts_per_domain: Cap = None
    """Maximum of texts scored per domain: the cap for models with tokenizers of their own."""

    def domain_names(self) -> list[str]:
        """Return the names of the domains, in order."""
        return list(self.domains)

    def sources(self) -> list[str]:
        """Return the sources, each once, by name: a spec orders domains otherwise."""
        return sorted(set(self.domains.values()))

    def text_spec(self) -> dict[str, Any]:
        """Return sources and reader."""
        return {
            **self.model_dump(mode="json", include={"kind", "reader"}),
            "sources": self.sources(),
        }

    def item_cap(self) -> int | None:
        """Return the maximum of texts per domain; None for all."""
        return self.texts_per_domain

    def token_cap(self) -> int | None:
        """Return the maximum of tokens per domain; None for all."""
        return self.tokens_per_domain

    def limited_to(self, limit: int) -> Family:
        """Return the family with at most `limit` texts per domain."""
        return self.model_copy(update={"texts_per_domain": limit})

    def tokens_to_score(self, context_length: int) -> int:
        """Return the caps of all domains, or one window for each of the assumed texts."""
        texts = UNCAPPED_TEXTS if self.texts_per_domain is None else self.texts_per_domain
        tokens = texts * context_length
        if self.tokens_per_domain is not None:
            uncapped = self.texts_per_domain is None
            tokens = self.tokens_per_domain if uncapped else min(tokens, self.tokens_per_domain)
        return len(self.domains) * tokens

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check sources, metrics and reader, in addition to the checks of all families."""
        problems = super().problems(rest) + only_bits_per_byte(self.metrics)
        for domain, source in self.domains.items():
            problems += [
                (("domains", domain), message)
                for _, message in rest.missing_source("domains", source)
            ]
        if len(self.sources()) < len(self.domains):
            problems.append((("domains",), "two domains have the same source"))
        if not self.reader.names_items:
            problems.append((("reader",), "needs a reader that names texts: pythonbible"))
        return problems
