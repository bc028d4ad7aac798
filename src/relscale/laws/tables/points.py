"""E and G at the compute-optimal point of each budget: table `points`."""

from collections.abc import Iterator

import numpy as np

from relscale.contract.status import status_columns
from relscale.contract.tables.points import POINTS
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.gap import GapFit
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row

TABLE = POINTS


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return the rows of every domain, estimator and budget."""
    for domain in fits.readings.domains:
        for estimator in fits.spec.estimators:
            points = fits.fit(estimator, domain)
            if isinstance(points, GapFit):
                yield from _rows(fits, domain, points)


def _rows(fits: MetricFits, domain: str, points: GapFit) -> Iterator[Row]:
    """Return the rows of one domain and estimator."""
    optima = fits.isoflop.optima(ESTIMATORS[points.estimator])
    gap = None
    if domain in fits.treatments:
        gap = fits.fit_gap(points.estimator, domain)
    for place, budget in enumerate(points.budgets):
        cells = np.flatnonzero(fits.runs.cell_budget == budget)
        value = float(np.exp(points.points[place]))
        row: Row = {
            **fits.label,
            "domain": domain,
            "estimator": points.estimator,
            "budget": fits.runs.budgets[budget],
            "forward_flops": _mean(fits.runs.forward_flops[cells]),
            "training_flops": _mean(fits.runs.training_flops[cells]),
            "value": value,
            "standard_error": value * float(np.sqrt(points.point_variance[place])),
            "gap": float("nan"),
            "gap_standard_error": float("nan"),
            **status_columns(optima[budget].status, optima[budget].remarks),
        }
        if isinstance(gap, GapFit) and budget in gap.budgets:
            here = int(np.flatnonzero(gap.budgets == budget)[0])
            ratio = float(np.exp(gap.points[here]))
            error = ratio * float(np.sqrt(gap.point_variance[here]))
            row |= {"gap": ratio, "gap_standard_error": error}
        elif domain == fits.spec.baseline:
            row |= {"gap": 1.0, "gap_standard_error": 0.0}
        yield row


def _mean(values: np.ndarray) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(values))))


LAW = Law(table=TABLE, fit=per_metric(fit))
