"""A weighted parabola through one IsoFLOP curve.

log E = c0 + c1 u + c2 u^2 with u = log10 tokens minus their mean, by weighted least squares; the
optimum is u = -c1 / (2 c2) (Hoffmann et al., 2022, approach 2). Parabolas are biased on asymmetric
curves (arXiv 2603.22339).
"""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError


@dataclass(frozen=True, kw_only=True)
class Parabola:
    """Linear algebra of one weighted parabola.

    Design and hat matrix do not depend on the values.
    """

    center: float
    """Mean of x, from which u counts."""
    solve: Array
    """Coefficients from values: (3, point)."""
    leverage: Array
    """Diagonal of the hat matrix, (point,)."""
    inverse: Array
    """(X' W X)^-1, (3, 3): the coefficients' covariance for unit error variance."""

    def basis(self, x: float | Array) -> Array:
        """Return (..., 3) powers of u."""
        u = np.asarray(x, dtype=np.float64) - self.center
        return np.stack([np.ones_like(u), u, u**2], axis=-1)


def parabola(x: Array, weights: Array) -> Parabola:
    """Set up a weighted parabola.

    Raises:
        FitError: `too_few_runs` where there are fewer than three different x with weight.
    """
    sizes = len(np.unique(np.round(x[weights > 1e-12 * np.max(weights, initial=0.0)], 9)))
    if sizes < 3:
        raise FitError(Status.TOO_FEW_RUNS, f"{sizes} different sizes, a parabola needs 3")
    center = float(np.mean(x))
    u = x - center
    design = np.stack([np.ones_like(u), u, u**2], axis=1)  # (point, 3)
    inverse = np.asarray(np.linalg.inv(design.T @ (weights[:, None] * design)), dtype=np.float64)
    solve = inverse @ (design * weights[:, None]).T
    return Parabola(
        center=center, solve=solve, leverage=np.einsum("ij,ji->i", design, solve), inverse=inverse
    )


def vertex_of(fit: Parabola, coefficients: Array, x: Array) -> float:
    """Return the x of the minimum.

    Raises:
        FitError: `curvature_not_positive`, or `optimum_outside_sampled_range`.
    """
    if not coefficients[2] > 0:
        raise FitError(Status.CURVATURE_NOT_POSITIVE, f"curvature {coefficients[2]:.4g}")
    vertex = fit.center - float(coefficients[1] / (2 * coefficients[2]))
    if not np.min(x) <= vertex <= np.max(x):
        raise FitError(
            Status.OPTIMUM_OUTSIDE_SAMPLED_RANGE,
            f"log10 tokens {vertex:.3f} not in {np.min(x):.3f}..{np.max(x):.3f}",
        )
    return vertex
