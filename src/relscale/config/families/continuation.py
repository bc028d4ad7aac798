"""Settings of families of kind `continuation`: which of several texts continues a passage."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from relscale.config.base import WHOLE, Name, Positive
from relscale.config.choices import is_not_in
from relscale.config.families.base import Family, Problem, Surroundings
from relscale.config.families.documents import DocumentFamily

VARIANTS = ("same_topic", "other_topics")
"""The two domains: wrong options from the same topic, or (easier) from other topics."""


class ContinuationFamily(Family):
    """Choices of the text that continues a passage.

    Wrong options come from the same topic, or (easier) from other topics.
    """

    needs_suite: ClassVar[bool] = True
    options_alike: ClassVar[bool] = True

    kind: Literal["continuation"]
    documents: Name
    """The document family whose texts are used."""
    num_items: Positive = 800
    """Passages of each variant."""
    num_options: Annotated[int, Field(ge=2), WHOLE] = 4
    """Options of a question."""
    context_tokens: Positive = 80
    """Tokens of the passage that are shown."""
    continuation_tokens: Positive = 32
    """Tokens of each option."""

    def domain_names(self) -> list[str]:
        """Return the two variants."""
        return list(VARIANTS)

    def text_family(self, name: str) -> str | None:
        """Return the document family."""
        return self.documents

    def fixed_options(self) -> int | None:
        """Return the number of options."""
        return self.num_options

    def tokens_to_score(self, context_length: int) -> int:
        """Return the tokens of all options of all passages, in both variants."""
        each = min(self.context_tokens + self.continuation_tokens, context_length)
        return len(VARIANTS) * self.num_items * self.num_options * each

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check the document family and the lengths, in addition to the checks of all families."""
        problems = super().problems(rest)
        topics = rest.families.get(self.documents)
        if not isinstance(topics, DocumentFamily):
            others = [
                name for name, other in rest.families.items() if isinstance(other, DocumentFamily)
            ]
            message = is_not_in("the families of kind documents", others)
            return [*problems, (("documents",), message)]
        values = [value for domain in topics.domains.values() for value in domain]
        if len(set(values)) < len(values):
            message = (
                "two of its domains share a value, so `other_topics` would not be other topics"
            )
            problems.append((("documents",), message))
        if self.num_options > len(topics.domains):
            message = f"more than the {len(topics.domains)} topics"
            problems.append((("num_options",), message))
        shown = self.context_tokens + self.continuation_tokens
        if rest.window is not None and shown > rest.window:
            message = (
                f"context_tokens + continuation_tokens exceed the window of {rest.window} tokens"
            )
            problems.append((("context_tokens",), message))
        return problems
