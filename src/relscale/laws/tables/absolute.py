"""Absolute laws E(F) = coefficient x F^-exponent through the optima: table `absolute`."""

from collections.abc import Iterator

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.laws.cells import average_seeds
from relscale.laws.estimators.registry import SURFACE
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.power import fit_power_law
from relscale.laws.tables.absolute_fits import MIN_BUDGETS_FOR_OFFSET

TABLE = ABSOLUTE


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return one row per domain and estimator; a failure becomes the status."""
    for domain in fits.readings.domains:
        remarks = fits.remarks(fits.values(domain), domain)
        for estimator in fits.spec.estimators:
            row: Row = {
                **fits.label,
                "domain": domain,
                "estimator": estimator,
                "compute": fits.spec.compute,
            }
            points = fits.fit(estimator, domain)
            if isinstance(points, FitError):
                nothing = dict.fromkeys(TABLE.between("coefficient", "num_points"), float("nan"))
                status = status_columns(points.status, [*points.remarks, *remarks])
                yield {**row, **nothing, "num_points": 0, **status}
                continue
            law = fit_power_law(points.log_compute, points.points, fits.spec.level)
            offset, about_offset = _offset(fits, estimator, domain, law.num_points)
            left_out = [note for note in points.notes if "left out" in note]
            yield {
                **row,
                "coefficient": float(np.exp(law.log_coefficient)),
                "exponent": law.exponent,
                "offset": offset,
                "standard_error": law.standard_error,
                "ci_low": law.ci_low,
                "ci_high": law.ci_high,
                "r2": law.r2,
                "lack_of_fit_p": points.lack_of_fit_p,
                "num_points": law.num_points,
                **status_columns(Status.OK, [about_offset, *left_out, *remarks]),
            }


def _offset(fits: MetricFits, estimator: str, domain: str, num_points: int) -> tuple[float, str]:
    """Return the offset and a remark on it.

    The offset is the irreducible term of the domain's surface over all runs, from nine budgets on.
    """
    if num_points < MIN_BUDGETS_FOR_OFFSET:
        return float("nan"), "offset_not_identifiable"
    if estimator != SURFACE.name:
        return float("nan"), "offset not fitted"
    mean, count = average_seeds(fits.values(domain), fits.runs.run_cell, fits.runs.num_cells)
    cells = np.flatnonzero((fits.isoflop.weights > 0) & (count > 0))
    surface = fits.reader.surface(mean[cells], cells).fit
    return float(surface.irreducible[0]), "offset from the surface"


LAW = Law(table=TABLE, fit=per_metric(fit))
