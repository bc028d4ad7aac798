"""The estimator `surface`: L(N, D) of every domain, read at the optima of the score's surface.

The optimum of a budget is the minimum of the score's surface along the budget's line
log N = level - fall x log D. E of a domain there is the value of the domain's own surface, log G is
the difference of two surfaces, and dbeta the slope of a line through the budgets. The noise is a
bootstrap of all surfaces at once, so that the score and all domains move together: cells are drawn
with their losses, or, where the residuals have equal variance, relative residuals, scaled by weight
and leverage and pooled over all sizes. A bootstrap of cells knows no effect that the cells of a
budget share, so that the budget effects of `joint`, pooled over the family, are added to the
interval of a gap; the degrees of freedom are at most those of `joint`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index, SuiteRuns, average_seeds, cell_covariance
from relscale.laws.estimators.base import BudgetPoints, Estimator, Quantity, Term
from relscale.laws.estimators.joint import Joint
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit, combined_dof, gap_fit, line_rows, share_of
from relscale.laws.items import item_variance, less_scatter
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.optima.optimum import Optimum, fitted_optimum, no_optimum
from relscale.laws.surface_fit.projection import Plane, SurfaceBatch, fit_surface
from relscale.laws.surface_fit.reader import PARAMETERS, DrawnSurface, SurfaceReader

LN10 = float(np.log(10))


class Surface(Estimator):
    """Surfaces L(N, D) through all runs (Hoffmann et al., 2022, approach 3)."""

    name = "surface"
    pools_budgets = True
    needs_loss = True

    def __init__(self, joint: Joint) -> None:
        """Take the estimator that estimates the effects of budgets."""
        self.joint = joint

    def optima(self, fits: IsoflopFits) -> tuple[Optimum, ...]:
        """Return the minimum of one surface through all budgets, along each budget's line."""
        runs, score, weights, count = fits.runs, fits.score, fits.weights, fits.count
        known = np.flatnonzero(weights > 0)
        runs_of = [
            int(np.sum(count[known[runs.cell_budget[known] == index]]))
            for index in range(len(runs.budgets))
        ]
        try:
            plane = Plane.of(runs.params_model[known], 10 ** runs.log10_tokens[known])
        except FitError as error:
            return tuple(
                no_optimum(budget, self.name, number, error.status)
                for budget, number in zip(runs.budgets, runs_of, strict=True)
            )
        surface, _ = fit_surface(plane, np.exp(score[known]), weights[known])
        found = []
        for index, budget in enumerate(runs.budgets):
            cells = known[runs.cell_budget[known] == index]
            level, falls = budget_line(runs, cells)
            at = float(surface.optimum(level, falls)[0]) / LN10
            if not (
                len(cells) > 1
                and runs.log10_tokens[cells].min() <= at <= runs.log10_tokens[cells].max()
            ):
                status = (
                    Status.OPTIMUM_OUTSIDE_SAMPLED_RANGE if len(cells) > 1 else Status.TOO_FEW_RUNS
                )
                found.append(no_optimum(budget, self.name, runs_of[index], status))
                continue
            lowest = float(
                surface.predict(np.array([level - falls * at * LN10]), np.array([at * LN10]))[0]
            )
            remarks = () if surface.converged[0] else ("the surface did not converge",)
            found.append(
                fitted_optimum(self.name, runs, budget, cells, runs_of[index], at, lowest, remarks)
            )
        return tuple(found)

    def fit(self, quantity: Quantity, below: int | None = None) -> GapFit:
        """Fit the line of a quantity through surfaces; see `Estimator.fit`."""
        reader, terms = quantity.reader, quantity.terms
        runs = reader.runs
        cells, values = _values(quantity, below)
        score, *surfaces = reader.surfaces(values, cells)
        optima = _located(reader, score.fit, cells, below)
        points = optima.read([part.fit for part in surfaces])
        drawn = optima.read_drawn(score.drawn, [part.drawn for part in surfaces])
        log_n, log_compute = optima.log_params, _log_compute(runs, cells, optima)
        line = line_rows(log_compute, float(np.mean(log_compute)))
        spread = np.atleast_2d(np.cov(drawn))
        covariance, point_variance = line @ spread @ line.T, np.diag(spread).copy()
        effects = self._budget_effects(quantity, below)
        dof, method = min(float(len(cells) - PARAMETERS), effects.dof), "runs"
        slopes = _point_slopes(surfaces[0].fit, log_n, optima.at) @ surfaces[0].solve
        covariance = covariance + effects.covariance(line @ slopes, runs.cell_budget[cells])
        item_share, run_dof = 0.0, dof
        added = _item_variance(reader, terms, surfaces, cells, log_n, optima.at, line)
        if added is not None:
            dof = combined_dof(float(covariance[1, 1]), float(added[1, 1]), dof, reader.spec.level)
            covariance, point_variance, method = (
                covariance + added[:2, :2],
                point_variance + np.diag(added)[2:],
                "runs+items",
            )
            item_share = share_of(float(added[1, 1]), float(covariance[1, 1]))
        known = np.isfinite([term.log_error for term in terms]).all(axis=0)
        return gap_fit(
            estimator=self.name,
            budgets=optima.budgets,
            log_compute=log_compute,
            points=points,
            law=line @ points,
            covariance=covariance,
            point_variance=point_variance,
            dof=dof,
            ci_method=method,
            num_runs=int((np.isin(runs.run_cell, cells) & known).sum()),
            notes=(*optima.notes, *_cautions([score, *surfaces])),
            budget_sd=float(np.sqrt(effects.variance)) if effects.known else float("nan"),
            item_share=item_share,
            run_dof=run_dof,
        )

    def _budget_effects(self, quantity: Quantity, below: int | None) -> "_BudgetEffects":
        """Return the effects of budgets on log G by `joint`, pooled over the family.

        They are none where `joint` has no fit, and for one domain, whose budgets are not expected
        on a straight line.
        """
        try:
            joint = self.joint.fit(quantity, below) if len(quantity.terms) == 2 else None
        except FitError:
            joint = None
        if joint is None or not np.isfinite(joint.budget_sd) or not joint.run_dof > 0:
            return _BudgetEffects(variance=0.0, dof=float("inf"), known=False)
        return _BudgetEffects(variance=joint.budget_sd**2, dof=joint.run_dof, known=True)

    def points(self, quantity: Quantity, below: int | None = None) -> BudgetPoints:
        """Read the surfaces without their refits; see `Estimator.points`."""
        reader = quantity.reader
        cells, values = _values(quantity, below)
        score, *surfaces = (reader.fit(each, cells) for each in values)
        optima = _located(reader, score, cells, below)
        return BudgetPoints(
            budgets=optima.budgets,
            log_compute=_log_compute(reader.runs, cells, optima),
            points=optima.read(surfaces),
        )


