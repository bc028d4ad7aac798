"""The sigmoid of accuracy on loss, and accuracy predicted through it.

accuracy = chance + (ceiling - chance) / (1 + exp(steepness (loss - midpoint))), with ceiling 1
unless the data identify it. The form is that of Schaeffer et al. (2024) and Gadre et al. (2024),
with the floor fixed instead of fitted.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.power import PowerLaw

MIN_RUNS = 4


@dataclass(frozen=True, kw_only=True)
class Sigmoid:
    """Accuracy as a function of loss."""

    chance: float
    """Floor."""
    ceiling: float
    """Accuracy at low loss."""
    ceiling_fitted: bool
    """Whether the ceiling was fitted; else it is 1."""
    steepness: float
    """Per unit of loss; positive where accuracy falls with loss."""
    center: float
    """Loss from which `intercept` counts (mean of the runs')."""
    intercept: float
    """Exponent at `center`: steepness (center - midpoint)."""
    covariance: Array
    """Of (intercept, steepness), or (intercept, steepness, ceiling) where that is fitted: nearly
    normal, unlike the midpoint."""
    dof: int
    """Runs less parameters."""
    r2: float
    """Share of the variance of accuracy explained."""
    residual_variance: float
    """Variance of an accuracy of mean weight about the curve."""
    loss_min: float
    """Lowest loss fitted."""
    loss_max: float
    """Highest loss fitted."""
    accuracy_min: float
    """Lowest accuracy fitted."""
    accuracy_max: float
    """Highest accuracy fitted."""
    num_runs: int
    """Runs fitted."""
    status: Status
    """`ok`, `foot_only` or `no_relation`."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Notes for a reader."""
        return ("ceiling fitted",) if self.ceiling_fitted else ()

    @property
    def midpoint(self) -> float:
        """Loss half way between floor and ceiling."""
        return self.center - self.intercept / self.steepness if self.steepness else float("nan")

    def predict(self, loss: Array | float) -> Array:
        """Return the accuracy at the given losses."""
        return _curve(
            np.asarray(loss, dtype=np.float64) - self.center,
            self.chance,
            self.ceiling,
            self.intercept,
            self.steepness,
        )

    def slope(self, loss: Array | float) -> Array:
        """Return the derivative of the accuracy by the loss."""
        share = (self.predict(loss) - self.chance) / (self.ceiling - self.chance)
        return np.asarray(-self.steepness * (self.ceiling - self.chance) * share * (1 - share))

    def steepness_interval(self, level: float) -> tuple[float, float]:
        """Return the Student-t interval of the steepness."""
        half = float(stats.t.ppf(0.5 + level / 2, self.dof) * np.sqrt(self.covariance[1, 1]))
        return self.steepness - half, self.steepness + half

    def midpoint_interval(self, level: float) -> tuple[float, float]:
        """Return the Fieller interval of the midpoint.

        The ends are infinite where the steepness does not differ significantly from zero.
        """
        t2 = float(stats.t.ppf(0.5 + level / 2, self.dof)) ** 2
        v = self.covariance
        # u = midpoint - center: (intercept + steepness u)^2 <= t^2 (v00 + 2 u v01 + u^2 v11)
        a = self.steepness**2 - t2 * v[1, 1]
        b = self.intercept * self.steepness - t2 * v[0, 1]
        c = self.intercept**2 - t2 * v[0, 0]
        if not a > 0:
            return float("-inf"), float("inf")
        root = float(np.sqrt(max(b * b - a * c, 0.0)))
        return self.center + (-b - root) / a, self.center + (-b + root) / a


@dataclass(frozen=True, kw_only=True)
class AccuracyPrediction:
    """Accuracy at given compute, with intervals from both stages."""

    loss: Array
    """Predicted loss, (point,)."""
    accuracy: Array
    """Accuracy at that loss, (point,)."""
    ci_low: Array
    """Lower end, (point,)."""
    ci_high: Array
    """Upper end, (point,)."""

    def columns(self) -> dict[str, object]:
        """Return the only point's columns of predictions.csv."""
        return {
            name: float(getattr(self, name)[0])
            for name in ("loss", "accuracy", "ci_low", "ci_high")
        }


def _curve(
    distance: Array,
    chance: float,
    ceiling: float | Array,
    intercept: float | Array,
    steepness: float | Array,
) -> Array:
    exponent = np.clip(intercept + steepness * distance, -60, 60)
    return np.asarray(chance + (ceiling - chance) / (1 + np.exp(exponent)))


def fit_sigmoid(
    loss: Array,
    accuracy: Array,
    chance: float,
    num_items: Array | None = None,
    level: float = 0.95,
    loss_error: Array | None = None,
) -> Sigmoid:
    """Fit accuracy against loss over runs by weighted least squares.

    Args:
        loss: (run,) of an error.
        accuracy: (run,).
        chance: accuracy of guessing.
        num_items: (run,) items behind each accuracy; runs weigh by binomial variance where given.
        level: at which the steepness counts as different from zero and the ceiling as
            identified.
        loss_error: (run,) standard error of each loss. Used together with `num_items`: a run then
            weighs by its effective variance: that of the accuracy plus the squared slope times that
            of the loss (J. Orear, Am. J. Phys. 50, 912, 1982), slope from a first fit.

    Raises:
        FitError: `too_few_runs` with fewer than four runs or one loss.
    """
    if len(loss) < MIN_RUNS or np.ptp(loss) == 0:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{len(loss)} run(s), the sigmoid needs {MIN_RUNS} with different losses",
        )
    sigma = _relative_sigma(accuracy, num_items)
    if num_items is not None and loss_error is not None:
        first = fit_sigmoid(loss, accuracy, chance, num_items, level)
        sigma = _relative_sigma(accuracy, num_items, first.slope(loss) * loss_error)
    center = float(np.mean(loss))
    parameters, covariance, fitted = _estimate(loss, center, accuracy, sigma, chance, level)
    dof = len(loss) - (3 if fitted else 2)
    residual = accuracy - _curve(
        loss - center, chance, float(parameters[2]), float(parameters[0]), float(parameters[1])
    )
    total = float(np.sum((accuracy - accuracy.mean()) ** 2))
    return Sigmoid(
        chance=chance,
        ceiling=float(parameters[2]),
        ceiling_fitted=fitted,
        steepness=float(parameters[1]),
        center=center,
        intercept=float(parameters[0]),
        covariance=covariance,
        dof=dof,
        r2=1 - float(np.sum(residual**2)) / total if total > 0 else float("nan"),
        residual_variance=float(np.sum((residual / sigma) ** 2)) / dof,
        loss_min=float(np.min(loss)),
        loss_max=float(np.max(loss)),
        accuracy_min=float(np.min(accuracy)),
        accuracy_max=float(np.max(accuracy)),
        num_runs=len(loss),
        status=_status(loss - center, parameters, covariance, dof, level),
    )


