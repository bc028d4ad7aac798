"""Both stages together: the accuracy of a model that was not trained, with an interval.

The first stage predicts the loss of the task (`relscale.laws.first_stage`), the sigmoid the
accuracy (`relscale.laws.sigmoid`). Read `TwoStages.predict` first.

The interval has the draws of both stages for each law of the first stage that predicts left-out
budgets about as well as the best one. It is stretched by a factor of at least 1: how far the
accuracies of left-out budgets were from their predictions, in units of the interval.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from relscale.laws.cells import Array, Index
from relscale.laws.first_stage import FirstStage, LossDraws, places_of
from relscale.laws.fit_error import FitError
from relscale.laws.run_points import Places
from relscale.laws.sigmoid import Sigmoid, SigmoidForm, draw_sigmoids, fit_sigmoid

MIN_BUDGETS = 3
"""Budgets that an interval needs: two have no scatter."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Loss and accuracy of a domain by run, for the runs that have both."""

    loss: Array
    """(run,)."""
    accuracy: Array
    """(run,)."""
    budget: Index
    """(run,) index of the run's budget."""
    num_items: Array | None = None
    """(run,) items behind each accuracy; None where unknown."""
    loss_error: Array | None = None
    """(run,) standard error of each loss; None where unknown."""

    def below(self, budget: int) -> "Pairs":
        """Return the runs of the budgets under an index."""
        keep = self.budget < budget
        return Pairs(
            loss=self.loss[keep],
            accuracy=self.accuracy[keep],
            budget=self.budget[keep],
            num_items=None if self.num_items is None else self.num_items[keep],
            loss_error=None if self.loss_error is None else self.loss_error[keep],
        )

    def fit(self, form: SigmoidForm, level: float) -> Sigmoid:
        """Fit the sigmoid.

        Raises:
            FitError: `too_few_runs`.
        """
        return fit_sigmoid(self.loss, self.accuracy, form, self.num_items, level, self.loss_error)


@dataclass(frozen=True, kw_only=True)
class AccuracyPrediction:
    """Accuracies of models, with intervals."""

    loss: Array
    """Predicted loss, (place,); of `from_loss` the given one."""
    accuracy: Array
    """Accuracy at that loss, (place,)."""
    ci_low: Array
    """Lower end, (place,); NaN without degrees of freedom."""
    ci_high: Array
    """Upper end, (place,)."""
    sigmoid: Sigmoid
    """The second stage."""
    laws: tuple[str, ...] = ()
    """Laws of the first stage; the first one predicts, all are in the interval."""
    horizon: Array | None = None
    """Compute over the highest that was fitted, (place,); None without a first stage."""
    calibration: float = float("nan")
    """Factor by which back-tests stretched the interval; NaN where there is no back-test."""

    def columns(self, place: int = 0) -> dict[str, object]:
        """Return the columns of predictions.csv from `step1` to `ci_high` for one place."""
        return {
            "step1": self.laws[0] if self.laws else "",
            "horizon": float("nan") if self.horizon is None else float(self.horizon[place]),
            "calibration": self.calibration,
            "loss": float(self.loss[place]),
            "accuracy": float(self.accuracy[place]),
            "ci_low": float(self.ci_low[place]),
            "ci_high": float(self.ci_high[place]),
        }


