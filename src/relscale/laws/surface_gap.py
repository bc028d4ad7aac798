"""The estimator `surface`: every domain's L(N, D) through all runs, read at the minimum of the
surface that places the optimum.

The optimum of a budget is the minimum along its line log N = level - fall x log D of the surface of
the score; E_d there is what the domain's own surface says, log G the difference of two surfaces,
and dbeta the slope of a line through the budgets. The noise is a residual bootstrap about the
surfaces with all of them refitted: relative residuals, scaled by weight and leverage, pooled over
all sizes; one index a size, so that the residuals of the score and of all domains move together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index, SuiteRuns, average_seeds, cell_covariance
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit, combined_dof, gap_fit, line_rows
from relscale.laws.isoflop import IsoflopFits
from relscale.laws.items import item_variance
from relscale.laws.other_optima import LN10, budget_line
from relscale.laws.settings import LawSettings
from relscale.laws.surface import Plane, SurfaceBatch, fit_surface, fit_surfaces

PARAMETERS = 5


@dataclass(frozen=True, kw_only=True)
class Term:
    """One domain of a gap, or the only one of an absolute law."""

    log_error: Array
    """(run,) natural log of the error, NaN where missing."""
    item_covariance: Array | None = None
    """(run, run) of `log_error` over draws of items; None leaves items out."""


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
    """Fits surfaces of one suite and keeps them: a baseline's is needed again for every
    treatment.
    """

    def __init__(self, runs: SuiteRuns, fits: IsoflopFits, settings: LawSettings) -> None:
        """Take the suite, its scores and weights, and the number and seed of the draws."""
        self.runs, self.fits, self.settings = runs, fits, settings
        self._kept: dict[tuple[bytes, bytes], DrawnSurface] = {}

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
        """Return which cell's residual each cell gets, (draw, cell), the same for all surfaces
        through as many cells.
        """
        return np.random.default_rng([self.settings.seed, 3]).integers(
            0, number, size=(self.settings.draws, number)
        )


@dataclass(frozen=True, kw_only=True)
class _Optima:
    """Optima of the usable budgets on one score surface."""

    budgets: Index
    """Indices into the suite's, (budget,)."""
    level: Array
    """Of each budget's line, (budget,)."""
    falls: Array
    """Of each budget's line, (budget,)."""
    at: Array
    """Natural log of D, (budget,)."""
    drawn: Array
    """The same by draw, (budget, draw)."""


def fit_surface_gap(
    reader: SurfaceReader, terms: Sequence[Term], below: int | None = None
) -> GapFit:
    """Fit one relative law (two terms: treatment, baseline) or one domain's line (one term) through
    surfaces.

    Args:
        reader: of the suite.
        terms: treatment and baseline, or one domain.
        below: use budgets with an index under this only.

    Raises:
        FitError: `too_few_runs`, `no_usable_optimum` or `too_few_budgets`.
    """
    runs, fits = reader.runs, reader.fits
    means = [average_seeds(term.log_error, runs.run_cell, runs.num_cells)[0] for term in terms]
    usable = (fits.weights > 0) & np.isfinite(means).all(axis=0)
    cells = np.flatnonzero(usable if below is None else usable & (runs.cell_budget < below))
    if len(np.unique(runs.cell_budget[cells])) < 2:
        raise FitError(
            Status.TOO_FEW_BUDGETS, "fewer than two budgets with values and a law needs 2"
        )
    score = reader.surface(fits.score[cells], cells)
    optima, notes = _optima(reader, score, cells, below)
    surfaces = [reader.surface(mean[cells], cells) for mean in means]
    signs = np.array([1.0, -1.0][: len(terms)])
    log_n = optima.level - optima.falls * optima.at
    drawn_n = optima.level[:, None] - optima.falls[:, None] * optima.drawn
    points = signs @ np.stack([np.log(part.fit.predict(log_n, optima.at)) for part in surfaces])
    drawn = np.tensordot(
        signs,
        np.stack([np.log(part.drawn.predict(drawn_n, optima.drawn)) for part in surfaces]),
        axes=1,
    )
    log_compute = np.array(
        [
            np.mean(runs.log_compute[cells[runs.cell_budget[cells] == index]])
            for index in optima.budgets
        ]
    )
    line = line_rows(log_compute, float(np.mean(log_compute)))
    spread = np.atleast_2d(np.cov(drawn))
    covariance, point_variance = line @ spread @ line.T, np.diag(spread).copy()
    dof, method = float(len(cells) - PARAMETERS), "runs"
    added = _item_variance(reader, terms, surfaces, cells, log_n, optima.at, line)
    if added is not None:
        dof = combined_dof(float(covariance[1, 1]), float(added[1, 1]), dof, reader.settings.level)
        covariance, point_variance, method = (
            covariance + added[:2, :2],
            point_variance + np.diag(added)[2:],
            "runs+items",
        )
    known = np.isfinite([term.log_error for term in terms]).all(axis=0)
    return gap_fit(
        estimator="surface",
        budgets=optima.budgets,
        log_compute=log_compute,
        points=points,
        law=line @ points,
        covariance=covariance,
        point_variance=point_variance,
        dof=dof,
        ci_method=method,
        num_runs=int((np.isin(runs.run_cell, cells) & known).sum()),
        notes=(*notes, *_cautions([score, *surfaces])),
    )


