"""The facts about metrics that figures need: direction, axis labels, and how a gap is drawn."""

from typing import Any

import numpy as np

PROBABILITIES = frozenset(
    {"accuracy", "accuracy_per_byte", "choice_probability", "choice_probability_per_byte"}
)
"""Metrics of which higher is better or neither; the others are errors."""
LABELS = {
    "bits_per_byte": "Error (bits per byte)",
    "choice_loss_nats": "Choice loss (nats)",
    "choice_probability": "Choice probability",
    "choice_probability_per_byte": "Choice probability per byte",
    "accuracy": "Accuracy",
    "accuracy_per_byte": "Accuracy per byte",
}
"""Axis labels, with units."""
PREFERRED = ("bits_per_byte", "choice_probability_per_byte", "choice_loss_nats")
"""The metrics by which a family is shown if none is configured, in order."""


def is_error(metric: str) -> bool:
    """Return whether lower values of a metric are better."""
    return metric not in PROBABILITIES


def metric_label(metric: str) -> str:
    """Return the axis label of a metric, with its unit."""
    return LABELS.get(metric, metric.replace("_", " "))


def change(gap: Any, metric: str) -> np.ndarray:
    """Return the change relative to the baseline that is drawn for gaps G = E_t / E_b, in percent.

    For errors it is the reduction 100 (1 - G), for probabilities 100 (G - 1) (arXiv 2510.24626,
    figures 4, 5 and 7).

    Args:
        gap: G.  # (n,)
        metric: metric of both domains.

    Returns:
        Percent.  # (n,)
    """
    gap = np.asarray(gap, dtype=float)
    return 100 * (1 - gap) if is_error(metric) else 100 * (gap - 1)


def change_label(metric: str) -> str:
    """Return the axis label of `change`."""
    return "Reduction 100 (1 − G) (%)" if is_error(metric) else "Relative change 100 (G − 1) (%)"
