"""One planned run of a suite, with its row of suite.csv and its spec."""

from dataclasses import dataclass

from relscale.contract.suite_table import SuiteRow
from relscale.plan.accounting import TRAINING_OVER_FORWARD, FlopCounting, count_parameters
from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import Optimiser
from relscale.plan.run_spec import Device, Implementation, RunSpec, TrainingData


@dataclass(frozen=True, kw_only=True)
class Run:
    """One model of a suite: one training job."""

    corpus: str
    """Corpus or arm: the value of the column `corpus`."""
    budget: str
    """Label, as in the configuration."""
    recipe: str
    """Name of the recipe."""
    counting: FlopCounting
    """The recipe's convention for counting FLOPs."""
    seed: int
    shape: Shape
    batch_size: int
    """Sequences per step."""
    steps: int
    """Optimiser steps."""
    optimiser: Optimiser
    """Optimiser and learning rate schedule."""
    choices: Choices
    """Settings of the architecture that the recipe fixes."""
    implementation: Implementation
    """Program that computes the training steps."""
    device: Device
    """Device that the recipe trains on."""
    arm_of: str | None = None
    """Corpus of the arm that the run belongs to; None for a run of a corpus itself."""
    data: TrainingData | None = None
    """Changes of the corpus's tokens; None for none."""

    @property
    def read_corpus(self) -> str:
        """Corpus whose tokens the run reads."""
        return self.arm_of or self.corpus

    @property
    def run(self) -> str:
        """The run's name: unique in its experiment, a key that nobody parses."""
        size = f"d{self.shape.width}-L{self.shape.layers}-B{self.batch_size}"
        return f"{self.corpus}-{self.budget}-{size}-s{self.seed}"

    @property
    def tokens(self) -> int:
        """Number of tokens trained on."""
        return self.batch_size * self.steps * self.shape.context_length

    @property
    def forward_flops(self) -> int:
        """Forward FLOPs of all trained tokens, by the recipe's convention."""
        return self.tokens * self.counting.forward_flops_per_token(self.shape)

    @property
    def training_flops(self) -> int:
        """Training FLOPs: forward and backward."""
        return TRAINING_OVER_FORWARD * self.forward_flops

    def columns(self) -> SuiteRow:
        """Return the run's row of suite.csv."""
        parameters = count_parameters(self.shape)
        return SuiteRow(
            corpus=self.corpus,
            budget=self.budget,
            budget_counts=self.counting.label,
            recipe=self.recipe,
            run=self.run,
            seed=self.seed,
            width=self.shape.width,
            layers=self.shape.layers,
            heads=self.shape.heads,
            batch_size=self.batch_size,
            steps=self.steps,
            tokens=self.tokens,
            learning_rate=self.optimiser.learning_rate,
            beta2=self.optimiser.beta2,
            num_params_embedding=parameters.embedding,
            num_params_head=parameters.head,
            num_params_transformer=parameters.transformer,
            num_params_total=parameters.total,
            attention_flops=self.counting.attention,
            forward_flops=self.forward_flops,
            training_flops=self.training_flops,
        )

    def spec(self) -> RunSpec:
        """Return the spec that the training job receives."""
        return RunSpec(
            columns=self.columns(),
            shape=self.shape,
            choices=self.choices,
            optimiser=self.optimiser,
            batch_size=self.batch_size,
            steps=self.steps,
            seed=self.seed,
            implementation=self.implementation,
            device=self.device,
            data=self.data,
        )
