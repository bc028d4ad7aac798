"""Settings of families of kind `pairs`: a preferred text and others, compared by probability."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from relscale.config.base import ByLabel, Model, Unique
from relscale.config.families.base import (
    TOKENS_OF_A_PAIR,
    UNCAPPED_PAIRS,
    Cap,
    Problem,
    SourceFamily,
    Surroundings,
)


class PairFiles(Model):
    """Files of preferred and other texts that make up one domain."""

    files: Annotated[Unique[str], Field(min_length=1)]
    """JSON lists inside the source."""
    prompt: str | None = None
    """Key of the prompt before both texts; none if the texts have no prompt."""
    positive: str
    """Key of the preferred text, or of the index of the right option if `options` is given."""
    negative: str | None = None
    """Key of the other text."""
    options: str | None = None
    """Key of a list of options, if there are more than two."""


class PairFamily(SourceFamily):
    """Behaviours: the probability that a model gives the preferred one of two (or more) texts."""

    cap_keys: ClassVar[tuple[str, str]] = ("pairs_per_domain", "tokens_per_domain")

    kind: Literal["pairs"]
    domains: Annotated[
        ByLabel[Annotated[list[PairFiles], Field(min_length=1)]], Field(min_length=1)
    ]
    """Domains by name and the files that make them up."""
    tokens_per_domain: Cap = None
    """Tokens scored per domain, counted by the suite's tokenizer; all if left out. Only items that
    fit the window are scored."""
    pairs_per_domain: Cap = None
    """Maximum of pairs scored per domain: the cap for models with tokenizers of their own."""

    def text_spec(self) -> dict[str, Any]:
        """Return source and domains: the domains name the files."""
        return self.model_dump(mode="json", include={"kind", "source", "domains"})

    def tokens_to_score(self, context_length: int) -> int:
        """Return the caps of all domains, or two options of the assumed pairs."""
        each = 2 * min(TOKENS_OF_A_PAIR, context_length)
        return len(self.domains) * self.tokens_per_stratum(uncapped=UNCAPPED_PAIRS, each=each)

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check the keys of the files, in addition to the checks of all families."""
        return super().problems(rest) + [
            (("domains", domain, index), "needs either `negative` or `options`")
            for domain, groups in self.domains.items()
            for index, keys in enumerate(groups)
            if (keys.negative is None) == (keys.options is None)
        ]
