"""The parametric loss-to-loss law, and the split of a slope into floor effect and rate effect.

L_t = E_t + K (L_b - E_b)^kappa (Brandfonbrener et al., 2024, arXiv:2411.12925). With
R_d = L_d - E_d, q_d = R_d / L_d and rho_b = -d log R_b / d log F > 0 along a path, the law gives
d log R_t / d log F = -kappa rho_b, hence d log L_t / d log F = -kappa q_t rho_b and
d log L_b / d log F = -q_b rho_b. With G = L_t / L_b

    dbeta = d log G / d log F = rho_b [ (q_b - q_t) + (1 - kappa) q_t ].

The first part is the floor effect: the domain with the smaller share of reducible loss falls more
slowly although both reducible losses fall alike. The second part is the rate effect: the reducible
losses fall at different rates. A positive dbeta is a ratio that rises with compute. As
beta_b = -d log L_b / d log F is q_b rho_b, the split needs no more of the path than the baseline's
loss and beta_b there.
"""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.run_points import RunPoints

ITERATIONS = 60
"""Of the search for a treatment's floor."""
STARTS = (0.1, 0.5, 0.8, 0.95)
"""Starting values of a treatment's floor, as shares of its lowest loss."""
HIGHEST_FLOOR = 0.999
"""Bound of a treatment's floor, as a share of its lowest loss."""
GRID = 20
"""Floors per domain of the sensitivity band."""
HIGHEST = 0.95
"""Highest floor of the sensitivity band, as a share of the domain's lowest loss."""


@dataclass(frozen=True, kw_only=True)
class LossPower:
    """Parametric laws, one per draw."""

    floor_treatment: Array
    """E_t, (draw,)."""
    floor_baseline: Array
    """E_b, (draw,)."""
    kappa: Array
    """Exponent, (draw,); NaN where a floor is not below all losses."""
    log_coefficient: Array
    """log K, (draw,)."""

    def split(self, log_baseline: Array, beta: Array) -> "Split":
        """Split the slope dbeta at a place of a path.

        Args:
            log_baseline: natural log of the baseline's loss there, (draw,).
            beta: beta_b there, (draw,).
        """
        loss = np.exp(log_baseline)
        with np.errstate(invalid="ignore", divide="ignore"):
            log_reducible = np.log(loss - self.floor_baseline)
            treatment = np.exp(self.log_coefficient + self.kappa * log_reducible)
            share_treatment = treatment / (self.floor_treatment + treatment)
            share_baseline = 1 - self.floor_baseline / loss
            rho = beta / share_baseline
            return Split(
                share_treatment=share_treatment,
                share_baseline=share_baseline,
                rho=rho,
                floor=rho * (share_baseline - share_treatment),
                rate=rho * (1 - self.kappa) * share_treatment,
            )

    def log_gap(self, log_baseline: Array) -> Array:
        """Return log G at natural logs of the baseline's loss, (place,); (draw, place)."""
        with np.errstate(invalid="ignore"):
            log_reducible = np.log(np.exp(log_baseline) - self.floor_baseline[:, None])
            power = np.exp(self.log_coefficient[:, None] + self.kappa[:, None] * log_reducible)
        return np.asarray(np.log(self.floor_treatment[:, None] + power) - log_baseline)


@dataclass(frozen=True, kw_only=True)
class Split:
    """A slope in its two parts, at one place of a path, one per draw."""

    share_treatment: Array
    """q_t, (draw,)."""
    share_baseline: Array
    """q_b, (draw,)."""
    rho: Array
    """rho_b, (draw,)."""
    floor: Array
    """Floor effect, (draw,)."""
    rate: Array
    """Rate effect, (draw,)."""


def fit_loss_power(
    points: RunPoints, floor_treatment: Array, floor_baseline: Array, weights: Array
) -> LossPower:
    """Fit kappa and log K by weighted least squares of log R_t on log R_b.

    A run's weight is times q_t^2, since the noise of log R_t is that of log L_t over q_t: to first
    order this is least squares of log L_t.

    Args:
        points: runs with treatment and baseline.
        floor_treatment: E_t, (draw,).
        floor_baseline: E_b, (draw,).
        weights: (draw, run).
    """
    treatment, baseline = np.exp(points.values)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.log(treatment - floor_treatment[:, None])
        x = np.log(baseline - floor_baseline[:, None])
        weights = weights * (1 - floor_treatment[:, None] / treatment) ** 2
        total = weights.sum(axis=1)
        away = x - (np.sum(weights * x, axis=1) / total)[:, None]
        level = np.sum(weights * y, axis=1) / total
        kappa = np.sum(weights * away * y, axis=1) / np.sum(weights * away**2, axis=1)
        log_coefficient = level - kappa * np.sum(weights * x, axis=1) / total
    return LossPower(
        floor_treatment=floor_treatment,
        floor_baseline=floor_baseline,
        kappa=kappa,
        log_coefficient=log_coefficient,
    )


