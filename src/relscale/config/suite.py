"""Settings: which models are trained. The recipes are in `plan.recipes`."""

from typing import Annotated

from pydantic import Field

from relscale.config.base import NUMBER, BudgetLabel, Model, Name, Seed, ShapeLabel, Unique
from relscale.plan.recipes import Recipe


class Budget(Model):
    """One IsoFLOP curve of each corpus."""

    label: BudgetLabel
    """FLOPs as text in quotes, such as "1e11"; the recipe says which FLOPs are counted."""
    shapes: Unique[ShapeLabel] | None = None
    """Sizes to train, as width x layers; leave the key out where the recipe derives them."""
    seeds: Annotated[Unique[Seed], Field(min_length=1)] | None = None
    """Seeds of this budget; by default those of the suite."""


class Replicate(Model):
    """More seeds for one size at one budget."""

    budget: BudgetLabel
    """Label of the budget."""
    shape: ShapeLabel
    """Size, as width x layers."""
    seeds: Annotated[Unique[Seed], Field(min_length=1)]
    """Seeds in addition to those of the budget; a repeated seed counts once."""


class Suite(Model):
    """Which runs are trained."""

    corpora: Annotated[Unique[Name], Field(min_length=1)]
    """Corpora of this experiment (keys of `corpora.mixtures`)."""
    recipe: Recipe
    """The named rule that turns budget and size into a run."""
    budgets: Annotated[list[Budget], Field(min_length=1)]
    """The IsoFLOP curves."""
    seeds: Annotated[Unique[Seed], Field(min_length=1)] = [0]
    """Seeds of initialisation and data order: every size at every budget is trained with each of
    them, except in budgets with their own seeds. Runs of one seed share neither."""
    replicates: list[Replicate] = []
    """Sizes that are trained with more seeds at one budget."""
    max_epochs: Annotated[float, Field(gt=0), NUMBER] = 1.0
    """Most epochs over its corpus that a run may take; a run that needs more is an error before any
    training."""
