"""Rows of two_stage.csv and predictions.csv: a domain's sigmoid, its check by an isotonic curve,
and accuracy predicted from compute.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from relscale.contract.law_tables import TWO_STAGE_COLUMNS
from relscale.contract.status import status_columns
from relscale.laws.cells import Array, Index
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.outside_models import OutsideModel, outside_failures, outside_rows
from relscale.laws.power import fit_power_law
from relscale.laws.two_stage import Sigmoid, fit_sigmoid, predict_accuracy

KINDS = ("held_out", "extrapolation")
SHAPE_DRAWS = 400
SHAPE_LEVEL = 0.01
"""An isotonic curve that fits better than this share of drawn ones says that the sigmoid misses the
shape."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """A domain's loss and accuracy by run; only runs with both."""

    loss: Array
    """(run,)."""
    accuracy: Array
    """(run,)."""
    budget: Index
    """(run,) index of the run's budget in its suite."""
    num_items: Array | None
    """(run,) items behind each accuracy; None where unknown."""
    loss_error: Array | None
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

    def fit(self, chance: float, level: float) -> Sigmoid:
        """Fit the sigmoid.

        Raises:
            FitError: `too_few_runs`.
        """
        return fit_sigmoid(self.loss, self.accuracy, chance, self.num_items, level, self.loss_error)


def sigmoid_columns(
    pairs: Pairs, chance: float, level: float, notes: Sequence[str], seed: int = 0
) -> dict[str, object]:
    """Fit the sigmoid and return the columns of two_stage.csv from `chance` on; a failure becomes
    the status.
    """
    nothing = dict.fromkeys(
        TWO_STAGE_COLUMNS[TWO_STAGE_COLUMNS.index("ceiling") : TWO_STAGE_COLUMNS.index("num_runs")],
        float("nan"),
    )
    try:
        fit = pairs.fit(chance, level)
    except FitError as error:
        return {
            **nothing,
            "chance": chance,
            "num_runs": len(pairs.loss),
            **status_columns(error.status, notes),
        }
    steepness, midpoint = fit.steepness_interval(level), fit.midpoint_interval(level)
    check = isotonic_check(fit, pairs.loss, pairs.accuracy, seed)
    shape = (
        []
        if check.p_value >= SHAPE_LEVEL
        else [f"the sigmoid misses the shape (isotonic p {check.p_value:.2g})"]
    )
    return {
        "chance": fit.chance,
        "ceiling": fit.ceiling,
        "steepness": fit.steepness,
        "steepness_ci_low": steepness[0],
        "steepness_ci_high": steepness[1],
        "midpoint": fit.midpoint,
        "midpoint_ci_low": midpoint[0],
        "midpoint_ci_high": midpoint[1],
        "r2": fit.r2,
        "rms_residual": check.rms_residual,
        "isotonic_rms_residual": check.isotonic_rms_residual,
        "isotonic_p": check.p_value,
        "loss_min": fit.loss_min,
        "loss_max": fit.loss_max,
        "accuracy_min": fit.accuracy_min,
        "accuracy_max": fit.accuracy_max,
        "num_runs": fit.num_runs,
        **status_columns(fit.status, [*fit.remarks, *shape, *notes]),
    }


@dataclass(frozen=True, kw_only=True)
class IsotonicCheck:
    """A sigmoid beside the best curve that only falls with loss."""

    rms_residual: float
    """Root mean square of accuracy about the sigmoid."""
    isotonic_rms_residual: float
    """The same about the isotonic curve, which always is closer."""
    p_value: float
    """Share of draws from the sigmoid whose isotonic curve gains as much; near 0 the sigmoid misses
    the shape."""