@dataclass(frozen=True, kw_only=True)
class _BudgetEffects:
    """Effects that move log G of all sizes of a budget together."""

    variance: float
    """Their variance, at least 0."""
    dof: float
    """Degrees of freedom of an interval that has them."""
    known: bool
    """Whether they were estimated."""

    def covariance(self, rows: Array, cell_budget: Index) -> Array:
        """Return the covariance that they give numbers that are linear in the cells' values.

        Args:
            rows: coefficients, (number, cell).
            cell_budget: budget of each cell, (cell,).
        """
        member = (cell_budget[:, None] == np.unique(cell_budget)).astype(np.float64)
        response = rows @ member  # (number, budget)
        return np.asarray(self.variance * response @ response.T)


def _values(quantity: Quantity, below: int | None) -> tuple[Index, list[Array]]:
    """Return the cells that have a score and all values, then score and values there, (cell,).

    Raises:
        FitError: `too_few_budgets`.
    """
    runs, fits = quantity.reader.runs, quantity.reader.fits
    means = [
        average_seeds(term.log_error, runs.run_cell, runs.num_cells)[0] for term in quantity.terms
    ]
    usable = (fits.weights > 0) & np.isfinite(means).all(axis=0)
    cells = np.flatnonzero(usable if below is None else usable & (runs.cell_budget < below))
    if len(np.unique(runs.cell_budget[cells])) < 2:
        raise FitError(
            Status.TOO_FEW_BUDGETS, "fewer than two budgets with values and a law needs 2"
        )
    return cells, [fits.score[cells], *(mean[cells] for mean in means)]


def _log_compute(runs: SuiteRuns, cells: Index, optima: "_Optima") -> Array:
    """Return the mean natural log of the compute of the budgets in use, (budget,)."""
    of = runs.cell_budget[cells]
    return np.array([np.mean(runs.log_compute[cells[of == index]]) for index in optima.budgets])


def budget_line(runs: SuiteRuns, cells: Index) -> tuple[float, float]:
    """Fit log N = level - fall x log D to the sizes of a budget by least squares.

    N counts transformer and head parameters.

    NaN with fewer than two token counts. At a given compute N D is nearly constant, and the fall
    nearly 1.
    """
    log_tokens, log_params = runs.log10_tokens[cells] * LN10, np.log(runs.params_model[cells])
    if len(cells) < 2 or np.ptp(log_tokens) == 0:
        return float("nan"), float("nan")
    away = log_tokens - log_tokens.mean()
    falls = -float(away @ log_params / (away @ away))
    return float(log_params.mean() + falls * log_tokens.mean()), falls


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
    ends: Array
    """The least and the largest that was sampled, (budget, 2)."""
    notes: tuple[str, ...]
    """Budgets left out, and why."""

    @property
    def log_params(self) -> Array:
        """Return the natural log of N, (budget,)."""
        return np.asarray(self.level - self.falls * self.at)

    def read(self, surfaces: Sequence[SurfaceBatch]) -> Array:
        """Return log E, or log G of two surfaces, (budget,)."""
        parts = [np.log(each.predict(self.log_params, self.at)) for each in surfaces]
        return np.asarray(_SIGNS[: len(parts)] @ np.stack(parts))

    def read_drawn(self, score: SurfaceBatch, surfaces: Sequence[SurfaceBatch]) -> Array:
        """Return the same by draw, (budget, draw).

        An optimum on a drawn score beyond the sampled range is moved to its end.
        """
        drawn = np.stack(
            [score.optimum(*line) for line in zip(self.level, self.falls, strict=True)]
        )
        drawn = np.where(np.isnan(drawn), self.at[:, None], drawn)
        drawn = np.clip(drawn, self.ends[:, :1], self.ends[:, 1:])
        log_n = self.level[:, None] - self.falls[:, None] * drawn
        parts = [np.log(each.predict(log_n, drawn)) for each in surfaces]
        return np.tensordot(_SIGNS[: len(parts)], np.stack(parts), axes=1)


