"""Columns of the losses and the items of controls; no law of the runs reads these tables."""

from typing_extensions import TypedDict


class ControlRow(TypedDict):
    """A row of the losses of a control: one per order, text, family and domain."""

    corpus: str
    control: str
    order: int
    text_bytes: int
    family: str
    domain: str
    metric: str
    unit: str
    value: float
    standard_error: float
    num_items: int
    num_bytes: int
    excluded_reason: str | None


CONTROL_COLUMNS = tuple(ControlRow.__annotations__)
"""Columns of the losses of controls, in order."""

CONTROL_ITEMS_COLUMNS = (
    "corpus",
    "control",
    "order",
    "text_bytes",
    "family",
    "domain",
    "metric",
    "stratum",
    "item",
    "numerator",
    "denominator",
    "overlaps",
)
"""Columns of the items of controls, in order."""