def fit_treatment_floor(points: RunPoints, floor_baseline: Array, weights: Array) -> LossPower:
    """Fit E_t, K and kappa to losses, given the baseline's floor.

    Weighted least squares of fit / observed - 1 by Levenberg-Marquardt, all draws at once. The
    first row is fitted from several starts, the others from its result.

    Args:
        points: runs with treatment and baseline.
        floor_baseline: E_b, (draw,), below all losses.
        weights: (draw, run).
    """
    treatment, baseline = np.exp(points.values)
    with np.errstate(invalid="ignore"):
        x = np.log(baseline - floor_baseline[:, None])
    above = np.isfinite(x).all(axis=1)
    x = np.where(above[:, None], x, 0.0)
    centre = x.mean(axis=1, keepdims=True)
    starts = np.array(STARTS) * treatment.min()
    size = len(starts)
    laws = fit_loss_power(
        points,
        starts,
        np.full(size, floor_baseline[0]),
        np.broadcast_to(weights[0], (size, points.num_runs)),
    )
    level = laws.log_coefficient + laws.kappa * centre[0]
    tried, error = _search(
        np.stack([starts, level, laws.kappa], axis=1),
        np.broadcast_to(x[0] - centre[0], (size, x.shape[1])),
        treatment,
        np.broadcast_to(weights[0], (size, x.shape[1])),
    )
    best = tried[np.argmin(np.where(np.isfinite(error), error, np.inf))]
    found, _ = _search(np.repeat(best[None], len(x), axis=0), x - centre, treatment, weights)
    found[~above] = np.nan
    return LossPower(
        floor_treatment=found[:, 0],
        floor_baseline=floor_baseline,
        kappa=found[:, 2],
        log_coefficient=found[:, 1] - found[:, 2] * centre[:, 0],
    )


def _search(theta: Array, x: Array, loss: Array, weights: Array) -> tuple[Array, Array]:
    """Minimise the weighted squares of (E + exp(level + kappa x)) / loss - 1.

    Args:
        theta: starting values of E, level and kappa, (draw, 3).
        x: log R_b, centred, (draw, run).
        loss: L_t, (run,).
        weights: (draw, run).

    Returns:
        Parameters (draw, 3) and objective (draw,).
    """
    root = np.sqrt(weights)

    def linearised(at: Array) -> tuple[Array, Array]:
        power = np.exp(np.clip(at[:, 1:2] + at[:, 2:] * x, -700, 700))
        scale = root / loss
        slopes = np.stack([scale, scale * power, scale * power * x], axis=1)
        return root - scale * (at[:, :1] + power), slopes

    residual, slopes = linearised(theta)
    objective = np.einsum("kp,kp->k", residual, residual)
    damping = np.full(len(theta), 1e-3)
    for _ in range(ITERATIONS):
        curvature = slopes @ slopes.transpose(0, 2, 1)
        diagonal = np.einsum("kii->ki", curvature) + 1e-300
        size = np.sqrt(diagonal)
        scaled = curvature / (size[:, :, None] * size[:, None, :])
        scaled += (damping[:, None, None] + 1e-14) * np.eye(3)
        downhill = (slopes @ residual[:, :, None])[:, :, 0]
        step = np.linalg.solve(scaled, (downhill / size)[:, :, None])[:, :, 0] / size
        moved = theta + np.clip(step, -1.0, 1.0)
        moved[:, 0] = np.clip(moved[:, 0], 0.0, HIGHEST_FLOOR * loss.min())
        new_residual, new_slopes = linearised(moved)
        tried = np.einsum("kp,kp->k", new_residual, new_residual)
        better = tried <= objective
        length = np.abs(moved - theta).max(axis=1)
        theta = np.where(better[:, None], moved, theta)
        residual = np.where(better[:, None], new_residual, residual)
        slopes = np.where(better[:, None, None], new_slopes, slopes)
        objective = np.where(better, tried, objective)
        damping = np.where(better, damping / 8, damping * 6)
        if np.all((length < 1e-10) | (damping > 1e10)):
            break
    return theta, objective


@dataclass(frozen=True, kw_only=True)
class Band:
    """Ranges over all floors that the losses allow, (low, high) each."""

    kappa: tuple[float, float]
    """Of the exponent."""
    floor: tuple[float, float]
    """Of the floor effect."""
    rate: tuple[float, float]
    """Of the rate effect."""


def sensitivity_band(points: RunPoints, log_baseline: float, beta: float) -> Band:
    """Return the ranges of kappa and of both parts over a grid of floors.

    Each floor goes from 0 to `HIGHEST` times the domain's lowest loss.

    Args:
        points: runs with treatment and baseline.
        log_baseline: natural log of the baseline's loss at the place of the split.
        beta: beta_b there.
    """
    lowest = np.exp(points.values.min(axis=1))
    shares = np.linspace(0.0, HIGHEST, GRID)
    treatment, baseline = (axis.ravel() for axis in np.meshgrid(*(shares * lowest[:, None])))
    law = fit_loss_power(points, treatment, baseline, np.ones((len(treatment), points.num_runs)))
    size = len(treatment)
    split = law.split(np.full(size, log_baseline), np.full(size, beta))
    return Band(kappa=_range(law.kappa), floor=_range(split.floor), rate=_range(split.rate))


def _range(values: Array) -> tuple[float, float]:
    """Return the lowest and the highest finite value, NaN where none is finite."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return float("nan"), float("nan")
    return float(finite.min()), float(finite.max())