def _item_variance(
    reader: SurfaceReader,
    terms: Sequence[Term],
    surfaces: Sequence[DrawnSurface],
    cells: Index,
    log_n: Array,
    log_d: Array,
    line: Array,
) -> Array | None:
    """Covariance that item noise adds to (law, points), to first order in the surfaces' parameters;
    None without items.
    """
    size = 2 + len(log_n)
    added = np.zeros((size, size))
    for term, part in zip(terms, surfaces, strict=True):
        if term.item_covariance is None:
            return None
        rows = _point_slopes(part.fit, log_n, log_d) @ part.solve  # (budget, cell)
        of_cells = cell_covariance(reader.runs, cells, term.log_error, term.item_covariance)
        added += item_variance(
            np.concatenate([line @ rows, rows]), of_cells, part.fit.jacobian()[0]
        )
    return added


def _optima(
    reader: SurfaceReader, score: DrawnSurface, cells: Index, below: int | None
) -> tuple[_Optima, list[str]]:
    """Find the budgets' optima on the score's surface; a drawn optimum beyond the sampled range is
    moved to its end.
    """
    runs = reader.runs
    kept: list[tuple[int, float, float, float, Array]] = []
    reasons: dict[str, list[str]] = {}
    for index, budget in enumerate(runs.budgets[:below]):
        own = cells[runs.cell_budget[cells] == index]
        level, falls = budget_line(runs, own)
        if not np.isfinite(level):
            reasons.setdefault(Status.TOO_FEW_RUNS, []).append(budget)
            continue
        low, high = (
            float(end) * LN10
            for end in (runs.log10_tokens[own].min(), runs.log10_tokens[own].max())
        )
        at = float(score.fit.optimum(level, falls)[0])
        if not low <= at <= high:
            reasons.setdefault(Status.OPTIMUM_OUTSIDE_SAMPLED_RANGE, []).append(budget)
            continue
        drawn = score.drawn.optimum(level, falls)
        kept.append(
            (index, level, falls, at, np.clip(np.where(np.isnan(drawn), at, drawn), low, high))
        )
    notes = [f"budget(s) {' '.join(names)} left out: {reason}" for reason, names in reasons.items()]
    if len(kept) < 2:
        few = kept or len(runs.budgets[:below]) < 2
        status = Status.TOO_FEW_BUDGETS if few else Status.NO_USABLE_OPTIMUM
        raise FitError(status, f"{len(kept)} usable budget(s) and a law needs 2", notes)
    numbers = np.array([entry[:4] for entry in kept])
    found = _Optima(
        budgets=np.array([entry[0] for entry in kept], dtype=np.int64),
        level=numbers[:, 1],
        falls=numbers[:, 2],
        at=numbers[:, 3],
        drawn=np.stack([entry[4] for entry in kept]),
    )
    return found, notes


def _point_slopes(fit: SurfaceBatch, log_n: Array, log_d: Array) -> Array:
    """Derivatives of log L at points by (E, log a, log b, alpha, beta), (point, 5)."""
    n, d = log_n - fit.plane.mean_log_params, log_d - fit.plane.mean_log_tokens
    first, second = (
        fit.from_params * np.exp(-fit.alpha * n),
        fit.from_tokens * np.exp(-fit.beta * d),
    )
    parts = np.stack([np.ones_like(n), first, second, -n * first, -d * second], axis=1)
    return np.asarray(parts / (fit.irreducible + first + second)[:, None])


def _cautions(surfaces: Sequence[DrawnSurface]) -> list[str]:
    """Say where a search did not end by itself."""
    fits = sum(not bool(part.fit.converged[0]) for part in surfaces)
    draws = max(float(np.mean(~part.drawn.converged)) for part in surfaces)
    notes = [f"{fits} surface(s) did not converge"] if fits else []
    return [
        *notes,
        *(
            [f"up to {100 * draws:.1f} % of a surface's refits did not converge"]
            if draws > 0
            else []
        ),
    ]
