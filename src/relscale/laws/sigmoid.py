"""The sigmoid of accuracy on loss.

accuracy = floor + (ceiling - floor) / (1 + exp(steepness (loss - midpoint))), the form of Schaeffer
et al. (2024), Gadre et al. (2024) and Bhagia et al. (2412.04403, equation 2). Floor and ceiling are
fixed, or free with priors: normal about chance, and normal about 1 and below it.

Read `SigmoidForm` (which parameters are fitted), `fit_sigmoid` and `Sigmoid` first.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.config.analysis import Ceiling, Floor
from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.logistic import ROUGH_TOLERANCE, CurveData, curve, jacobian, solve
from relscale.laws.r_squared import r_squared

MIN_RUNS = 4
MIN_RUNS_FREE = 8
"""With fewer runs floor and ceiling stay fixed: the runs could follow any curve."""
FLOOR_SD, CEILING_SD = 0.05, 0.20
"""Standard deviations of the priors of floor and ceiling. A model that knows nothing scores within
some .05 of chance, because options differ in length and frequency; mislabelled questions and a loss
that does not decide the answer keep the ceiling some .2 below 1 (6 % of the labels of MMLU are
wrong: Gema et al., 2406.04127)."""
IDENTIFIED = 0.5
"""Floor and ceiling are identified where their variance is below this share of the prior's."""
ROUNDS, SETTLED, EXACT = 30, 1e-5, 1e-13
"""Rounds of estimating the noise, which weighs the priors, and the curve in turn: they end when the
noise changes by less than this share, or is rounding."""


