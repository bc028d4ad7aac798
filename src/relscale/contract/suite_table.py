"""The columns of the plan's table.

Meanings, units and dtypes are in docs/reference/tables.md. Each stage imports only the tables that
it reads or writes, so that a new column makes only those stale.
"""

SUITE_COLUMNS = (
    "corpus",
    "budget",
    "budget_counts",
    "recipe",
    "run",
    "seed",
    "width",
    "layers",
    "heads",
    "batch_size",
    "steps",
    "tokens",
    "learning_rate",
    "beta2",
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
    "attention_flops",
    "forward_flops",
    "training_flops",
)