def _relative_sigma(
    accuracy: Array, num_items: Array | None, from_loss: Array | None = None
) -> Array:
    """Return the standard deviation of each accuracy, (run,), divided by their mean.

    Args:
        accuracy: (run,); the binomial variance is taken at .02 to .98.
        num_items: (run,) items behind each accuracy; None for equal ones.
        from_loss: (run,) standard deviation of the accuracy due to the error of the loss.
    """
    if num_items is None:
        sigma = np.ones_like(accuracy)
    else:
        smooth = np.clip(accuracy, 0.02, 0.98)
        variance = smooth * (1 - smooth) / num_items
        sigma = np.sqrt(variance if from_loss is None else variance + from_loss**2)
    return np.asarray(sigma / np.mean(sigma))


def _estimate(
    loss: Array, center: float, accuracy: Array, sigma: Array, chance: float, level: float
) -> tuple[Array, Array, bool]:
    """Estimate (intercept, steepness, ceiling); the ceiling is 1 unless the data identify it.

    The ceiling is fitted if the runs reach past the midpoint, if its upper bound is below 1 and if
    it improves the fit significantly (F test).

    Returns:
        The parameters, the covariance of the fitted ones, and whether the ceiling was fitted.
    """
    distance = loss - center
    two, two_rss, covariance = _least_squares(distance, accuracy, sigma, chance, fit_ceiling=False)
    spare = len(loss) - 3
    past_midpoint = two[1] > 0 and np.min(loss) < center - two[0] / two[1]
    if spare >= 3 and past_midpoint:
        three, three_rss, three_covariance = _least_squares(
            distance, accuracy, sigma, chance, fit_ceiling=True
        )
        bound = three[2] + stats.t.ppf(0.5 + level / 2, spare) * np.sqrt(three_covariance[2, 2])
        gain = (two_rss - three_rss) / max(three_rss / spare, 1e-300)
        if three[2] > chance and bound < 1 and stats.f.sf(gain, 1, spare) < 1 - level:
            return three, three_covariance, True
    return np.append(two, 1.0), covariance, False


def _status(
    distance: Array, parameters: Array, covariance: Array, dof: int, level: float
) -> Status:
    if not parameters[1] - stats.t.ppf(0.5 + level / 2, dof) * np.sqrt(covariance[1, 1]) > 0:
        return Status.NO_RELATION
    # The exponent is positive at every run: no run is past the midpoint.
    if np.min(parameters[0] + parameters[1] * distance) >= 0:
        return Status.FOOT_ONLY
    return Status.OK


