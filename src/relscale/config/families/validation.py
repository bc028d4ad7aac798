"""Settings of families of kind `validation`: the held-out documents of each corpus."""

from typing import ClassVar, Literal

from relscale.config.base import Positive
from relscale.config.families.base import Family, Problem, Surroundings, only_bits_per_byte


class ValidationFamily(Family):
    """The held-out documents of each corpus, as one domain `own`."""

    of_corpus: ClassVar[bool] = True
    needs_suite: ClassVar[bool] = True

    kind: Literal["validation"]
    max_tokens: Positive
    """Tokens scored per corpus."""

    def domain_names(self) -> list[str]:
        """Return the one domain."""
        return ["own"]

    def token_cap(self) -> int | None:
        """Return the maximum of tokens."""
        return self.max_tokens

    def tokens_to_score(self, context_length: int) -> int:
        """Return the maximum of tokens."""
        return self.max_tokens

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check the metrics, in addition to the checks of all families."""
        return super().problems(rest) + only_bits_per_byte(self.metrics)
