"""The joint model: one regression of log G over all runs, with a random effect per budget.

The random effect is included only where the data show one.

log G = a + dbeta f + (k + k' f) s + q s^2 + u_budget + e, with f = log F - log F_ref and s = log10
tokens - log10 optimal tokens of the budget. The tilt may change with compute: on a grid off the
optimum, a changing tilt that the model lacks is taken for a slope. (Simulated, sizes .15 decades
off the optimum: without k' dbeta is off by .0027 and 95 % intervals cover .916.) u_budget enters
only where a lack-of-fit F test finds it (the budgets' means scatter about the line by more than
their runs explain); then dbeta is a comparison between budgets and has budgets - 2 degrees of
freedom.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.fit_error import FitError

LACK_OF_FIT_LEVEL = 0.10
"""The budget effect enters where the lack-of-fit p value is below this."""


MIN_CELLS = 5
MIN_CELLS_OF_CHANGING_TILT = 8
"""The tilt changes with compute in the model from this number of cells on."""


@dataclass(frozen=True, kw_only=True)
class JointFit:
    """Result of the regression; everything in it is linear in log G, given the weights."""

    law: Array
    """Rows that give log gamma (G at the reference compute) and dbeta from log G, (2, cell)."""
    points: Array
    """Rows that give log G at each budget's optimum, (budget, cell)."""
    covariance: Array
    """Of (log gamma, dbeta), (2, 2)."""
    tilt_squared: float
    """k^2 at the reference compute, less its own variance, at least 0."""
    point_variance: Array
    """Of the points about their budgets' own value, (budget,)."""
    dof: int
    """Degrees of freedom of dbeta."""
    lack_of_fit_p: float
    """p value of the lack-of-fit test; NaN where it cannot be made."""
    budget_effect: bool
    """Whether the random effect is in."""


def joint_design(log_compute: Array, distance: Array, log_reference: float) -> Array:
    """Return the terms of the model, (cell, 5): 1, f, s, s^2 and s f.

    The last is left out where there are few cells or it is not identifiable.
    """
    away = log_compute - log_reference
    design = np.stack(
        [np.ones_like(distance), away, distance, distance**2, distance * away], axis=1
    )
    whole = (
        len(distance) >= MIN_CELLS_OF_CHANGING_TILT
        and np.linalg.matrix_rank(design) == design.shape[1]
    )
    return design if whole else design[:, :4]


def fit_joint(
    log_gap: Array,
    log_compute: Array,
    distance: Array,
    budget: Index,
    weights: Array,
    log_reference: float,
) -> JointFit:
    """Fit the joint model.

    Args:
        log_gap: (cell,) natural log of G.
        log_compute: (cell,) natural log of F.
        distance: (cell,) log10 tokens less the optimum's, of the cell's budget.
        budget: (cell,) 0..number of budgets - 1, all present.
        weights: (cell,) relative inverse variances.
        log_reference: natural log of the reference compute.

    Raises:
        FitError: `too_few_budgets` with one budget; `too_few_runs` without a residual degree of
            freedom.
    """
    num_budgets = int(np.max(budget)) + 1
    if num_budgets < 2:
        raise FitError(Status.TOO_FEW_BUDGETS, "one budget has no slope")
    design = joint_design(log_compute, distance, log_reference)  # (cell, term)
    num_cells, num_terms = design.shape
    if num_cells < MIN_CELLS or np.linalg.matrix_rank(design) < num_terms:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{num_cells} sizes over {num_budgets} budgets, the joint fit needs 5 that differ",
        )
    member = (budget[:, None] == np.arange(num_budgets)).astype(np.float64)  # (cell, budget)
    p_value = _lack_of_fit(log_gap, design, member, weights)
    effect = bool(np.isfinite(p_value) and p_value < LACK_OF_FIT_LEVEL)
    ratio = _variance_ratio(log_gap, design, member, weights) if effect else 0.0
    shape = np.diag(1 / weights) + ratio * member @ member.T
    inverse = np.linalg.inv(shape)
    normal = np.linalg.inv(design.T @ inverse @ design)
    solve = normal @ design.T @ inverse  # (term, cell)
    residual = log_gap - design @ (solve @ log_gap)
    variance = float(residual @ inverse @ residual) / (num_cells - num_terms)
    share = member * weights[:, None]
    share = (share / np.sum(share, axis=0)).T  # (budget, cell)
    points = share - (share @ design[:, 2:]) @ solve[2:]
    return JointFit(
        law=solve[:2],
        points=points,
        covariance=variance * normal[:2, :2],
        tilt_squared=max(float(solve[2] @ log_gap) ** 2 - variance * float(normal[2, 2]), 0.0),
        point_variance=variance * np.einsum("ij,j,ij->i", points, 1 / weights, points),
        dof=num_budgets - 2 if effect else num_cells - num_terms,
        lack_of_fit_p=p_value,
        budget_effect=effect,
    )


def _weighted_rss(values: Array, design: Array, weights: Array) -> float:
    root = np.sqrt(weights)
    coefficients = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)[0]
    return float(np.sum(weights * (values - design @ coefficients) ** 2))


def _lack_of_fit(log_gap: Array, design: Array, member: Array, weights: Array) -> float:
    """Compare the straight line in log F with a free value per budget (F test).

    NaN without degrees of freedom.
    """
    num_cells, num_budgets = member.shape
    free = np.concatenate([member, design[:, 2:]], axis=1)
    extra, rest = num_budgets - 2, num_cells - np.linalg.matrix_rank(free)
    if extra < 1 or rest < 1:
        return float("nan")
    line, full = _weighted_rss(log_gap, design, weights), _weighted_rss(log_gap, free, weights)
    if full <= 0 or line <= full * (1 + 1e-9):
        return 1.0
    return float(stats.f.sf((line - full) / extra / (full / rest), extra, rest))


def _variance_ratio(log_gap: Array, design: Array, member: Array, weights: Array) -> float:
    """Return the budgets' variance over the runs' by restricted maximum likelihood."""
    dof = len(log_gap) - design.shape[1]

    def objective(share: float) -> float:
        shape = np.diag(1 / weights) + share / (1 - share) * member @ member.T
        inverse = np.linalg.inv(shape)
        normal = design.T @ inverse @ design
        residual = log_gap - design @ np.linalg.solve(normal, design.T @ inverse @ log_gap)
        return float(
            np.linalg.slogdet(shape)[1]
            + np.linalg.slogdet(normal)[1]
            + dof * np.log(residual @ inverse @ residual)
        )

    found = optimize.minimize_scalar(
        objective, bounds=(0.0, 0.999), method="bounded", options={"xatol": 1e-6}
    )
    return float(found.x / (1 - found.x))