@dataclass(frozen=True, kw_only=True)
class SigmoidForm:
    """Which parameters of the sigmoid are fitted."""

    chance: float
    """Accuracy of guessing: the floor, or the centre of its prior."""
    floor: Floor = "free"
    """`free` or `chance`."""
    ceiling: Ceiling = "free"
    """`free` or `one`."""

    @property
    def prior_sd(self) -> Array:
        """Standard deviations of the priors of floor and ceiling, 0 for a fixed value."""
        return np.array(
            [
                FLOOR_SD if self.floor == "free" else 0.0,
                CEILING_SD if self.ceiling == "free" else 0.0,
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Sigmoid:
    """Accuracy as a function of loss."""

    chance: float
    """Accuracy of guessing."""
    data: CurveData
    """The runs that were fitted, and the priors."""
    center: float
    """Loss from which the data's distances count (mean of the runs')."""
    parameters: Array
    """Intercept, steepness per spread of the losses, floor and ceiling, (4,)."""
    covariance: Array
    """Of all four, (4, 4); rows and columns of fixed ones are 0."""
    dof: float
    """Runs less the number of parameters, where a free floor or ceiling counts by the share of its
    variance that the runs explain."""
    noise_sd: float
    """Standard deviation of an accuracy of mean weight about the curve."""
    r2: float
    """Share of the variance of accuracy explained."""
    status: Status
    """`ok`, `foot_only` or `no_relation`."""
    remarks: tuple[str, ...]
    """Notes for a reader."""

    @property
    def floor(self) -> float:
        """Accuracy at high loss."""
        return float(self.parameters[2])

    @property
    def ceiling(self) -> float:
        """Accuracy at low loss."""
        return float(self.parameters[3])

    @property
    def steepness(self) -> float:
        """Per unit of loss; positive where accuracy falls with loss."""
        return float(self.parameters[1]) / self.data.spread

    @property
    def midpoint(self) -> float:
        """Loss half-way between floor and ceiling."""
        if not self.steepness:
            return float("nan")
        return self.center - float(self.parameters[0]) / self.steepness

    @property
    def losses(self) -> Array:
        """Losses of the runs, (run,)."""
        return np.asarray(self.center + self.data.spread * self.data.distance)

    @property
    def is_free(self) -> bool:
        """Whether floor or ceiling was fitted."""
        return len(self.data.free) > 2

    def predict(self, loss: Array | float) -> Array:
        """Return the accuracy at the given losses."""
        distance = (np.asarray(loss, dtype=np.float64) - self.center) / self.data.spread
        return curve(np.atleast_1d(distance), self.parameters).reshape(np.shape(loss))

    def slope(self, loss: Array | float) -> Array:
        """Return the derivative of the accuracy by the loss."""
        share = (self.predict(loss) - self.floor) / (self.ceiling - self.floor)
        return np.asarray(-self.steepness * (self.ceiling - self.floor) * share * (1 - share))

    def steepness_interval(self, level: float) -> tuple[float, float]:
        """Return the Student-t interval of the steepness."""
        quantile = float(stats.t.ppf(0.5 + level / 2, self.dof))
        half = quantile * float(np.sqrt(self.covariance[1, 1])) / self.data.spread
        return self.steepness - half, self.steepness + half

    def midpoint_interval(self, level: float) -> tuple[float, float]:
        """Return the Fieller interval of the midpoint.

        The ends are infinite where the steepness does not differ significantly from zero.
        """
        t2 = float(stats.t.ppf(0.5 + level / 2, self.dof)) ** 2
        v, (intercept, steepness) = self.covariance, self.parameters[:2]
        # u = midpoint - center: (intercept + steepness u)^2 <= t^2 (v00 + 2 u v01 + u^2 v11)
        a = steepness**2 - t2 * v[1, 1]
        b = intercept * steepness - t2 * v[0, 1]
        c = intercept**2 - t2 * v[0, 0]
        if not a > 0:
            return float("-inf"), float("inf")
        root = float(np.sqrt(max(b * b - a * c, 0.0)))
        ends = [self.center + self.data.spread * (-b + sign * root) / a for sign in (-1, 1)]
        return float(ends[0]), float(ends[1])

    def drawn_accuracy(self, loss: Array, drawn: Array) -> Array:
        """Return the accuracy of each drawn sigmoid at losses.

        Args:
            loss: (draw, point).
            drawn: parameters, (draw, 4), from `draw_sigmoids`.
        """
        return curve((loss - self.center) / self.data.spread, drawn)


def fit_sigmoid(
    loss: Array,
    accuracy: Array,
    form: SigmoidForm,
    num_items: Array | None = None,
    level: float = 0.95,
    loss_error: Array | None = None,
) -> Sigmoid:
    """Fit accuracy against loss over runs by weighted least squares with priors.

    Args:
        loss: (run,) of an error.
        accuracy: (run,).
        form: chance, and whether floor and ceiling are fitted.
        num_items: (run,) items behind each accuracy; runs weigh by binomial variance where given.
        level: at which the steepness counts as different from zero.
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
        first = fit_sigmoid(loss, accuracy, form, num_items, level)
        sigma = _relative_sigma(accuracy, num_items, first.slope(loss) * loss_error)
    remarks = []
    prior_sd = form.prior_sd
    if len(loss) < MIN_RUNS_FREE and prior_sd.any():
        remarks.append(f"floor and ceiling fixed: fewer than {MIN_RUNS_FREE} runs")
        prior_sd = np.zeros(2)
    center, spread = float(np.mean(loss)), float(np.ptp(loss))
    data = CurveData(
        distance=(loss - center) / spread,
        spread=spread,
        accuracy=np.asarray(accuracy, dtype=np.float64),
        sigma=sigma,
        prior=np.array([form.chance, 1.0]),
        prior_sd=prior_sd,
    )
    return _fit(data, center, level, remarks)


def _fit(data: CurveData, center: float, level: float, remarks: list[str]) -> Sigmoid:
    """Fit one curve, with the noise that weighs the priors."""
    fixed = CurveData(**{**vars(data), "prior_sd": np.zeros(2)})
    starts = np.array(
        [(i, s, *data.prior) for s in (0.5, 2.0, 8.0, -0.5) for i in (-1.0, 1.0, 3.0)]
    )
    found, value = solve(fixed, noise_sd=0.0, start=starts)
    two = found[int(np.argmin(value))]
    noise_sd, covariance, dof = _noise(fixed, two, 0.0)
    half = stats.t.ppf(0.5 + level / 2, dof) * np.sqrt(covariance[1, 1])
    related = bool(two[1] - half > 0) and np.ptp(data.accuracy) > 0
    parameters = two
    if len(data.free) > 2:
        parameters, noise_sd, covariance, dof = _fit_free(data, two, noise_sd, starts)
        remarks = [*remarks, *_unidentified(data, covariance)]
    residual = data.accuracy - curve(data.distance, parameters)
    status = Status.OK
    if not related:
        status = Status.NO_RELATION
    elif np.min(parameters[0] + parameters[1] * data.distance) >= 0:
        # The exponent is positive at every run: no run is past the midpoint.
        status = Status.FOOT_ONLY
    return Sigmoid(
        chance=float(data.prior[0]),
        data=data,
        center=center,
        parameters=parameters,
        covariance=covariance,
        dof=dof,
        noise_sd=noise_sd,
        r2=r_squared(data.accuracy, residual),
        status=status,
        remarks=tuple(remarks),
    )


def _fit_free(
    data: CurveData, two: Array, noise_sd: float, starts: Array
) -> tuple[Array, float, Array, float]:
    """Fit floor and ceiling, too, starting from the noise about the curve without them."""
    found, value = solve(data, noise_sd=noise_sd, start=np.vstack([two, starts]))
    parameters = found[int(np.argmin(value))]
    covariance, dof = np.zeros((4, 4)), 1.0
    for _ in range(ROUNDS):
        before = noise_sd
        noise_sd, covariance, dof = _noise(data, parameters, noise_sd)
        parameters = solve(data, noise_sd=noise_sd, start=parameters[None])[0][0]
        if abs(noise_sd - before) <= SETTLED * before + EXACT:
            break
    noise_sd, covariance, dof = _noise(data, parameters, noise_sd)
    return parameters, noise_sd, covariance, dof


def _noise(data: CurveData, parameters: Array, noise_sd: float) -> tuple[float, Array, float]:
    """Return the noise of an accuracy of mean weight, the covariance, and degrees of freedom.

    Args:
        data: runs and priors.
        parameters: fitted to them, (4,).
        noise_sd: the noise that weighed the priors.
    """
    free = data.free
    residual = (data.accuracy - curve(data.distance, parameters)) / data.sigma
    slopes = jacobian(data.distance, parameters)[:, free] / data.sigma[:, None]
    information = slopes.T @ slopes
    priors = np.zeros(len(free))
    for place, index in enumerate(free):
        if index >= 2:
            priors[place] = (noise_sd / data.prior_sd[index - 2]) ** 2
    inverse = np.linalg.pinv(information + np.diag(priors), rcond=1e-14, hermitian=True)
    dof = max(len(residual) - float(np.trace(inverse @ information)), 1.0)
    variance = float(residual @ residual) / dof
    covariance = np.zeros((4, 4))
    covariance[np.ix_(free, free)] = inverse * variance
    return float(np.sqrt(variance)), covariance, dof


def _unidentified(data: CurveData, covariance: Array) -> list[str]:
    """Return remarks on a free floor or ceiling that the runs do not determine."""
    notes = []
    for index, (name, why) in enumerate(
        (("floor", "no run comes near it"), ("ceiling", "no run comes near it"))
    ):
        sd = data.prior_sd[index]
        if sd > 0 and covariance[2 + index, 2 + index] > IDENTIFIED * sd**2:
            notes.append(f"{name} not identified: {why}")
    return notes


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


def draw_sigmoids(
    fit: Sigmoid,
    draws: int,
    rng: np.random.Generator,
    shift: tuple[Array, Array] | None = None,
) -> Array:
    """Fit again to accuracies with drawn noise and priors with drawn centres.

    The refits are draws from the posterior where the curve is nearly linear in its parameters
    (randomised maximum likelihood: Oliver et al., 1996), so that a ceiling that the runs do not
    determine has the spread of its prior. The noise is Student-t, for its size is estimated.

    Args:
        fit: the sigmoid.
        draws: number of draws.
        rng: source of the draws.
        shift: what drawn items add to the losses and to the accuracies of the runs, (draw, run)
            each; None without item noise.

    Returns:
        Parameters, (draw, 4).
    """
    data, count = fit.data, len(fit.data.accuracy)
    scale = np.sqrt(fit.dof / rng.chisquare(fit.dof, size=(draws, 1)))
    noise = rng.standard_normal((draws, count)) * data.sigma * fit.noise_sd * scale
    prior = data.prior + rng.standard_normal((draws, 2)) * data.prior_sd
    prior[:, 0], prior[:, 1] = np.maximum(prior[:, 0], 0.0), np.minimum(prior[:, 1], 1.0)
    accuracy, distance = data.accuracy + noise, None
    if shift is not None:
        distance = data.distance + shift[0] / data.spread
        accuracy = accuracy + shift[1]
    start = np.broadcast_to(fit.parameters, (draws, 4))
    return solve(
        data,
        noise_sd=fit.noise_sd,
        start=start,
        accuracy=accuracy,
        distance=distance,
        prior=prior,
        tolerance=ROUGH_TOLERANCE,
    )[0]
