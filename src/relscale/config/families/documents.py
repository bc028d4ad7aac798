"""Settings of families of kind `documents`: sets of documents scored in bits per byte."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from relscale.config.base import WHOLE, ByLabel, Flag
from relscale.config.families.base import (
    Cap,
    Problem,
    SourceFamily,
    Surroundings,
    Values,
    only_bits_per_byte,
)
from relscale.config.readers import AnyReader, names_domains

UNCAPPED_DOCUMENTS = 1000
"""Assumed documents of a domain without a cap, one window each."""


class DocumentFamily(SourceFamily):
    """Sets of documents, scored in bits per byte.

    One window of the context's length is scored per document; the document is the item.
    """

    cap_keys: ClassVar[tuple[str, str]] = ("documents_per_domain", "tokens_per_domain")

    kind: Literal["documents"]
    reader: AnyReader
    """How documents are read."""
    domains: Annotated[ByLabel[Values], Field(min_length=1)]
    """Domains by name: the values of the reader's domain key that belong to each."""
    tokens_per_domain: Cap = None
    """Tokens scored per domain, counted by the suite's tokenizer; all if left out."""
    documents_per_domain: Cap = None
    """Maximum of documents scored per domain: the cap for models with tokenizers of their own."""
    masked_tokens: Annotated[int, Field(ge=0), WHOLE] = 0
    """First tokens of each document (of each window of it) that are shown but not scored, such as
    headlines and datelines."""
    buckets: Flag = False
    """Sum the losses also by kind of byte (letters, digits, punctuation, white space, others), by
    the frequency of words in the training corpus, and by position in the context. Tables `buckets`
    and `positions` then have laws of these parts. The losses stay the same."""

    def sums_by_bucket(self) -> bool:
        """Return whether losses are also summed by bucket of bytes and by position."""
        return self.buckets

    def text_spec(self) -> dict[str, Any]:
        """Return source and reader."""
        return self.model_dump(mode="json", include={"kind", "source", "reader"})

    def tokens_to_score(self, context_length: int) -> int:
        """Return the caps of all domains, or one window for each of the assumed documents."""
        each = self.tokens_per_stratum(uncapped=UNCAPPED_DOCUMENTS, each=context_length)
        return len(self.domains) * each

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check metrics and reader, in addition to the checks of all families."""
        problems = super().problems(rest) + only_bits_per_byte(self.metrics)
        if not names_domains(self.reader) and len(self.domains) > 1:
            message = "a family of several domains needs a reader with a `domain` key"
            problems.append((("reader",), message))
        return problems
