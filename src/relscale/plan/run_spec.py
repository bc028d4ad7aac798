"""The spec of a training run: everything that defines it, as the training job receives it.

Read from JSON once, when a job or a record is opened; all code after that uses attributes.
"""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import Model, is_none
from relscale.contract.suite_table import SuiteRow
from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import Optimiser

Implementation = Literal["auto", "native", "torch"]
"""Program that computes the training steps: `native` is the compiled one, `auto` takes it where it
can train the run, else torch."""
Device = Literal["cpu", "gpu"]


class TrainingData(Model):
    """Changes of a corpus's tokens before a run reads them."""

    unique_tokens: Annotated[int | None, Field(exclude_if=is_none)] = None
    """Only the first tokens of the corpus, as many as this; None for all."""
    permuted_share: Annotated[float | None, Field(exclude_if=is_none)] = None
    """Share of the windows whose tokens are in random order; None for none."""


class RunSpec(Model):
    """Everything that defines a training run, and nothing else."""

    columns: SuiteRow
    """The run's row of suite.csv."""
    shape: Shape
    """Size and architecture."""
    choices: Choices
    """Settings of the architecture that the recipe fixes."""
    optimiser: Optimiser
    """Optimiser and learning rate schedule."""
    batch_size: int
    """Sequences per step."""
    steps: int
    """Optimiser steps."""
    seed: int
    """Seed of the run. With the size and the length of training it decides the initial values and
    the order of the data (`relscale.training.seeds`)."""
    implementation: Implementation
    """Program that computes the training steps."""
    device: Device
    """Device that the recipe trains on; without a GPU, `gpu` runs on the CPU."""

    data: Annotated[TrainingData | None, Field(exclude_if=is_none)] = None
    """Changes of the corpus's tokens; None for none."""

    @property
    def name(self) -> str:
        """Name of the run, unique in its experiment."""
        return self.columns.run
