"""Settings of families of kind `risk`: model-written evaluations of behaviour."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from relscale.config.base import ByLabel, Flag
from relscale.config.families.base import (
    TOKENS_OF_A_PAIR,
    UNCAPPED_PAIRS,
    Cap,
    Problem,
    SourceFamily,
    Surroundings,
    Values,
)
from relscale.config.groups import RISK_CLUSTERS


class RiskFamily(SourceFamily):
    """Behaviours grouped into clusters: the probability of the answer that matches the behaviour.

    Each behaviour has one file of questions. Records have question, answer_matching_behavior and
    answer_not_matching_behavior.
    """

    cap_keys: ClassVar[tuple[str, str]] = ("questions_per_behaviour", "tokens_per_behaviour")

    kind: Literal["risk"]
    file: str = "**/{behaviour}.jsonl"
    """Glob of the file of a behaviour inside the source."""
    domains: Annotated[ByLabel[Values], Field(min_length=1)] = RISK_CLUSTERS
    """Clusters by name: the behaviours (names of files) that belong to each."""
    answer_space: Flag = False
    """Whether a space separates the opening quote from the Yes or No that is scored."""
    tokens_per_behaviour: Cap = None
    """Tokens scored per behaviour, counted by the suite's tokenizer; all if left out. Only items
    that fit the window are scored."""
    questions_per_behaviour: Cap = None
    """Maximum of questions scored per behaviour: the cap for models with tokenizers of their
    own."""

    def text_spec(self) -> dict[str, Any]:
        """Return source and files."""
        return self.model_dump(mode="json", include={"kind", "source", "file"})

    def tokens_to_score(self, context_length: int) -> int:
        """Return the caps of all behaviours, or two options of the assumed questions."""
        each = 2 * min(TOKENS_OF_A_PAIR, context_length)
        return self.num_parts() * self.tokens_per_stratum(uncapped=UNCAPPED_PAIRS, each=each)

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check the pattern of the files, in addition to the checks of all families."""
        problems = super().problems(rest)
        if "{behaviour}" not in self.file:
            message = 'must contain "{behaviour}", where the behaviour\'s name goes'
            problems.append((("file",), message))
        return problems
