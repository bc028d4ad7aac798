"""The scales of a gap, and the rows of relative.csv that a reader shows."""

from typing import TYPE_CHECKING

from relscale.contract.table import GAP_KEY

if TYPE_CHECKING:
    import pandas as pd

RATIO, DIFFERENCE, REDUCIBLE, GAIN = "ratio", "difference", "reducible", "gain"
SCALES = (RATIO, DIFFERENCE, REDUCIBLE, GAIN)
"""Scales of a gap: G = L_t / L_b, L_t - L_b, the ratio of the reducible losses, and the compute
that the baseline needs less than the treatment."""
OPTIMAL = "optimal"
"""The compute-optimal path."""
COMPARISON = [*GAP_KEY, "baseline", "estimator"]
"""Columns that name a comparison by one estimator, whatever its scale and path."""


def on_scale(relative: "pd.DataFrame", scale: str = RATIO) -> "pd.DataFrame":
    """Return the rows of one scale, one per comparison: along the first path of its rows.

    Args:
        relative: relative.csv.
        scale: one of `SCALES`.
    """
    rows = relative[relative["scale"].astype(str) == scale]
    return rows.drop_duplicates(COMPARISON)


def slope_margin(row: "pd.Series") -> float:
    """Return the slope at which the change over the observed compute reaches the margin.

    The margin divided by the range of log compute, which is the ratio of the standard errors of
    the change and of the slope; NaN without an interval.
    """
    margin, slope, change = (
        float(row[name]) for name in ("margin", "standard_error", "change_standard_error")
    )
    return margin * slope / change if change > 0 else float("nan")
