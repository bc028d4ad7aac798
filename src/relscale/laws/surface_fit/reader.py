"""Surfaces of one corpus with their bootstrap, fitted once each.

The bootstrap draws pairs, that is cells with their losses, unless the residuals about the surface
pass a test of equal variance; then it draws residuals. Noise of losses usually depends on N and D,
and a residual bootstrap, which spreads it evenly, then has intervals of the wrong width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array, Flags, Index, SuiteRuns
from relscale.laws.fit_error import FitError
from relscale.laws.identifiability import Identification, identify_surfaces
from relscale.laws.loss_laws.surface import identified_rows, refit_surfaces
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.run_points import RunPoints
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.expected import ExpectedLosses
from relscale.laws.surface_fit.projection import Plane, SurfaceBatch, fit_domains, fit_surfaces

PARAMETERS = 5
"""Parameters of a surface."""
EQUAL_VARIANCE_P = 0.10
"""Residuals pass the test of equal variance where its p value is at least this."""
PAIRS_FROM = 20
"""Cells from which on pairs are drawn. A draw has 63 % of the cells, of fewer than 20 about twice
as many as a surface has parameters."""
REDRAWS = 50
"""Times that draws which identify no surface are drawn again."""

Bootstrap = Literal["pairs", "residuals"]


@dataclass(frozen=True, kw_only=True)
class DrawnSurface:
    """A surface and its refits to drawn cells or residuals."""

    fit: SurfaceBatch
    """A batch of one."""
    drawn: SurfaceBatch
    """One per draw."""
    bootstrap: Bootstrap
    """Whether cells or residuals are drawn."""
    equal_variance_p: float
    """p value of the test of equal variance; NaN where there are too few cells for one."""
    solve: Array
    """Rows that give a small change of (E, log a, log b, alpha, beta) from one of the cells' logs,
    (5, cell)."""
    room: Array
    """1 - leverage, (cell,)."""
    starts_at_optimum: int
    """Starts of `fit` that found its objective."""


@dataclass(frozen=True, kw_only=True)
class _Fitted:
    """A surface without its bootstrap."""

    plane: Plane
    fit: SurfaceBatch
    starts_at_optimum: int
    solve: Array
    room: Array
    residual: Array  # of log values, (cell,)
    equal_variance_p: float


class SurfaceReader:
    """Fits the surfaces of one corpus once: a baseline's is needed again for every treatment."""

    def __init__(self, runs: SuiteRuns, fits: IsoflopFits, spec: LawSpec) -> None:
        """Take the runs, their scores and weights, and the number and seed of the draws.

        `kept` is for results of the corpus that several laws read, computed once; `expected` for
        the values whose surfaces are fitted together.
        """
        self.runs, self.fits, self.spec = runs, fits, spec
        self._fitted: dict[tuple[bytes, bytes], _Fitted] = {}
        self._drawn: dict[tuple[bytes, bytes, Bootstrap], SurfaceBatch] = {}
        self._identified: dict[tuple[bytes, bytes], Identification] = {}
        self._counts: dict[bytes, Array | None] = {}
        self.kept: dict[str, object] = {}
        self.expected = ExpectedLosses(runs)

    def surface(self, values: Array, cells: Index) -> DrawnSurface:
        """Return the surface through cells' log errors and its refits, (cell,).

        Raises:
            FitError: `too_few_runs`.
        """
        return self.surfaces([values], cells)[0]

    def surfaces(self, values: Sequence[Array], cells: Index) -> list[DrawnSurface]:
        """Return surfaces through the same cells with one bootstrap, so that they move together.

        Pairs are drawn unless the residuals of all surfaces pass the test of equal variance.

        Raises:
            FitError: `too_few_runs`.
        """
        found = [self._fit(each, cells) for each in values]
        pairs = len(cells) >= PAIRS_FROM and any(
            fitted.equal_variance_p < EQUAL_VARIANCE_P for fitted in found
        )
        bootstrap: Bootstrap = (
            "pairs" if pairs and self.counts(found[0].plane, cells) is not None else "residuals"
        )
        return [
            DrawnSurface(
                fit=fitted.fit,
                drawn=self._draw(fitted, each, cells, bootstrap),
                bootstrap=bootstrap,
                equal_variance_p=fitted.equal_variance_p,
                solve=fitted.solve,
                room=fitted.room,
                starts_at_optimum=fitted.starts_at_optimum,
            )
            for fitted, each in zip(found, values, strict=True)
        ]

    def _fit(self, values: Array, cells: Index) -> _Fitted:
        """Fit one surface through log values of cells, (cell,); once."""
        key = values.tobytes(), cells.tobytes()
        if key in self._fitted:
            return self._fitted[key]
        plane = Plane.of(self.runs.params_model[cells], 10 ** self.runs.log10_tokens[cells])
        if len(cells) <= PARAMETERS:
            raise FitError(
                Status.TOO_FEW_RUNS,
                f"{len(cells)} sizes, a surface with noise needs {PARAMETERS + 1}",
            )
        weights = self.fits.weights[cells]
        together = [values, *self.expected.at_cells(cells, self.scored)]
        fit, near = fit_domains(plane, np.exp(np.stack(together)), weights)[0]
        jacobian = fit.jacobian()[0]  # (cell, 5)
        solve = np.linalg.pinv(jacobian * np.sqrt(weights)[:, None], rcond=1e-10) * np.sqrt(weights)
        room = np.maximum(1 - np.einsum("ij,ji->i", jacobian, solve), 1e-3)
        centre = np.log(fit.fitted()[0])
        scaled = (values - centre) * np.sqrt(weights / room)
        self._fitted[key] = _Fitted(
            plane=plane,
            fit=fit,
            starts_at_optimum=near,
            solve=solve,
            room=room,
            residual=values - centre,
            equal_variance_p=equal_variance_p(plane, centre, scaled),
        )
        return self._fitted[key]

    def _draw(
        self, fitted: _Fitted, values: Array, cells: Index, bootstrap: Bootstrap
    ) -> SurfaceBatch:
        """Fit a surface again to drawn cells or residuals; once."""
        key = values.tobytes(), cells.tobytes(), bootstrap
        if key not in self._drawn:
            plane, fit, weights = fitted.plane, fitted.fit, self.fits.weights[cells]
            start = np.array([fit.alpha[0], fit.beta[0]])
            if bootstrap == "pairs":
                counts = self.counts(plane, cells)
                assert counts is not None
                self._drawn[key] = refit_surfaces(plane, np.exp(values), start, counts * weights)
            else:
                drawn = self.drawn_values(values - fitted.residual, fitted.residual, fitted, cells)
                self._drawn[key] = fit_surfaces(plane, np.exp(drawn), start, weights)
        return self._drawn[key]

    def drawn_values(
        self, centre: Array, residual: Array, surface: "DrawnSurface | _Fitted", cells: Index
    ) -> Array:
        """Return log values with drawn residuals, (draw, cell).

        Args:
            centre: fitted log values, (cell,).
            residual: observed less fitted log values, (cell,).
            surface: whose leverages scale the residuals.
            cells: cells fitted.
        """
        weights = self.fits.weights[cells]
        scaled = residual * np.sqrt(weights / surface.room)
        chosen = (scaled - scaled.mean())[self.chosen(len(cells))]
        return np.asarray(centre + chosen / np.sqrt(weights))

    def identification(self, values: Array, cells: Index) -> Identification:
        """Return whether the cells identify the parameters of their surface; once.

        Raises:
            FitError: `too_few_runs`.
        """
        key = values.tobytes(), cells.tobytes()
        if key not in self._identified:
            fit = self.fit(values, cells)
            together = {each.tobytes(): each for each in self.expected.at_cells(cells, self.scored)}
            together[key[0]] = values
            fits = [
                fit if name == key[0] else self.fit(each, cells) for name, each in together.items()
            ]
            found = identify_surfaces(
                cell_points(self.runs, cells, values),
                np.stack(list(together.values())),
                fits,
                self.fits.weights[cells],
                self.spec.level,
            )
            for name, each in zip(together, found, strict=True):
                self._identified[name, key[1]] = each
        return self._identified[key]

    @property
    def scored(self) -> Flags:
        """Whether a cell has a score, (cell,)."""
        return self.fits.weights > 0

    def fit(self, values: Array, cells: Index) -> SurfaceBatch:
        """Return the surface through cells' log errors, (cell,), without a bootstrap.

        Raises:
            FitError: `too_few_runs`.
        """
        return self._fit(values, cells).fit

    def chosen(self, number: int) -> Index:
        """Return the cell whose residual each cell gets, (draw, cell).

        It is the same for all surfaces through the same number of cells.
        """
        return np.random.default_rng([self.spec.seed, 3]).integers(
            0, number, size=(self.spec.draws, number)
        )

    def counts(self, plane: Plane, cells: Index) -> Array | None:
        """Return how often each cell is drawn, (draw, cell); None where draws fit no surface.

        Draws that identify no surface are drawn again.
        """
        key = cells.tobytes()
        if key not in self._counts:
            rng = np.random.default_rng([self.spec.seed, 4])
            even = np.full(len(cells), 1 / len(cells))
            counts = rng.multinomial(len(cells), even, self.spec.draws).astype(np.float64)
            for _ in range(REDRAWS):
                lost = np.flatnonzero(~identified_rows(plane, counts))
                if not len(lost):
                    break
                counts[lost] = rng.multinomial(len(cells), even, len(lost))
            known = identified_rows(plane, counts).all()
            self._counts[key] = counts if known else None
        return self._counts[key]


