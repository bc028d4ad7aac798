"""Absolute laws E(F) = offset + coefficient x F^-exponent through the optima: table `absolute`.

The offset is 0 unless held-out budgets prefer another one that is identified.
"""

from collections.abc import Iterator

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.laws.absolute import AbsoluteChoice, choose_absolute
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.surface_floors import SurfaceFloors, absolute_points

TABLE = ABSOLUTE


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return one row per domain and estimator; a failure becomes the status."""
    for domain in fits.readings.domains:
        remarks = fits.remarks(fits.values(domain), domain)
        floors = SurfaceFloors(fits, domain)
        for estimator in fits.spec.estimators:
            row: Row = {
                **fits.label,
                "domain": domain,
                "estimator": estimator,
                "compute": fits.spec.compute,
            }
            points = fits.fit(estimator, domain)
            if isinstance(points, FitError):
                numbers = dict.fromkeys(TABLE.between("coefficient", "num_points"), float("nan"))
                nothing: Row = {**numbers, "law": "", "offset_from": ""}
                status = status_columns(points.status, [*points.remarks, *remarks])
                yield {**row, **nothing, "num_points": 0, **status}
                continue
            own = absolute_points(fits, domain, points)
            choice = choose_absolute(own, floors, fits.spec.level)
            left_out = [note for note in points.notes if "left out" in note]
            yield {
                **row,
                **_columns(choice, fits.spec.level),
                "lack_of_fit_p": points.lack_of_fit_p,
                **status_columns(Status.OK, [choice.reason, *left_out, *remarks]),
            }


def _columns(choice: AbsoluteChoice, level: float) -> Row:
    """Return the columns of the law and of its evidence."""
    law = choice.law
    low, high = law.exponent_interval(level)
    return {
        "law": law.law,
        "coefficient": float(np.exp(law.log_coefficient)),
        "exponent": law.exponent,
        "standard_error": law.standard_error,
        "ci_low": low,
        "ci_high": high,
        "offset": law.offset if law.law == "saturating" else float("nan"),
        "offset_ci_low": law.offset_interval[0],
        "offset_ci_high": law.offset_interval[1],
        "offset_from": law.offset_from,
        "r2": law.r2,
        "power_left_out_error_percent": 100 * choice.power_error,
        "saturating_left_out_error_percent": 100 * choice.saturating_error,
        "num_points": law.num_points,
    }


LAW = Law(table=TABLE, fit=per_metric(fit))
