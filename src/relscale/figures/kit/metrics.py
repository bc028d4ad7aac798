"""How the gap of a metric is drawn, and which metric a family is shown in."""

from typing import Any

import numpy as np

from relscale.contract.directions import lower_is_better

PREFERRED = ("bits_per_byte", "choice_probability_per_byte", "choice_loss_nats")
"""The metrics by which a family is shown if none is configured, in order."""


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
    return 100 * (1 - gap) if lower_is_better(metric) else 100 * (gap - 1)


def change_label(metric: str) -> str:
    """Return the axis label of `change`."""
    if lower_is_better(metric):
        return "Error below the baseline's (%)"
    return "Value above the baseline's (%)"


def change_formula(metric: str) -> str:
    """Return the formula of `change`."""
    return "100 (1 − G)" if lower_is_better(metric) else "100 (G − 1)"
