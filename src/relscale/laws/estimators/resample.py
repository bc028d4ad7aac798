"""Residual bootstrap about the IsoFLOP fits, with the choice of optimum repeated in every draw.

Runs cannot be resampled within a budget (with one run per size most draws leave too few sizes).
Instead every draw is the fitted parabolas plus residuals: divided by sqrt(1 - leverage), pooled
over budgets, one residual index per size, so that the score's and all domains' residuals of a run
move together. The optimum is then chosen anew from the drawn score, which puts selection noise
inside the spread.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.fit_error import FitError
from relscale.laws.optima.parabola import Parabola, parabola

MIN_POOL_DOF = 3
"""Below this many pooled residual degrees of freedom there is no noise worth drawing from."""


@dataclass(frozen=True, kw_only=True)
class ResidualPool:
    """Fitted IsoFLOP curves of the score and one quantity, and the residuals to draw from."""

    cells: tuple[Index, ...]
    """Cells of each budget."""
    fits: tuple[Parabola, ...]
    """Design of each budget."""
    fitted: Array
    """Fitted score and quantity, (2, cell)."""
    scaled: Array
    """Centred residuals for weight 1 and no leverage, (2, pooled cell)."""
    weights: Array
    """(cell,)."""
    dof: int
    """Pooled degrees of freedom."""


def residual_pool(
    x: Array, score: Array, quantity: Array, groups: list[Index], weights: Array
) -> ResidualPool:
    """Fit the IsoFLOP curves of the score and a quantity (log E or log G) and pool their residuals.

    Args:
        x: (cell,) log10 tokens.
        score: (cell,).
        quantity: (cell,).
        groups: cells of each budget.
        weights: (cell,) relative inverse variances.

    Raises:
        FitError: `too_few_runs` where a budget has fewer than three sizes or the pool too few
            degrees of freedom.
    """
    values = np.stack([score, quantity])
    fitted = np.full_like(values, np.nan)
    fits, pieces, dof = [], [], 0
    for cells in groups:
        fit = parabola(x[cells], weights[cells])
        fitted[:, cells] = (fit.basis(x[cells]) @ (fit.solve @ values[:, cells].T)).T
        fits.append(fit)
        if len(cells) > 3:
            room = np.maximum(1 - fit.leverage, 1e-3)
            pieces.append((values[:, cells] - fitted[:, cells]) * np.sqrt(weights[cells] / room))
            dof += len(cells) - 3
    if dof < MIN_POOL_DOF:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{dof} pooled residual degrees of freedom, the bootstrap needs {MIN_POOL_DOF}",
        )
    scaled = np.concatenate(pieces, axis=1)
    scaled = scaled - scaled.mean(axis=1, keepdims=True)
    return ResidualPool(
        cells=tuple(groups),
        fits=tuple(fits),
        fitted=fitted,
        scaled=scaled,
        weights=weights,
        dof=dof,
    )


@dataclass(frozen=True, kw_only=True)
class Redraw:
    """Drawn curves of one budget."""

    score: Array
    """Log loss whose minimum is the optimum, (draw, cell)."""
    quantity: Array
    """The quantity to read, (draw, cell)."""
    x: Array
    """log10 tokens, (cell,)."""
    fit: Parabola
    """Design of a parabola over these cells."""


def draw_points(
    pool: ResidualPool,
    x: Array,
    redraw: Callable[[Redraw], Array],
    draws: int,
    rng: np.random.Generator,
) -> Array:
    """Draw the quantity at each budget's optimum.

    Args:
        pool: fitted curves and residuals.
        x: (cell,) log10 tokens.
        redraw: locates the optimum of each drawn curve and reads the quantity there
            (`PointEstimator.redraw`).
        draws: number of draws.
        rng: source of the draws.

    Returns:
        (draw, budget).
    """
    points = np.empty((draws, len(pool.cells)))
    for index, (cells, fit) in enumerate(zip(pool.cells, pool.fits, strict=True)):
        chosen = rng.integers(0, pool.scaled.shape[1], size=(draws, len(cells)))
        noise = pool.scaled[:, chosen] / np.sqrt(pool.weights[cells])  # (2, draw, cell)
        score, quantity = pool.fitted[:, None, cells] + noise
        points[:, index] = redraw(Redraw(score=score, quantity=quantity, x=x[cells], fit=fit))
    return points