def _least_squares(
    distance: Array, accuracy: Array, sigma: Array, chance: float, fit_ceiling: bool
) -> tuple[Array, float, Array]:
    """Fit (intercept, steepness[, ceiling]) from several starts.

    Returns them, the weighted residual sum of squares and the covariance.
    """

    def residual(parameters: Array) -> Array:
        ceiling = parameters[2] if fit_ceiling else 1.0
        return (accuracy - _curve(distance, chance, ceiling, parameters[0], parameters[1])) / sigma

    spread = float(np.ptp(distance))
    count = 3 if fit_ceiling else 2
    scale = np.array([1.0, 1 / spread, 0.1])[:count]
    best = None
    for steepness in (0.5, 2.0, 8.0):
        for intercept in (-1.0, 1.0, 3.0):
            start = np.array([intercept, steepness / spread, 0.95])[:count]
            found = optimize.least_squares(residual, start, x_scale=scale, max_nfev=400)
            if best is None or found.cost < best.cost * (1 - 1e-9):
                best = found
    assert best is not None
    rss = 2 * float(best.cost)
    jacobian = best.jac * scale  # (run, parameter), of unit order
    covariance = (
        np.linalg.pinv(jacobian.T @ jacobian)
        * np.outer(scale, scale)
        * rss
        / max(len(distance) - count, 1)
    )
    return np.asarray(best.x), rss, covariance


def predict_accuracy(
    *,
    compute: Array,
    power: PowerLaw,
    sigmoid: Sigmoid,
    level: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
    new_point: bool = False,
) -> AccuracyPrediction:
    """Predict accuracy at given compute: the loss by the power law, the accuracy by the sigmoid.

    Both stages' uncertainties are drawn (Student t of the law's log loss; multivariate t of the
    sigmoid) and carried through.

    Args:
        compute: (point,) on the axis of the power law.
        power: compute to loss.
        sigmoid: loss to accuracy.
        level: of the interval (quantiles of the draws).
        draws: number of draws.
        seed: of the draws.
        new_point: the interval is for a point that is observed there: the points' scatter about
            both curves is in it.

    Returns:
        Prediction; the interval is NaN where the power law has none.
    """
    log_compute = np.log(np.asarray(compute, dtype=np.float64))
    loss = np.exp(power.predict(log_compute))
    accuracy = sigmoid.predict(loss)
    if power.dof < 1:
        return AccuracyPrediction(
            loss=loss,
            accuracy=accuracy,
            ci_low=np.full_like(loss, np.nan),
            ci_high=np.full_like(loss, np.nan),
        )
    rng = np.random.default_rng([seed, 2])
    noise = rng.standard_normal((2, draws, 1)) * np.sqrt(
        power.dof / rng.chisquare(power.dof, size=(draws, 1))
    )
    shift = noise[0] * power.level_standard_error - noise[1] * power.standard_error * (
        log_compute - power.log_reference
    )
    if new_point:
        shift = shift + rng.standard_normal(shift.shape) * np.sqrt(power.residual_variance)
    values = _drawn_accuracy(sigmoid, loss * np.exp(shift), rng, new_point)
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return AccuracyPrediction(loss=loss, accuracy=accuracy, ci_low=low, ci_high=high)


def predict_from_loss(
    *, loss: Array, sigmoid: Sigmoid, level: float = 0.95, draws: int = 4000, seed: int = 0
) -> AccuracyPrediction:
    """Predict the accuracies observed at known losses, by the sigmoid alone.

    Arguments are as in `predict_accuracy`.
    """
    values = _drawn_accuracy(
        sigmoid,
        np.broadcast_to(loss, (draws, len(loss))),
        np.random.default_rng([seed, 6]),
        new_point=True,
    )
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return AccuracyPrediction(loss=loss, accuracy=sigmoid.predict(loss), ci_low=low, ci_high=high)


def _drawn_accuracy(
    sigmoid: Sigmoid, loss: Array, rng: np.random.Generator, new_point: bool
) -> Array:
    """Draw the sigmoid (multivariate t) once per row of losses, (draw, point).

    For a new point the scatter about the curve is added.
    """
    draws = len(loss)
    root = np.linalg.svd(sigmoid.covariance, hermitian=True)
    scale = np.sqrt(sigmoid.dof / rng.chisquare(sigmoid.dof, size=(draws, 1)))
    drawn = (rng.standard_normal((draws, len(root.S))) @ (root.U * np.sqrt(root.S)).T) * scale
    ceiling = np.clip(
        sigmoid.ceiling + (drawn[:, 2:3] if sigmoid.ceiling_fitted else 0.0), sigmoid.chance, 1.0
    )
    distance = loss - sigmoid.center  # (draw, point)
    values = _curve(
        distance,
        sigmoid.chance,
        ceiling,
        sigmoid.intercept + drawn[:, :1],
        sigmoid.steepness + drawn[:, 1:2],
    )
    if new_point:
        values = values + rng.standard_normal(values.shape) * np.sqrt(sigmoid.residual_variance)
    return values
