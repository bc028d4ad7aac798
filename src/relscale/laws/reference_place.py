"""Where a path is at the reference compute: the baseline's loss and how fast it falls there.

Along the compute-optimal path the place and the slopes come from surfaces. Where there are none, or
their optimum is outside the sampled range, they come from a line through the runs nearest to the
frontier: the path `observed`.
"""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.gap_laws.loss_to_loss import fit_curve
from relscale.laws.nearness import excess_loss, near_runs
from relscale.laws.run_points import RunPoints
from relscale.laws.surface_fit.projection import SurfaceBatch

OBSERVED_SHARE = 0.4
"""Share of the runs nearest the frontier through which the path `observed` is drawn."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place on a path, one per draw."""

    path: str
    """`optimal` or `observed`."""
    log_compute: float
    """Natural log of the compute there."""
    log_baseline: Array
    """Natural log of the baseline's loss, (draw,)."""
    beta: Array
    """beta_b = -d log L_b / d log F, (draw,)."""
    steps: Array | None
    """d log N / d log F and d log D / d log F, (2, draw); None on the path `observed`."""
    where: Array | None
    """log N and log D, (2, draw); None on the path `observed`."""

    def rho(self, surfaces: SurfaceBatch) -> tuple[Array, Array]:
        """Return log R and rho = -d log R / d log F of a domain along the path, (draw,) each.

        Args:
            surfaces: of the domain, one per draw.
        """
        assert self.where is not None and self.steps is not None
        first, second = _parts(surfaces, self.where)
        reducible = first + second
        fall = surfaces.alpha * first * self.steps[0] + surfaces.beta * second * self.steps[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(reducible), fall / reducible


def reference_compute(points: RunPoints) -> float:
    """Return the natural log of the reference compute, the geometric mean of the budgets'."""
    _, index = np.unique(points.budget, return_inverse=True)
    return float(np.mean(np.bincount(index, weights=points.log_compute) / np.bincount(index)))


def optimal_place(points: RunPoints, score: SurfaceBatch, baseline: SurfaceBatch) -> Place | None:
    """Return the compute-optimal place at the reference compute.

    Compute is log F = level + a log N + b log D by least squares over the runs (a = b = 1 for
    F = 6 N D). Where E + A / N^alpha + B / D^beta is lowest at F, d log N / d log F is
    beta / (a beta + b alpha), and d log D / d log F is alpha / (a beta + b alpha).

    Args:
        points: the runs.
        score: surfaces of the loss that locates the optimum, one per draw.
        baseline: surfaces of the baseline, one per draw.

    Returns:
        The place; None where the optimum is outside the sampled sizes and token counts.
    """
    n, d, f = points.log_params, points.log_tokens, points.log_compute
    design = np.stack([np.ones_like(n), n - n.mean(), d - d.mean()], axis=1)
    level, of_params, of_tokens = np.linalg.lstsq(design, f, rcond=1e-10)[0]
    if of_params <= 0 or of_tokens <= 0:
        return None
    reference = reference_compute(points)
    start = n.mean() + (reference - level) / of_params + of_tokens / of_params * d.mean()
    at_tokens = score.optimum(start, of_tokens / of_params)
    at_params = start - of_tokens / of_params * at_tokens
    if not (n.min() <= at_params[0] <= n.max() and d.min() <= at_tokens[0] <= d.max()):
        return None
    total = of_params * score.beta + of_tokens * score.alpha
    where = np.stack([at_params, at_tokens])
    steps = np.stack([score.beta / total, score.alpha / total])
    first, second = _parts(baseline, where)
    loss = baseline.irreducible + first + second
    fall = baseline.alpha * first * steps[0] + baseline.beta * second * steps[1]
    return Place(
        path="optimal",
        log_compute=reference,
        log_baseline=np.log(loss),
        beta=fall / loss,
        steps=steps,
        where=where,
    )


def observed_place(points: RunPoints, weights: Array) -> Place:
    """Return the place at the reference compute on a line of log L_b over log F.

    Args:
        points: the runs.
        weights: (draw, run).
    """
    used = np.ones(points.num_runs, dtype=bool)
    near = near_runs(excess_loss(points, used), used, OBSERVED_SHARE)
    reference = reference_compute(points)
    line = fit_curve(points.log_compute, points.values[-1], weights * near, 1)
    at = np.array([reference])
    return Place(
        path="observed",
        log_compute=reference,
        log_baseline=line.at(at)[:, 0],
        beta=-line.slope(at)[:, 0],
        steps=None,
        where=None,
    )


def _parts(surfaces: SurfaceBatch, where: Array) -> tuple[Array, Array]:
    """Return A / N^alpha and B / D^beta at log N and log D, (2, draw); NaN without an optimum."""
    n = where[0] - surfaces.plane.mean_log_params
    d = where[1] - surfaces.plane.mean_log_tokens
    n, d = (np.where(np.isfinite(n) & np.isfinite(d), part, np.nan) for part in (n, d))
    return (
        surfaces.from_params * np.exp(-surfaces.alpha * n),
        surfaces.from_tokens * np.exp(-surfaces.beta * d),
    )
