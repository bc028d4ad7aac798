"""Settings: which models are trained. The recipes are in `plan.recipes`."""

from collections.abc import Sized
from typing import Annotated

from pydantic import Field, model_validator

from relscale.config.arm_facts import ArmFacts
from relscale.config.base import (
    NUMBER,
    WHOLE,
    BudgetLabel,
    Flag,
    Model,
    Name,
    Positive,
    Seed,
    ShapeLabel,
    Share,
    Unique,
)
from relscale.plan.recipes import Recipe

Factor = Annotated[float, Field(gt=0, le=1e6), NUMBER]
"""A positive number that something is multiplied by."""
RecipeValue = Flag | Annotated[int, WHOLE] | Annotated[float, NUMBER] | str
"""The value of a setting of a recipe; the recipe's model checks it."""


def is_empty(value: Sized) -> bool:
    """Return whether a value has no entries: the `exclude_if` of keys that are written if used."""
    return len(value) == 0


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


class Arm(Model):
    """A corpus trained with changed settings.

    The name of an arm is in the column `corpus` of every table, so that laws, figures and
    comparisons treat it as a corpus. Text, tokens and requests are those of its corpus.
    """

    corpus: Name
    """Corpus whose tokens the arm is trained on (a key of `corpora.mixtures` or
    `corpora.sharded`)."""
    recipe: dict[Name, RecipeValue] = {}
    """Settings of `suite.recipe` that differ, such as `optimiser`, `architecture` or `beta2`; all
    others are those of the suite."""
    learning_rate_factor: Factor = 1.0
    """Factor of all peak learning rates of the recipe."""
    batch_factor: Factor = 1.0
    """Factor of the batch size of the recipe. The number of tokens stays the same, and the recipe's
    learning rates follow the batch as they always do."""
    batch_size: Positive | None = None
    """Sequences per step of every run, instead of the batch size of the recipe; not together with
    `batch_factor`."""
    unique_tokens: Positive | None = None
    """Train on the first tokens of the corpus only, as many as this, and repeat them. Documents are
    in the order of a hash, so they are a random sample. Only for corpora of `corpora.mixtures`."""
    permuted_share: Share | None = None
    """Share of the windows whose tokens are in random order. The same windows are permuted in the
    same way in every run and epoch, and a larger share includes those of a smaller one."""
    budgets: Annotated[list[Budget], Field(min_length=1)] | None = None
    """IsoFLOP curves of this arm; by default those of the suite with their replicates."""
    seeds: Annotated[Unique[Seed], Field(min_length=1)] | None = None
    """Seeds of this arm; by default those of the suite."""
    max_epochs: Factor | None = None
    """Most epochs of a run over the arm's tokens; by default that of the suite."""

    @property
    def changed(self) -> list[str]:
        """Settings that change the training of a run, sorted; budgets and seeds are none."""
        plain = Arm(corpus=self.corpus)
        apart = {"corpus", "budgets", "seeds", "max_epochs"}
        names = sorted(set(Arm.model_fields) - apart)
        return [name for name in names if getattr(self, name) != getattr(plain, name)]

    @property
    def facts(self) -> ArmFacts:
        """The changes of the arm, as laws and figures read them."""
        return ArmFacts(
            corpus=self.corpus,
            changed=tuple(self.changed),
            unique_tokens=self.unique_tokens,
            permuted_share=self.permuted_share,
            learning_rate_factor=self.learning_rate_factor,
        )

    @model_validator(mode="after")
    def _one_batch_size(self) -> "Arm":
        if self.batch_size is not None and self.batch_factor != 1:
            raise ValueError("give either `batch_size` or `batch_factor`")
        return self


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
    arms: Annotated[dict[Name, Arm], Field(exclude_if=is_empty)] = {}
    """Corpora trained with changed settings, by the name that stands for a corpus in the tables."""

    @property
    def trained_names(self) -> list[str]:
        """Names in the column `corpus` of the tables: corpora, then arms."""
        return [*self.corpora, *self.arms]

    @property
    def budget_labels(self) -> list[str]:
        """Labels of all budgets, each once; by rising compute where arms have further ones."""
        own = [budget.label for budget in self.budgets]
        more = [budget.label for arm in self.arms.values() for budget in arm.budgets or ()]
        return sorted({*own, *more}, key=float) if set(more) - set(own) else own

    def corpus_of(self, name: str) -> str:
        """Return the corpus that an arm is trained on; that of a corpus is the corpus itself."""
        return self.arms[name].corpus if name in self.arms else name

    @property
    def read_corpora(self) -> list[str]:
        """Corpora whose tokens are read, each once."""
        return list(dict.fromkeys(self.corpus_of(name) for name in self.trained_names))