@dataclass(frozen=True, kw_only=True)
class TwoStages:
    """The two-stage law of one domain."""

    first: FirstStage
    """Laws of its loss."""
    pairs: Pairs
    """Runs with loss and accuracy."""
    observed: Array
    """Accuracy at the points of the first stage, (point,), NaN where unknown."""
    form: SigmoidForm
    """Form of the sigmoid."""
    level: float
    """Of the intervals."""
    remarks: tuple[str, ...] = ()
    """Notes for a reader."""
    _cache: dict[int, tuple[Sigmoid, Array]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def sigmoid(self, below: int) -> tuple[Sigmoid, Array]:
        """Return the sigmoid of the budgets below an index, and its refits, (draw, 4).

        Raises:
            FitError: `too_few_runs`.
        """
        if below not in self._cache:
            fit = self.pairs.below(below).fit(self.form, self.level)
            rng = np.random.default_rng([self.first.seed, 2])
            self._cache[below] = fit, draw_sigmoids(fit, self.first.draws, rng)
        return self._cache[below]

    def predict(self, places: Places, below: int, new_point: bool = True) -> AccuracyPrediction:
        """Predict accuracies from the budgets below an index.

        The items that score the models are those that scored the runs, so that their noise moves
        both and is not in the interval.

        Args:
            places: the models.
            below: index of the first budget that is left out; `first.end` for none.
            new_point: the interval is for accuracies that are observed there: the scatter of
                points about both curves is in it.

        Raises:
            FitError: one of the stages has no fit.
        """
        sigmoid, drawn = self.sigmoid(below)
        laws, _ = self.first.laws(below)
        found = [self.first.predict(law, below, places) for law in laws]
        loss = np.exp(found[0].log_loss)
        accuracy = sigmoid.predict(loss)
        factor = self.calibration(below)
        low, high = self._interval(sigmoid, drawn, found, new_point)
        stretch = 1.0 if np.isnan(factor) else factor
        used = self.first.points.budget[self.first.points.budget < below]
        if len(np.unique(used)) < MIN_BUDGETS:
            low, high = np.full_like(loss, np.nan), np.full_like(loss, np.nan)
        highest = float(self.first.points.log_compute[self.first.points.budget < below].max())
        return AccuracyPrediction(
            loss=loss,
            accuracy=accuracy,
            ci_low=accuracy - stretch * (accuracy - np.minimum(low, accuracy)),
            ci_high=accuracy + stretch * (np.maximum(high, accuracy) - accuracy),
            sigmoid=sigmoid,
            laws=laws,
            horizon=np.exp(places.log_compute - highest),
            calibration=factor,
        )

    def from_loss(self, loss: Array) -> AccuracyPrediction:
        """Predict the accuracies observed at known losses, by the sigmoid alone.

        Raises:
            FitError: `too_few_runs`.
        """
        sigmoid, drawn = self.sigmoid(self.first.end)
        exact = LossDraws(
            log_loss=np.log(loss),
            drawn=np.broadcast_to(np.log(loss), (len(drawn), len(loss))),
            scatter=0.0,
        )
        low, high = self._interval(sigmoid, drawn, [exact], new_point=True)
        return AccuracyPrediction(
            loss=loss, accuracy=sigmoid.predict(loss), ci_low=low, ci_high=high, sigmoid=sigmoid
        )

    def calibration(self, below: int) -> float:
        """Return how many times too narrow the intervals of left-out budgets were, at least 1.

        Budgets below the index are predicted from lower ones. NaN where none can be left out.
        """
        points, quantile = self.first.points, float(stats.norm.ppf(0.5 + self.level / 2))
        distances = [np.empty(0)]
        for origin in self.first.origins(below):
            later = (points.budget >= origin) & (points.budget < below) & np.isfinite(self.observed)
            found = self._usable(origin, below, places_of(points, later)) if later.any() else []
            if not found:
                continue
            sigmoid, drawn = self.sigmoid(origin)
            low, high = self._interval(sigmoid, drawn, found, new_point=True)
            predicted = sigmoid.predict(np.exp(found[0].log_loss))
            away = self.observed[later] - predicted
            with np.errstate(invalid="ignore", divide="ignore"):
                distances.append(quantile * away / (np.where(away > 0, high, low) - predicted))
        ratio = np.concatenate(distances)
        ratio = ratio[np.isfinite(ratio)]
        if not len(ratio):
            return float("nan")
        # One more distance of 1 keeps a lucky or an unlucky back-test from deciding alone.
        return max(1.0, float(np.sqrt((np.sum(ratio**2) + 1) / (len(ratio) + 1))))

    def _usable(self, origin: int, below: int, places: Places) -> list[LossDraws]:
        """Predict from the budgets below an origin by the laws that are used below a later budget.

        Laws without an interval there are left out; none are left where the sigmoid has no fit.
        """
        found = []
        try:
            self.sigmoid(origin)
            for law in self.first.laws(below)[0]:
                if not self.first.spare(law, origin):
                    continue
                found.append(self.first.predict(law, origin, places))
        except FitError:
            return []
        return found

    def _interval(
        self, sigmoid: Sigmoid, drawn: Array, found: list[LossDraws], new_point: bool
    ) -> tuple[Array, Array]:
        """Return the interval of accuracies, (place,) each, from draws of both stages."""
        rng = np.random.default_rng([self.first.seed, 6])
        values = []
        for losses in found:
            log_loss = losses.drawn
            if new_point:
                log_loss = log_loss + rng.standard_normal(log_loss.shape) * losses.scatter
            accuracy = sigmoid.drawn_accuracy(np.exp(log_loss), drawn)
            if new_point:
                accuracy = accuracy + rng.standard_normal(accuracy.shape) * sigmoid.noise_sd
            values.append(accuracy)
        ends = np.quantile(
            np.concatenate(values), [0.5 - self.level / 2, 0.5 + self.level / 2], axis=0
        )
        return ends[0], ends[1]
