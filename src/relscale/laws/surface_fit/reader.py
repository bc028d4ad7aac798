"""Surfaces of one corpus with their bootstrap, fitted once each."""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index, SuiteRuns
from relscale.laws.fit_error import FitError
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.projection import Plane, SurfaceBatch, fit_surface, fit_surfaces

PARAMETERS = 5
"""Parameters of a surface."""


@dataclass(frozen=True, kw_only=True)
class DrawnSurface:
    """A surface and its refits to drawn residuals."""

    fit: SurfaceBatch
    """A batch of one."""
    drawn: SurfaceBatch
    """One a draw."""
    solve: Array
    """Rows that give a small change of (E, log a, log b, alpha, beta) from one of the cells' logs,
    (5, cell)."""
    room: Array
    """1 - leverage, (cell,)."""
    starts_at_optimum: int
    """Starts of `fit` that found its objective."""


class SurfaceReader:
    """Fits the surfaces of one corpus once: a baseline's is needed again for every treatment."""

    def __init__(self, runs: SuiteRuns, fits: IsoflopFits, spec: LawSpec) -> None:
        """Take the runs, their scores and weights, and the number and seed of the draws.

        `kept` is for results of the corpus that several laws read, computed once.
        """
        self.runs, self.fits, self.spec = runs, fits, spec
        self._kept: dict[tuple[bytes, bytes], DrawnSurface] = {}
        self.kept: dict[str, object] = {}

    def surface(self, values: Array, cells: Index) -> DrawnSurface:
        """Return the surface through cells' log errors and its refits, (cell,).

        Raises:
            FitError: `too_few_runs`.
        """
        key = values.tobytes(), cells.tobytes()
        if key not in self._kept:
            self._kept[key] = self._fit(values, cells)
        return self._kept[key]

    def _fit(self, values: Array, cells: Index) -> DrawnSurface:
        plane = Plane.of(self.runs.params_model[cells], 10 ** self.runs.log10_tokens[cells])
        if len(cells) <= PARAMETERS:
            raise FitError(
                Status.TOO_FEW_RUNS,
                f"{len(cells)} sizes, a surface with noise needs {PARAMETERS + 1}",
            )
        weights = self.fits.weights[cells]
        fit, near = fit_surface(plane, np.exp(values), weights)
        jacobian = fit.jacobian()[0]  # (cell, 5)
        solve = np.linalg.pinv(jacobian * np.sqrt(weights)[:, None], rcond=1e-10) * np.sqrt(weights)
        room = np.maximum(1 - np.einsum("ij,ji->i", jacobian, solve), 1e-3)
        centre = np.log(fit.fitted()[0])
        residual = (values - centre) * np.sqrt(weights / room)
        losses = np.exp(
            centre + (residual - residual.mean())[self.chosen(len(cells))] / np.sqrt(weights)
        )
        drawn = fit_surfaces(plane, losses, np.array([fit.alpha[0], fit.beta[0]]), weights)
        return DrawnSurface(fit=fit, drawn=drawn, solve=solve, room=room, starts_at_optimum=near)

    def chosen(self, number: int) -> Index:
        """Return the cell whose residual each cell gets, (draw, cell).

        It is the same for all surfaces through the same number of cells.
        """
        return np.random.default_rng([self.spec.seed, 3]).integers(
            0, number, size=(self.spec.draws, number)
        )
