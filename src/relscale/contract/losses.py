"""The columns of losses and items, what a losses table from outside must have, and the metrics.

Meanings, units and dtypes are in docs/reference/tables.md. Each stage imports only the tables that it reads or
writes, so that a new column makes only those stale.
"""

LOSSES_COLUMNS = (
    "corpus",
    "run",
    "seed",
    "recipe",
    "budget",
    "forward_flops",
    "training_flops",
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
    "tokens",
    "family",
    "domain",
    "metric",
    "unit",
    "value",
    "standard_error",
    "num_items",
    "num_bytes",
    "num_truncated",
    "at_chance",
    "excluded_reason",
)

LOSSES_REQUIRED = (
    "corpus",
    "run",
    "budget",
    "num_params_total",
    "tokens",
    "family",
    "domain",
    "metric",
    "value",
)
"""What a losses table from outside must have, besides one of `forward_flops` and
`training_flops`."""

ITEMS_COLUMNS = (
    "corpus",
    "run",
    "family",
    "domain",
    "metric",
    "stratum",
    "item",
    "numerator",
    "denominator",
    "overlaps",
)

LOWER_IS_BETTER = frozenset({"bits_per_byte", "choice_loss_nats"})

METRIC_UNITS = {
    "bits_per_byte": "bits/byte",
    "choice_loss_nats": "nats",
    "choice_probability": "1",
    "choice_probability_per_byte": "1",
    "accuracy": "1",
    "accuracy_per_byte": "1",
}