def cell_points(runs: SuiteRuns, cells: Index, values: Array) -> RunPoints:
    """Return cells as points with log values of one domain, (cell,)."""
    return RunPoints(
        log_params=np.log(runs.params_model[cells]),
        log_tokens=runs.log10_tokens[cells] * np.log(10),
        log_compute=runs.log_compute[cells],
        budget=runs.cell_budget[cells],
        cell=cells,
        values=values[None],
    )


def equal_variance_p(plane: Plane, fitted: Array, residual: Array) -> float:
    """Return the p value of the studentised Breusch-Pagan test (Koenker, 1981).

    Squared residuals are regressed on log N, log D and the fitted log value; n R^2 is chi-squared
    where the variance depends on none of them.

    Args:
        plane: log N and log D.
        fitted: log values, (point,).
        residual: of log values, scaled to equal variance under the hypothesis, (point,).

    Returns:
        The p value; NaN with fewer than two points more than coefficients. It is 1 where the
        residuals are equally large.
    """
    columns = np.stack([plane.log_params, plane.log_tokens, fitted - fitted.mean()], axis=1)
    rank = int(np.linalg.matrix_rank(columns / np.maximum(np.ptp(columns, axis=0), 1e-300)))
    if len(residual) < rank + 3:
        return float("nan")
    square = residual**2
    if np.ptp(square) <= 1e-12 * square.max():
        return 1.0
    design = np.column_stack([np.ones(len(square)), columns])
    solution, *_ = np.linalg.lstsq(design, square, rcond=None)
    left = square - design @ solution
    explained = 1 - float(left @ left) / float(np.sum((square - square.mean()) ** 2))
    return float(stats.chi2.sf(len(square) * max(explained, 0.0), rank))
