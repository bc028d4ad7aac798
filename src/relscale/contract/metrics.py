"""The metrics: name, unit, direction and chance level of each, declared once.

Everything that knows metrics derives from `METRICS`: the configuration's choices, the formulas of
the evaluation (`relscale.evaluation.metrics`), the direction that laws and figures read, and the
labels (`relscale.contract.metric_labels`). Labels are in a module of their own, so that a reworded
label makes no scores stale. Light imports.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that scores of items give for a domain."""

    name: str
    """Its name in configurations and tables."""
    unit: str
    """Unit of its values; "1" for shares and probabilities."""
    lower_is_better: bool
    """Whether a smaller value is better, as for an error or a loss."""
    needs: Literal["documents", "options"]
    """Items that it can be computed from: any scored text, or questions with two or more
    options."""
    chance_of: str | None = None
    """The accuracy metric whose chance level decides `at_chance`; None where there is no chance
    level. Chance is 1 over the number of options, averaged over items."""
    always_per_item: bool = False
    """Whether each item has the same weight, also in families that average over strata."""


_ALL = (
    Metric(name="bits_per_byte", unit="bits/byte", lower_is_better=True, needs="documents"),
    Metric(
        name="choice_loss_nats",
        unit="nats",
        lower_is_better=True,
        needs="options",
        chance_of="accuracy",
    ),
    Metric(
        name="choice_probability",
        unit="1",
        lower_is_better=False,
        needs="options",
        chance_of="accuracy",
    ),
    Metric(
        name="choice_probability_per_byte",
        unit="1",
        lower_is_better=False,
        needs="options",
        chance_of="accuracy_per_byte",
    ),
    Metric(
        name="accuracy",
        unit="1",
        lower_is_better=False,
        needs="options",
        chance_of="accuracy",
        always_per_item=True,
    ),
    Metric(
        name="accuracy_per_byte",
        unit="1",
        lower_is_better=False,
        needs="options",
        chance_of="accuracy_per_byte",
        always_per_item=True,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""The metrics by name, in the order in which they are listed to users."""


def metric_of(name: str) -> Metric:
    """Return a metric.

    Raises:
        ValueError: if the name is not known.
    """
    if name not in METRICS:
        raise ValueError(f"metric {name!r} is not known; the choices are {', '.join(METRICS)}")
    return METRICS[name]
