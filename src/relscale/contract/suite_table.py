"""The plan's table, suite.csv: one row per run.

Each stage imports only the tables that it reads or writes, so that a new column makes only those
stages stale. Meanings and units are also in docs/reference/tables.md.
"""

from typing import Literal

from relscale.contract.row import TableRow


class SuiteRow(TableRow):
    """One run of a suite, as a row of suite.csv; the fields are the columns, in order."""

    corpus: str
    """Corpus that the run is trained on."""
    budget: str
    """Label of the budget, as in the configuration."""
    budget_counts: Literal["forward_flops", "training_flops"]
    """The FLOPs that the label means."""
    recipe: str
    """Name of the recipe."""
    run: str
    """Name of the run, unique in its experiment."""
    seed: int
    """Seed of the run; its initial values and the order of its data also depend on its size and
    length."""
    width: int
    """Width of the residual stream."""
    layers: int
    """Number of blocks."""
    heads: int
    """Query heads per block."""
    batch_size: int
    """Sequences per step."""
    steps: int
    """Optimiser steps."""
    tokens: int
    """Tokens trained on."""
    learning_rate: float
    """Peak learning rate of the matrices."""
    beta2: float
    """Decay of the second moment."""
    num_params_embedding: int
    """Parameters of the embedding."""
    num_params_head: int
    """Parameters of the head."""
    num_params_transformer: int
    """Parameters of the blocks and the final norm."""
    num_params_total: int
    """All parameters."""
    attention_flops: Literal["full", "causal"]
    """How the FLOPs of attention are counted; `full` counts the softmax too."""
    forward_flops: int
    """Forward FLOPs of all trained tokens."""
    training_flops: int
    """Three times the forward FLOPs."""


SUITE_COLUMNS = tuple(SuiteRow.model_fields)
"""The columns of suite.csv, in order."""