_SIGNS = np.array([1.0, -1.0])
"""Of treatment and baseline in log G."""


def _item_variance(
    reader: SurfaceReader,
    terms: Sequence[Term],
    surfaces: Sequence[DrawnSurface],
    cells: Index,
    log_n: Array,
    log_d: Array,
    line: Array,
) -> Array | None:
    """Return the covariance that item noise adds to (law, points), None without items.

    It is of first order in the parameters of the surfaces.
    """
    if any(term.item_cross is not None for term in terms):
        return _paired_variance(reader, terms, surfaces, cells, log_n, log_d, line)
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


def _paired_variance(
    reader: SurfaceReader,
    terms: Sequence[Term],
    surfaces: Sequence[DrawnSurface],
    cells: Index,
    log_n: Array,
    log_d: Array,
    line: Array,
) -> Array | None:
    """Return the same of a treatment and a baseline with paired items.

    With rows R of each, signed, and covariances S of the cells, the sum over pairs of terms of
    R_i S_ij R_j', less that of the part of items x runs, tr(M_i S_ij M_j) / spare R_i R_j'; see
    `item_variance`.
    """
    ours, theirs = terms
    if ours.item_covariance is None or theirs.item_covariance is None or ours.item_cross is None:
        return None
    blocks = [
        [ours.item_covariance, ours.item_cross],
        [ours.item_cross.T, theirs.item_covariance],
    ]
    known = ours.log_error + theirs.log_error  # NaN where either is missing
    rows, makers = [], []
    for sign, part in zip(_SIGNS, surfaces, strict=True):
        points = _point_slopes(part.fit, log_n, log_d) @ part.solve  # (budget, cell)
        rows.append(sign * np.concatenate([line @ points, points]))
        design = part.fit.jacobian()[0]
        makers.append(np.eye(len(design)) - design @ np.linalg.pinv(design))
    total, own = np.zeros((2, len(rows[0]), len(rows[0])))
    spare = min(float(np.trace(maker)) for maker in makers)
    for i, j in np.ndindex(2, 2):
        of_cells = cell_covariance(reader.runs, cells, known, blocks[i][j])
        total += rows[i] @ of_cells @ rows[j].T
        if spare > 0.5:
            scatter = float(np.trace(makers[i] @ of_cells @ makers[j])) / spare
            own += scatter * rows[i] @ rows[j].T
    return less_scatter(total, own)


def _located(
    reader: SurfaceReader, score: SurfaceBatch, cells: Index, below: int | None
) -> _Optima:
    """Find the optima of the budgets on the surface of the score, a batch of one.

    Raises:
        FitError: fewer than two budgets have an optimum in the sampled range.
    """
    runs = reader.runs
    kept: list[tuple[int, float, float, float, float, float]] = []
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
        at = float(score.optimum(level, falls)[0])
        if not low <= at <= high:
            reasons.setdefault(Status.OPTIMUM_OUTSIDE_SAMPLED_RANGE, []).append(budget)
            continue
        kept.append((index, level, falls, at, low, high))
    notes = [f"budget(s) {' '.join(names)} left out: {reason}" for reason, names in reasons.items()]
    if len(kept) < 2:
        few = kept or len(runs.budgets[:below]) < 2
        status = Status.TOO_FEW_BUDGETS if few else Status.NO_USABLE_OPTIMUM
        raise FitError(status, f"{len(kept)} usable budget(s) and a law needs 2", notes)
    numbers = np.array(kept)
    return _Optima(
        budgets=numbers[:, 0].astype(np.int64),
        level=numbers[:, 1],
        falls=numbers[:, 2],
        at=numbers[:, 3],
        ends=numbers[:, 4:],
        notes=tuple(notes),
    )


def _point_slopes(fit: SurfaceBatch, log_n: Array, log_d: Array) -> Array:
    """Return the derivatives of log L by (E, log a, log b, alpha, beta), (point, 5)."""
    n, d = log_n - fit.plane.mean_log_params, log_d - fit.plane.mean_log_tokens
    first, second = (
        fit.from_params * np.exp(-fit.alpha * n),
        fit.from_tokens * np.exp(-fit.beta * d),
    )
    parts = np.stack([np.ones_like(n), first, second, -n * first, -d * second], axis=1)
    return np.asarray(parts / (fit.irreducible + first + second)[:, None])


def _cautions(surfaces: Sequence[DrawnSurface]) -> list[str]:
    """Return remarks on searches that did not converge."""
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
