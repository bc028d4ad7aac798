"""A recipe: settings, and formulas that turn a budget into planned sizes.

A planned size has a batch size, a number of steps and an optimiser.

Subclass `ListedSizesRecipe` where the configuration lists the sizes, else `BaseRecipe`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import model_validator

from relscale.config.base import Model
from relscale.plan.accounting import FlopCounting, steps_for
from relscale.plan.architecture import Choices, Shape
from relscale.plan.architectures import ARCHITECTURES, ArchitectureName
from relscale.plan.optimiser import SETTINGS, Optimiser, OptimiserKind, Schedule
from relscale.plan.run_spec import Device, Implementation

MLP_MULTIPLE = 16
"""Listed sizes round the width of the MLP, 8/3 of the model's, to a multiple of this."""


MOST_BATCH = 2**20
"""Sequences per step, at most."""


@dataclass(frozen=True, kw_only=True)
class PlannedSize:
    """One size at a budget: everything about its runs but corpus and seed."""

    shape: Shape
    batch_size: int
    """Sequences per step."""
    steps: int
    """Optimiser steps."""
    optimiser: Optimiser
    """Optimiser and learning rate schedule."""

    @property
    def label(self) -> str:
        """Width x layers, as in the configuration."""
        return f"{self.shape.width}x{self.shape.layers}"


@dataclass(frozen=True, kw_only=True)
class PlannedGrid:
    """The sizes of one budget, and the problems that were found."""

    sizes: Sequence[PlannedSize]
    problems: Mapping[tuple[str | int, ...], str]
    """Message by the path of a key below `suite.budgets.<index>`."""


class BaseRecipe(Model, ABC):
    """A recipe. Its fields are the settings under `suite.recipe`."""

    name: str
    """Name of the recipe."""
    architecture: ArchitectureName = "qwen3"
    """Architecture of the models."""
    optimiser: OptimiserKind
    """Optimiser that trains the models."""

    counting: ClassVar[FlopCounting]
    """Convention for counting FLOPs."""
    choices: ClassVar[Choices] = Choices()
    """Settings of the architecture in addition to the size."""
    schedule: ClassVar[Schedule] = "wsd"
    """Form of the learning rate over the steps."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_the_old_name(cls, given: Any) -> Any:
        if isinstance(given, dict) and "step" in given:
            raise ValueError("the key `step` is now called `implementation`; rename it")
        return given

    @abstractmethod
    def grid(self, budget: str, shapes: Sequence[str] | None, vocab_size: int) -> PlannedGrid:
        """Return the sizes of a budget.

        Args:
            budget: label, such as "1e18"; `counting` says which FLOPs it means.
            shapes: the listed sizes as width x layers, or None.
            vocab_size: entries of the vocabulary.
        """

    @abstractmethod
    def optimiser_of(self, batch_size: int, width: int) -> Optimiser:
        """Return the settings of a run's optimiser."""

    @abstractmethod
    def shapes_problem(self, shapes: Sequence[str] | None) -> str | None:
        """Return the problem with the key `shapes` of a budget, or None."""

    def settings_problems(self) -> dict[str, str]:
        """Return problems between settings of the recipe, by key."""
        warmup, decay = (getattr(self, f"{part}_share", 0.0) for part in ("warmup", "decay"))
        problem = "warmup_share and decay_share add up to more than 1"
        return {"warmup_share": problem} if warmup + decay > 1 else {}

    def run_implementation(self) -> Implementation:
        """Return the program that computes the training steps."""
        return "auto"

    def run_device(self) -> Device:
        """Return the device that the runs are trained on."""
        return "cpu"

    def optimiser_settings(
        self, learning_rate: float, embedding: float, head: float, **more: float
    ) -> Optimiser:
        """Return the settings of `optimiser` with this recipe's schedule.

        Args:
            learning_rate: peak of matrices and norms.
            embedding: peak of the embedding.
            head: peak of the head.
            more: beta2, weight_decay and other settings that formulas decide; all others are
                fields of the recipe with the same name.
        """
        names = ("beta1", "beta2", "weight_decay", "warmup_share", "decay_share", "final_share")
        given = {name: getattr(self, name) for name in (*names, "clip_norm") if hasattr(self, name)}
        return SETTINGS[self.optimiser].model_validate(
            {
                "learning_rate": learning_rate,
                "embedding_learning_rate": embedding,
                "head_learning_rate": head,
                "schedule": self.schedule,
                **given,
                **more,
            }
        )


