"""Settings of families of kind `table`: domains of a losses table from outside."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from relscale.config.base import Label, Unique
from relscale.config.families.base import Family, Problem, Surroundings

Options = Annotated[int, Field(ge=2)]


class TableFamily(Family):
    """Domains of a losses table from outside; nothing is scored."""

    of_table: ClassVar[bool] = True

    kind: Literal["table"]
    metrics: Annotated[Unique[str], Field(min_length=1)]
    """Metrics of the table that laws are fitted to; figures show the first. Whether a larger value
    is better is known of `bits_per_byte`, `loss`, `perplexity`, `accuracy` and common names of
    other tools; for others, `losses.higher_is_better` or `losses.lower_is_better` states it."""
    domains: Annotated[Unique[Label], Field(min_length=1)] | None = None
    """Domains in the order of their colours; all domains of the table, by name, if left out. Those
    of the table that are not listed follow."""
    num_options: Options | None = None
    """Options of every question, for the two-stage law of a family with losses and accuracies of a
    multiple choice."""

    def domain_names(self) -> list[str]:
        """Return the listed domains; none if the table decides."""
        return list(self.domains or ())

    def text_family(self, name: str) -> str | None:
        """Return None: the family has no text."""
        return None

    def fixed_options(self) -> int | None:
        """Return the number of options of every question."""
        return self.num_options

    def tokens_to_score(self, context_length: int) -> int:
        """Return 0: nothing is scored."""
        return 0

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check that there is a baseline, among the domains if they are listed."""
        problems: list[Problem] = []
        if self.baseline is None:
            problems.append((("baseline",), "missing: name the domain to compare others with"))
        return problems + (super().problems(rest) if self.domains else [])