def isotonic_check(fit: Sigmoid, loss: Array, accuracy: Array, seed: int = 0) -> IsotonicCheck:
    """Compare a sigmoid with the isotonic curve through the same runs.

    The p value is by draws of normal noise about the sigmoid, which is not fitted again to them;
    that makes it a little large.

    Args:
        fit: the sigmoid.
        loss: (run,).
        accuracy: (run,).
        seed: of the draws.
    """
    order = np.argsort(loss, kind="stable")
    curve = fit.predict(loss)[order]

    def squares(values: Array) -> tuple[float, float]:
        level = optimize.isotonic_regression(values, increasing=False).x
        return float(np.mean((values - curve) ** 2)), float(np.mean((values - level) ** 2))

    about, isotonic = squares(accuracy[order])
    rng = np.random.default_rng([seed, 5])
    spread = np.sqrt(about * len(curve) / fit.dof)
    drawn = [
        squares(curve + spread * noise) for noise in rng.standard_normal((SHAPE_DRAWS, len(curve)))
    ]
    gains = np.array([right / left for left, right in drawn])
    p_value = (
        (1 + int(np.sum(gains <= isotonic / about))) / (SHAPE_DRAWS + 1) if about > 1e-20 else 1.0
    )
    return IsotonicCheck(
        rms_residual=float(np.sqrt(about)),
        isotonic_rms_residual=float(np.sqrt(isotonic)),
        p_value=p_value,
    )


def prediction_rows(
    pairs: Pairs,
    losses: GapFit,
    accuracies: GapFit,
    budgets: Sequence[str],
    chance: float,
    level: float,
    seed: int,
    outside: Sequence[OutsideModel] = (),
) -> Iterator[dict[str, object]]:
    """Predict accuracy from compute by both stages.

    The highest budget is predicted from the runs of the budgets below it (`held_out`, its interval
    is for the observed accuracy), and ten times the highest budget's compute from all runs
    (`extrapolation`, its interval is for the curve).

    Args:
        pairs: the domain's runs.
        losses: log loss at the budgets' optima.
        accuracies: log accuracy there.
        budgets: labels of the suite's budgets.
        chance: accuracy of guessing.
        level: of the intervals.
        seed: of the draws.
        outside: models that are no runs, predicted from all runs.

    Yields:
        The columns of predictions.csv from `kind` on; a failure becomes the status.
    """
    top = int(losses.budgets[-1])
    beyond = float(losses.log_compute[-1] + np.log(10))
    observed = accuracies.points[accuracies.budgets == top]
    cases = (
        (
            "held_out",
            budgets[top],
            float(losses.log_compute[-1]),
            losses.budgets < top,
            pairs.below(top),
        ),
        ("extrapolation", "", beyond, losses.budgets <= top, pairs),
    )
    for kind, budget, at, used, runs in cases:
        held_out = kind == "held_out"
        seen = float(np.exp(observed[0])) if held_out and len(observed) else float("nan")
        seen_loss = float(np.exp(losses.points[-1])) if held_out else float("nan")
        row: dict[str, object] = {
            "kind": kind,
            "budget": budget,
            "model": "",
            "compute": float(np.exp(at)),
        }
        row |= {"observed_loss": seen_loss, "observed": seen}
        nothing = dict.fromkeys(("loss", "accuracy", "ci_low", "ci_high"), float("nan"))
        try:
            power = fit_power_law(losses.log_compute[used], losses.points[used], level)
            sigmoid = runs.fit(chance, level)
        except FitError as error:
            yield {**row, **nothing, **status_columns(error.status, error.remarks)}
            if not held_out:
                yield from outside_failures(outside, error)
            continue
        found = predict_accuracy(
            compute=np.exp(np.array([at])),
            power=power,
            sigmoid=sigmoid,
            level=level,
            seed=seed,
            new_point=held_out,
        )
        notes = [] if power.dof > 0 else ["no interval: two budgets"]
        yield {
            **row,
            **found.columns(),
            **status_columns(sigmoid.status, notes),
        }
        if not held_out:
            yield from outside_rows(outside, power, sigmoid, level, seed)
