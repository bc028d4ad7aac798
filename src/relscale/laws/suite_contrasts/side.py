"""One suite of a contrast: the values of a domain at the optima of its budgets.

The values are those of the regression log L = m_b + (k + k' f) s + q s^2 + e, with a free level m_b
per budget b, s = log10 tokens - log10 optimal tokens of the budget and f = log F - log F_ref. It is
the regression of the estimator `joint` without a straight line in f: a law of one suite may have
any form, and only the gap of two suites is a straight line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index, SuiteRuns
from relscale.laws.estimators.reading import Reading, take_reading
from relscale.laws.estimators.registry import BEST_RUN
from relscale.laws.fit_error import FitError
from relscale.laws.noise import order_share, order_share_of_residuals
from relscale.laws.noise_model import JOINT, seed_differences
from relscale.laws.optima.isoflop import IsoflopFits

CURVE_TERMS = 2
"""Terms of an IsoFLOP curve, s and s^2, without which a value at an optimum cannot be read."""
AT_OPTIMUM = 1e-9
"""Distance from the optimum, in decades of tokens, that counts as none."""


@dataclass(frozen=True, kw_only=True)
class SuiteSide:
    """The values of one suite at its optima, linear in the values of its cells."""

    runs: SuiteRuns
    """Runs of the suite."""
    reading: Reading
    """Budgets and cells in use."""
    rows: Array
    """Coefficients that give the value at each budget's optimum, (budget, cell)."""
    unit_covariance: Array
    """Covariance of these values per unit of run variance, (budget, budget)."""
    run_variance: float
    """Variance of a cell of weight 1 about its budget's curve; NaN without degrees of freedom."""
    dof: int
    """Degrees of freedom of that variance."""
    residual: Array
    """Residuals of the cells in units of the run noise, (cell,); zeros where it is not known."""
    projection: Array
    """Matrix that gives the residuals from the values of cells with equal noise, (cell, cell)."""
    design: Array
    """Terms of the regression, (cell, term)."""

    @property
    def log_tokens(self) -> Array:
        """Natural log of the tokens, (cell,)."""
        return np.asarray(self.runs.log10_tokens[self.reading.cells] * np.log(10))

    def used(self, budgets: Index, values: Array) -> int:
        """Return the number of runs of some budgets that have a value, (run,)."""
        cells = self.reading.cells[np.isin(self.runs.cell_budget[self.reading.cells], budgets)]
        return int(np.sum(np.isin(self.runs.run_cell, cells) & np.isfinite(values)))


def read_side(runs: SuiteRuns, curves: IsoflopFits, values: Array, order: float = 0.0) -> SuiteSide:
    """Read a suite at its optima.

    Args:
        runs: runs of the suite.
        curves: their IsoFLOP curves, which locate the optima.
        values: of the quantity, (run,), NaN where missing.
        order: share of a run's variance that runs of one seed have in common.

    Raises:
        FitError: too few budgets or sizes, or no usable optimum.
    """
    reading = _reading(runs, curves, values)
    member = (reading.cell_budget[:, None] == np.arange(len(reading.budgets))).astype(np.float64)
    terms, shape = _curve(runs, values, reading, order)
    design = _full_rank(member, terms)
    if design.shape[1] - member.shape[1] < CURVE_TERMS and not _is_at_optima(reading):
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{len(member)} sizes over {member.shape[1]} budgets do not determine an IsoFLOP curve",
        )
    whiten = np.linalg.inv(np.linalg.cholesky(shape))
    solve = np.linalg.pinv(whiten @ design) @ whiten  # (term, cell)
    dof = len(member) - design.shape[1]
    scaled = whiten @ (reading.values - design @ (solve @ reading.values))
    variance = float(scaled @ scaled) / dof if dof > 0 else float("nan")
    rows = np.asarray(solve[: member.shape[1]], dtype=np.float64)
    basis, _ = np.linalg.qr(design)
    return SuiteSide(
        runs=runs,
        reading=reading,
        rows=rows,
        unit_covariance=rows @ shape @ rows.T,
        run_variance=variance,
        dof=dof,
        residual=scaled / np.sqrt(variance) if variance > 0 else np.zeros(len(member)),
        projection=np.eye(len(member)) - basis @ basis.T,
        design=design,
    )


def _reading(runs: SuiteRuns, curves: IsoflopFits, values: Array) -> Reading:
    """Return the cells about the optima, or the best run of each budget if there are no curves.

    Raises:
        FitError: as `take_reading`.
    """
    try:
        return take_reading(runs, curves.optima(JOINT), values, JOINT, curves.weights)
    except FitError as error:
        if error.status is not Status.NO_USABLE_OPTIMUM:
            raise
    found = take_reading(runs, curves.optima(BEST_RUN), values, BEST_RUN, curves.weights)
    best = np.abs(found.distance) < AT_OPTIMUM
    return replace(
        found,
        cells=found.cells[best],
        cell_budget=found.cell_budget[best],
        distance=found.distance[best],
        values=found.values[best],
        notes=(*found.notes, "no IsoFLOP curves: read at the best run of each budget"),
    )


def _curve(runs: SuiteRuns, values: Array, reading: Reading, order: float) -> tuple[Array, Array]:
    """Return the terms of the curve, (cell, term), and the noise's shape, (cell, cell).

    There are none where the joint regression cannot be fitted, as with one size per budget.
    """
    try:
        model = JOINT.model(runs, values, reading, order)
    except FitError:
        return np.empty((len(reading.cells), 0)), np.eye(len(reading.cells))
    return model.design[:, 2:], model.shape


def _full_rank(member: Array, terms: Array) -> Array:
    """Return budgets and as many terms as leave a degree of freedom, (cell, term)."""
    for number in range(terms.shape[1], 0, -1):
        design = np.concatenate([member, terms[:, :number]], axis=1)
        if len(design) > design.shape[1] == np.linalg.matrix_rank(design):
            return design
    return member


def _is_at_optima(reading: Reading) -> bool:
    """Return whether every cell is at its budget's optimum: there is one size per budget."""
    return bool(np.max(np.abs(reading.distance)) < AT_OPTIMUM)


def order_share_of(runs: SuiteRuns, values: Sequence[Array], sides: Sequence[SuiteSide]) -> float:
    """Return the share of a run's variance that runs of one seed have in common.

    It is taken over all domains, as for gaps (`relscale.laws.noise.order_share`).

    Args:
        runs: runs of the suite.
        values: of each domain, (run,).
        sides: the domains read with a share of 0.
    """
    found = [seed_differences(each, runs, None) for each in values]
    if any(len(difference) for difference, _ in found):
        return order_share(*zip(*found, strict=True))
    if not sides:
        return 0.0
    return order_share_of_residuals(
        [side.projection @ side.reading.values for side in sides],
        [side.projection for side in sides],
        [side.log_tokens for side in sides],
    )
