"""Columns and types of the losses and items tables, and the columns of a losses table from outside.

Meanings, units and dtypes are in docs/reference/tables.md. Each stage imports only the tables that
it reads or writes, so that a new column makes only those stale.
"""

from typing_extensions import TypedDict


class RunColumns(TypedDict):
    """Columns of a losses row that describe the run; None where nothing is known."""

    corpus: str
    run: str
    seed: int | None
    recipe: str | None
    budget: str | None
    forward_flops: float | None
    training_flops: float | None
    num_params_embedding: int | None
    num_params_head: int | None
    num_params_transformer: int | None
    num_params_total: int | None
    tokens: int | None


class LossesRow(RunColumns):
    """A row of the losses table: one per run, family, domain and metric."""

    family: str
    domain: str
    metric: str
    unit: str
    value: float
    standard_error: float
    num_items: int
    num_bytes: int
    num_truncated: int
    at_chance: bool
    excluded_reason: str | None


RUN_COLUMNS = tuple(RunColumns.__annotations__)
"""Columns that describe the run."""

LOSSES_COLUMNS = tuple(LossesRow.__annotations__)
"""Columns of the losses table, in order."""

LOSSES_KEY = ("corpus", "family", "metric", "domain", "run")
"""Key of a row of the losses table, and the order of the rows."""

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
    "cluster",
    "numerator",
    "denominator",
    "overlaps",
)
"""Columns of the items table, in order."""

ITEMS_OPTIONAL = ("cluster",)
"""Columns that an items table from outside may lack."""

ITEMS_KEY = ("corpus", "family", "metric", "domain", "run", "item")
"""Key of a row of the items table, and the order of the rows."""
