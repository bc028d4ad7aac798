"""Whether runs contradict that a smooth loss explains a rise of accuracy.

A task that seems to emerge with scale needs no other explanation if its accuracy is a sigmoid of
its loss: then a smooth fall of the loss is enough for the rise (Schaeffer et al., 2023,
arXiv:2304.15004). Runs can contradict that, but never prove it: `explained` means not contradicted
by at least `MIN_RUNS` runs.

The noise of a run is not the scatter about the sigmoid, which contains what the sigmoid misses: it
is read from runs of nearly the same loss (`local_noise`), and from the other runs (deleted
residuals). Read `runs_outside` first.
"""

from enum import StrEnum

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.logistic import jacobian
from relscale.laws.sigmoid import Sigmoid

MIN_RUNS = 20
"""With fewer runs, a task is not called: steps as large as a third of the rise are then found in
less than half of the cases."""
SHAPE_LEVEL = 0.01
"""Below this p value of the isotonic check the sigmoid misses the shape."""
TO_STANDARD_DEVIATION = 1.4826
"""Standard deviation of normal residuals over their median absolute size."""
EFFICIENCY = 0.37
"""Efficiency of the median absolute deviation for normal residuals (Rousseeuw and Croux, 1993): as
a standard deviation it has this number of degrees of freedom per run."""
MOST_LEVERAGE = 0.99
ROUNDING = 1e-12
"""Distances and noise of accuracies below are rounding."""


class Emergence(StrEnum):
    """Words of the column `emergence`."""

    EXPLAINED = "explained"
    """Not contradicted: the isotonic check is passed, and no run is outside the band of the
    sigmoid, so that a smooth loss is enough to explain the rise."""
    NOT_EXPLAINED = "not_explained"
    """Contradicted: the sigmoid misses the shape, or runs are outside its band."""
    AT_CHANCE = "at_chance"
    """No run is distinguishable from guessing."""
    NOT_ENOUGH = "not_enough"
    """Too few runs to contradict anything, only the foot of the sigmoid, or an accuracy that does
    not depend on the loss."""


def runs_outside(fit: Sigmoid, level: float, num_items: Array | None = None) -> int:
    """Return how many runs are outside the band of the sigmoid.

    The residual of a run is divided by its standard error, in which the noise is the smaller one of
    that of the other runs about the sigmoid (deleted residuals: Cook and Weisberg, 1982, section
    2.2.1) and of `local_noise`, but at least binomial where the number of items is known. The band
    is simultaneous: with a probability of `level` all runs are inside it (Bonferroni).

    Args:
        fit: the sigmoid.
        level: of the band.
        num_items: items behind each accuracy, (run,); None where they are not known.
    """
    data = fit.data
    number = len(data.accuracy)
    residual = (data.accuracy - fit.predict(fit.losses)) / data.sigma
    leverage = _leverage(fit)
    others = (fit.dof * fit.noise_sd**2 - residual**2 / (1 - leverage)) / max(fit.dof - 1, 1.0)
    noise = np.sqrt(np.maximum(others, 0.0)) * data.sigma
    local = local_noise(fit) * data.sigma
    noise = np.where(local > ROUNDING, np.minimum(noise, local), noise)
    if num_items is not None:
        share = fit.predict(fit.losses)
        noise = np.maximum(noise, np.sqrt(share * (1 - share) / num_items))
    quantile = stats.t.ppf(1 - (1 - level) / (2 * number), EFFICIENCY * number)
    half = quantile * noise * np.sqrt(1 - leverage)
    return int(np.sum(np.abs(residual) * data.sigma > half + ROUNDING))


def local_noise(fit: Sigmoid) -> float:
    """Return the noise of an accuracy of mean weight, from runs that are neighbours in loss.

    Each run is compared with the straight line between its two neighbours in loss (pseudo-residuals
    of Gasser, Sroka and Jennen-Steinmetz, 1986, equation 2); the median of the distances does not
    see a few steps. The result does not depend on the sigmoid.
    """
    order = np.argsort(fit.losses, kind="stable")
    x, y, sigma = fit.losses[order], fit.data.accuracy[order], fit.data.sigma[order]
    if len(x) < 3:
        return 0.0
    width = x[2:] - x[:-2]
    left = np.where(width > 0, (x[2:] - x[1:-1]) / np.where(width > 0, width, 1.0), 0.5)
    away = y[1:-1] - left * y[:-2] - (1 - left) * y[2:]
    variance = sigma[1:-1] ** 2 + (left * sigma[:-2]) ** 2 + ((1 - left) * sigma[2:]) ** 2
    return float(TO_STANDARD_DEVIATION * np.median(np.abs(away) / np.sqrt(variance)))


def _leverage(fit: Sigmoid) -> Array:
    """Return the share of each run in its own fitted value, (run,); 0 for a fit without noise."""
    if fit.noise_sd <= ROUNDING:
        return np.zeros(len(fit.losses))
    slopes = jacobian(fit.data.distance, fit.parameters) / fit.data.sigma[:, None]
    found = np.einsum("ri,ij,rj->r", slopes, fit.covariance, slopes) / fit.noise_sd**2
    return np.asarray(np.clip(found, 0.0, MOST_LEVERAGE))


def emergence(
    status: Status, num_runs: int, isotonic_p: float, outside: int, *, all_at_chance: bool
) -> Emergence:
    """Return the word for one task.

    Args:
        status: of the sigmoid; any but `ok` is not called.
        num_runs: runs of the task.
        isotonic_p: p value of the isotonic check.
        outside: runs outside the band.
        all_at_chance: whether no run is distinguishable from guessing.
    """
    if all_at_chance:
        return Emergence.AT_CHANCE
    if status != Status.OK or num_runs < MIN_RUNS:
        return Emergence.NOT_ENOUGH
    if isotonic_p >= SHAPE_LEVEL and not outside:
        return Emergence.EXPLAINED
    return Emergence.NOT_EXPLAINED