class ListedSizesRecipe(BaseRecipe):
    """A recipe whose sizes the configuration lists by budget; labels are training FLOPs."""

    context_length: int
    """Tokens per sequence."""
    head_dim: int
    """Wanted width of an attention head."""
    flop_tolerance: float
    """Largest relative miss of a budget."""

    @abstractmethod
    def batch_size(self, tokens: float) -> int:
        """Return the sequences per step of a run.

        Args:
            tokens: number that the run is trained on.
        """

    def shapes_problem(self, shapes: Sequence[str] | None) -> str | None:
        """Require the key."""
        return None if shapes else f"recipe {self.name} needs a list of shapes"

    def grid(self, budget: str, shapes: Sequence[str] | None, vocab_size: int) -> PlannedGrid:
        """Return the listed sizes; one that misses the budget is a problem."""
        sizes: list[PlannedSize] = []
        problems: dict[tuple[str | int, ...], str] = {}
        for place, label in enumerate(shapes or []):
            try:
                sizes.append(self._planned_size(budget, label, vocab_size))
            except ValueError as error:
                problems["shapes", place] = str(error)
        return PlannedGrid(sizes=sizes, problems=problems)

    def _planned_size(self, budget: str, label: str, vocab_size: int) -> PlannedSize:
        """Return one listed size.

        Raises:
            ValueError: if no number of steps comes near enough to the budget.
        """
        width, layers = (int(part) for part in label.split("x"))
        heads = head_dim = intermediate = 0
        if ARCHITECTURES[self.architecture].has_attention:
            heads = number_of_heads(width, self.head_dim)
            head_dim = width // heads
            intermediate = max(1, round(8 * width / 3 / MLP_MULTIPLE)) * MLP_MULTIPLE
        shape = Shape(
            width=width,
            layers=layers,
            heads=heads,
            kv_heads=heads,
            head_dim=head_dim,
            intermediate=intermediate,
            vocab_size=vocab_size,
            context_length=self.context_length,
            architecture=self.architecture,
        )
        per_token = self.counting.labelled_flops_per_token(shape)
        batch_size = self.batch_size(float(budget) / per_token)
        steps = steps_for(float(budget), per_token, batch_size, self.context_length)
        achieved = steps * batch_size * self.context_length * per_token
        if batch_size > MOST_BATCH:
            raise ValueError(too_large_a_batch(batch_size))
        if steps < 1 or abs(achieved / float(budget) - 1) > self.flop_tolerance:
            raise ValueError(
                f"{steps} steps of {batch_size} x {self.context_length} tokens reach "
                f"{achieved:.3g} of {budget} training FLOPs, more than "
                f"{self.flop_tolerance:.0%} off: take a smaller shape or a larger budget"
            )
        return PlannedSize(
            shape=shape,
            batch_size=batch_size,
            steps=steps,
            optimiser=self.optimiser_of(batch_size, width),
        )


def too_large_a_batch(batch_size: int) -> str:
    """Return the message about a batch above the limit."""
    return (
        f"the recipe gives a batch of {batch_size:.3g} sequences, and the limit is {MOST_BATCH:,}: "
        "take a smaller budget, or change the settings of suite.recipe"
    )


def number_of_heads(width: int, head_dim: int) -> int:
    """Return the largest number of heads whose width is even and at least `head_dim`.

    Raises:
        ValueError: if no even head width divides the width.
    """
    fitting = [
        heads
        for heads in range(1, max(1, width // head_dim) + 1)
        if width % heads == 0 and (width // heads) % 2 == 0
    ]
    if not fitting:
        raise ValueError(f"width {width}: no even head width divides it")
    return fitting[-1]
