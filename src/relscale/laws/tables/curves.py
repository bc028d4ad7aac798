"""The laws that `auto` chooses on a grid of compute: table `curves`.

The interval holds inside the data, and one decade beyond them it is widened by the errors that
back-tests had at the same horizon, so that figures may draw it as a band.
"""

from collections.abc import Iterator

import numpy as np

from relscale.contract.tables.curves import CURVES
from relscale.laws.auto_model import AutoModel
from relscale.laws.cells import Array
from relscale.laws.law import Law, per_metric
from relscale.laws.leave_future_out import LN10
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.predict import rows_at
from relscale.laws.run_points import Places

TABLE = CURVES

INSIDE, BEYOND = 13, 8
"""Points of the grid between the lowest and the highest compute, and beyond."""
DECADES = 1.0
"""Decades of compute beyond the data."""


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return the curves of the values of all domains, then of the gaps of all treatments."""

    def along(model: AutoModel) -> tuple[str, Places]:
        return model.path.name, model.paths.places(model.path, grid_of(model))

    return rows_at(fits, along)


def grid_of(model: AutoModel) -> Array:
    """Return natural logs of compute over the law's range and one decade beyond it."""
    fitted = model.fit().log_compute
    low, high = float(fitted.min()), float(fitted.max())
    inside = np.linspace(low, high, INSIDE)
    return np.concatenate([inside, np.linspace(high, high + DECADES * LN10, BEYOND + 1)[1:]])


LAW = Law(table=TABLE, fit=per_metric(fit))
