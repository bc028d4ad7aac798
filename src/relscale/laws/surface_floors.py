"""Irreducible losses of a domain by the surface over the runs of a corpus, for absolute laws."""

import numpy as np

from relscale.laws.absolute import NAN, AbsolutePoints, SurfaceFloor
from relscale.laws.cells import Index, average_seeds
from relscale.laws.estimators.base import BudgetPoints
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.fit_error import FitError
from relscale.laws.floor_gate import gate_surface
from relscale.laws.gap import GapFit
from relscale.laws.metric_fits import MetricFits


def absolute_points(fits: MetricFits, domain: str, points: GapFit) -> AbsolutePoints:
    """Return the points of a domain by an estimator, for `choose_absolute`.

    Estimators that read a budget with the help of others read the lower budgets again where the
    largest are left out. Points of the estimator `surface` are on one surface, so that their
    scatter says nothing about an offset of their own.
    """
    estimator = ESTIMATORS[points.estimator]

    def lower(below: int) -> AbsolutePoints:
        return _points(fits.points_below(points.estimator, domain, below))

    return AbsolutePoints(
        log_compute=points.log_compute,
        values=points.points,
        budgets=points.budgets,
        lower=lower if estimator.pools_budgets else None,
        independent=not estimator.needs_loss,
    )


def _points(points: BudgetPoints) -> AbsolutePoints:
    return AbsolutePoints(
        log_compute=points.log_compute, values=points.points, budgets=points.budgets
    )


class SurfaceFloors:
    """Irreducible losses of a domain's surface over the runs of a corpus."""

    def __init__(self, fits: MetricFits, domain: str) -> None:
        """Take the runs' values of a domain."""
        self.fits = fits
        self.mean, count = average_seeds(
            fits.values(domain), fits.runs.run_cell, fits.runs.num_cells
        )
        self.usable = (fits.isoflop.weights > 0) & (count > 0)
        self.rising = fits.spec.rises(fits.metric)

    def _cells(self, below: int) -> Index:
        return np.flatnonzero(self.usable & (self.fits.runs.cell_budget < below))

    def value(self, below: int) -> float:
        """Return E of the surface through budgets with a lower index; NaN without a fit."""
        cells = self._cells(below)
        try:
            if self.rising:
                return NAN
            return float(self.fits.reader.fit(self.mean[cells], cells).irreducible[0])
        except FitError:
            return NAN

    def floor(self, below: int) -> SurfaceFloor | None:
        """Return the same with its interval; None where the runs do not identify the surface."""
        cells = self._cells(below)
        try:
            if self.rising:
                return None
            gate, surface = gate_surface(self.fits.reader, self.mean[cells], cells)
        except FitError:
            return None
        if not gate.identified:
            return None
        return SurfaceFloor(
            value=float(surface.fit.irreducible[0]),
            standard_error=float(np.std(surface.drawn.irreducible, ddof=1)),
            ci_low=gate.low,
            ci_high=gate.high,
        )
