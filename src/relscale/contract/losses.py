"""The columns of losses and items, and those that a losses table from outside must have.

Meanings, units and dtypes are in docs/DATA.md. Each stage imports only the tables that it reads or
writes, so that a new column makes only those stale.
"""

from relscale.contract.metrics import METRICS

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
"""Columns that a losses table from outside must have, in addition to `forward_flops` or
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

METRIC_UNITS = {name: metric.unit for name, metric in METRICS.items()}
"""Unit of each metric."""

LOWER_IS_BETTER = frozenset(name for name, metric in METRICS.items() if metric.lower_is_better)
"""Metrics of which a smaller value is better."""
