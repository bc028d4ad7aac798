"""The changes of an arm, as laws and figures read them.

Light imports: neither laws nor figures become stale by an edit of a recipe.
"""

from typing import Annotated

from pydantic import Field

from relscale.config.base import Model, Name, is_none


class ArmFacts(Model):
    """The changes of an arm of a suite, as far as laws read them."""

    corpus: Name
    """Corpus that it is trained on."""
    changed: tuple[str, ...] = ()
    """Settings that change the training of its runs."""
    unique_tokens: Annotated[int | None, Field(exclude_if=is_none)] = None
    """Tokens that are repeated; None for all of the corpus."""
    permuted_share: Annotated[float | None, Field(exclude_if=is_none)] = None
    """Share of the windows whose tokens are permuted; None for none."""
    learning_rate_factor: float = 1.0
    """Factor of the learning rates of the recipe."""
