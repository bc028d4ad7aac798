"""How far predictions were off at compute that was held out, next to what they allowed for.

A factor of at least 1 that widens the interval of a prediction at some horizon, from
leave-future-out over all gaps of a family (`Calibration.of`). `predicted_at` is the prediction with
that interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.laws.auto_choice import choice_of
from relscale.laws.auto_model import AutoModel, drawn_weights
from relscale.laws.cells import Array, Flags, Index
from relscale.laws.choice import points_log
from relscale.laws.gap_laws.adapted import without_nan
from relscale.laws.leave_future_out import COMPUTE, LN10, Origin
from relscale.laws.run_points import Places

DRAWS_OF_ORIGIN = 40
"""Refits per origin; their variance is pooled over the targets of the origin and the gaps."""
SEED = 11
"""Second part of the seed of these draws."""
NEAR = 1.6
"""Back-tests up to this many times a horizon say how far off predictions are there."""
MIN_HORIZON = 0.05
"""Decades below which a prediction is not beyond the data."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Where log G, or a log loss, was observed and is predicted."""

    places: Places
    """The models."""
    observed: Array
    """Observed log G, (target,)."""
    variance: Array
    """Its variance, (target,)."""
    groups: Mapping[str, Index]
    """Groups of each target by axis, (target,) each, as in `FutureSplits`."""
    budgets: tuple[str, ...]
    """Budget of each target."""
    runs: tuple[str, ...]
    """Run of each target; empty for the optimum of a budget."""

    @property
    def group(self) -> Index:
        """Group of compute of each target, (target,)."""
        return self.groups[COMPUTE]


@dataclass(frozen=True, kw_only=True)
class BackTest:
    """Predictions from one origin."""

    origin: Origin
    """The runs that were fitted."""
    law: str
    """Name of the law, chosen from lower compute."""
    targets: Targets
    """The places and values that were predicted."""
    highest: Mapping[str, int]
    """Highest group that was fitted, by axis."""
    horizon: Array
    """Decades of compute beyond the origin, (target,)."""
    reach: Array
    """Decades beyond the origin on the axis on which a target is the furthest from it, (target,):
    compute, or for losses of sizes times tokens also sizes and tokens."""
    predicted: Array
    """Predicted log G, (target,)."""
    variance: Array
    """Variance of predicted less observed log G, before calibration, (target,)."""
    dof: int
    """Fitted runs less parameters of the law."""

    @property
    def z(self) -> Array:
        """Errors in units of their standard deviation, (target,); NaN for a constant value."""
        with np.errstate(invalid="ignore"):
            return (self.predicted - self.targets.observed) / np.sqrt(self.variance)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Errors of back-tests in units of their own standard deviation."""

    horizon: Array
    """Decades, (error,): `BackTest.reach`."""
    z: Array
    """(error,)."""

    @classmethod
    def of(cls, tests: Sequence[BackTest], origin: Origin | None = None) -> "Calibration":
        """Pool back-tests of several gaps.

        Args:
            tests: of all gaps of a family.
            origin: take errors known from the runs that it fits; None takes all.
        """
        horizon, z = [np.zeros(0)], [np.zeros(0)]
        for test in tests:
            known = np.isfinite(test.z)
            if origin is not None:
                known &= test.targets.groups[origin.axis] < origin.group
                known &= test.highest[origin.axis] < origin.group
            horizon.append(test.reach[known])
            z.append(test.z[known])
        return cls(horizon=np.concatenate(horizon), z=np.concatenate(z))

    def factor(self, horizon: float) -> float:
        """Return how much wider an interval must be at some decades beyond the runs, at least 1.

        It is the root mean square of z of back-tests that reach up to about as far. Beyond the
        furthest back-test it grows in proportion.
        """
        if horizon < MIN_HORIZON or not len(self.z):
            return 1.0
        furthest = float(self.horizon.max())
        near = self.horizon <= max(NEAR * horizon, float(self.horizon.min()) * NEAR)
        far = near & (self.horizon >= min(horizon, furthest) / NEAR)
        parts = [float(np.sqrt(np.mean(self.z[kept] ** 2))) for kept in (near, far) if kept.any()]
        return max(1.0, *parts) * max(1.0, horizon / furthest)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A prediction of log G, or of a log loss, at places."""

    mean: Array
    """(place,)."""
    half_width: Array
    """Of the interval, (place,); NaN where the law has none."""
    horizon: Array
    """Decades of compute beyond the runs, 0 between them, (place,)."""
    factor: Array
    """Factor by which the interval was widened, (place,)."""


def predicted_at(
    model: AutoModel, places: Places, calibration: Calibration, new_run: bool = False
) -> Forecast:
    """Predict log G at places.

    Args:
        model: the law that was taken.
        places: the models.
        calibration: back-tests of the family.
        new_run: whether the interval is for the value of one more run, or for the law.
    """
    read = model.predict(places)
    taken = model.choice.taken
    own = read.fit_variance + read.law_variance + (taken.variance if new_run else 0.0)
    top = float(model.points.log_compute.max())
    horizon = np.maximum((places.log_compute - top) / LN10, 0.0)
    everywhere = np.ones(model.points.num_runs, dtype=np.bool_)
    reach = _furthest(horizon, model, everywhere, places)
    factor = np.array([calibration.factor(float(value)) for value in reach])
    tail = 0.5 + model.quantity.spec.level / 2
    dof = [model.dof(float(a), float(b)) for a, b in zip(own, read.budget_variance, strict=True)]
    half_width = stats.t.ppf(tail, dof) * factor * np.sqrt(own + read.budget_variance)
    return Forecast(
        mean=read.mean,
        half_width=half_width if model.has_interval else np.full_like(half_width, np.nan),
        horizon=horizon,
        factor=factor,
    )


def back_tests(model: AutoModel) -> tuple[BackTest, ...]:
    """Predict the highest compute from the runs below it, once per origin."""
    key = "back-tests"
    kept = model.quantity.kept
    if key not in kept:
        kept[key] = tuple(_back_tests(model))
    found = kept[key]
    assert isinstance(found, tuple)
    return found


def _back_tests(model: AutoModel) -> list[BackTest]:
    """Predict from every origin, by the law that is chosen there."""
    trials = model.choice.trials
    splits, number, targets = trials.splits, model.points.num_runs, targets_of(model)
    if not len(targets.observed):
        return []
    drawn = drawn_weights(number, DRAWS_OF_ORIGIN, (model.quantity.spec.seed, SEED))
    read = {trial.name: trial.fitted.log_gap(targets.places) for trial in trials.trials}
    tests = []
    for index, origin in enumerate(splits.origins):
        choice = choice_of(model.quantity, trials, origin)
        law, left = choice.taken.law, int(origin.train.sum())
        held = np.flatnonzero(targets.groups[origin.axis] >= origin.group).astype(np.int64)
        mean = read[law.name][1 + index][held]
        if left <= law.num_parameters + 1 or not len(held) or not np.isfinite(mean).all():
            continue
        weights = np.concatenate([np.ones((1, number)), drawn * origin.train])
        refits = without_nan(
            law.fit(model.points, weights).log_gap(_only(targets, held).places)[1:]
        )
        if len(refits) < len(drawn) / 2:
            continue
        variance = np.var(refits, axis=0, ddof=1) * left / (left - law.num_parameters)
        only = _only(targets, held)
        variance += budget_scatter(model, origin.group, only.places.log_compute)
        horizon = splits.horizon(origin, only.places.log_compute)
        others = np.array([read[trial.name][1 + index][held] for trial in choice.contenders])
        tests.append(
            BackTest(
                origin=origin,
                law=law.name,
                targets=only,
                highest={
                    axis: int(group[origin.train].max()) for axis, group in splits.groups.items()
                },
                horizon=horizon,
                reach=_furthest(horizon, model, origin.train, only.places),
                predicted=mean,
                variance=variance + choice.spread(others) + targets.variance[held],
                dof=left - law.num_parameters,
            )
        )
    return tests


def _furthest(horizon: Array, model: AutoModel, fitted: Flags, places: Places) -> Array:
    """Return the largest of decades beyond the fitted runs over all axes, (place,).

    Args:
        horizon: in compute, (place,).
        model: the law; its splits say on which axes it was back-tested.
        fitted: the runs, (run,).
        places: the models.
    """
    reach = horizon
    for axis in model.choice.trials.splits.groups:
        if axis != COMPUTE:
            top = getattr(model.points, f"log_{axis}")[fitted].max()
            reach = np.maximum(reach, (getattr(places, f"log_{axis}") - top) / LN10)
    return reach


def budget_scatter(model: AutoModel, group: int, log_compute: Array) -> Array:
    """Return the variance that effects of budgets give a straight line's prediction, (target,).

    Args:
        model: the law; its budget variance is that of `joint`.
        group: budgets below it are fitted.
        log_compute: of the budgets that are predicted, (target,).
    """
    sd = model.joint.budget_sd if model.joint is not None else 0.0
    if not sd > 0:
        return np.zeros(len(log_compute))
    fitted = model.choice.trials.splits.log_compute[:group]
    design = np.stack([np.ones(group), fitted - fitted.mean()], axis=1)
    at = np.stack([np.ones(len(log_compute)), log_compute - fitted.mean()], axis=1)
    leverage = np.einsum("ij,jk,ik->i", at, np.linalg.pinv(design.T @ design), at)
    return np.asarray(sd**2 * (1 + leverage))


def targets_of(model: AutoModel) -> Targets:
    """Return the targets of back-tests: optima, or runs where budgets lack an optimum.

    The values of runs of one size and budget are averaged.
    """
    points, runs = model.points, model.quantity.runs
    splits = model.choice.trials.splits
    joint = model.joint
    if joint is not None and len(joint.budgets) == len(splits.log_compute):
        places = model.paths.places(model.path, joint.log_compute)
        present = list(np.unique(points.budget))
        return Targets(
            places=places,
            observed=joint.points,
            variance=joint.point_variance,
            groups={COMPUTE: np.array([present.index(budget) for budget in joint.budgets])},
            budgets=tuple(runs.budgets[budget] for budget in joint.budgets),
            runs=("",) * len(joint.budgets),
        )
    cells, first = np.unique(points.cell, return_index=True)
    member = (points.cell == cells[:, None]).astype(np.float64)
    count = member.sum(axis=1)
    named = {
        int(cell): name for name, cell in zip(runs.runs[::-1], runs.run_cell[::-1], strict=True)
    }
    return Targets(
        places=Places(
            log_params=points.log_params[first],
            log_tokens=points.log_tokens[first],
            log_compute=points.log_compute[first],
        ),
        observed=member @ points_log(points) / count,
        variance=model.choice.taken.variance / count,
        groups={axis: group[first] for axis, group in splits.groups.items()},
        budgets=tuple(runs.budgets[runs.cell_budget[cell]] for cell in cells),
        runs=tuple(named[int(cell)] for cell in cells),
    )


def _only(targets: Targets, kept: Index) -> Targets:
    places = targets.places
    return Targets(
        places=Places(
            log_params=places.log_params[kept],
            log_tokens=places.log_tokens[kept],
            log_compute=places.log_compute[kept],
        ),
        observed=targets.observed[kept],
        variance=targets.variance[kept],
        groups={axis: group[kept] for axis, group in targets.groups.items()},
        budgets=tuple(targets.budgets[int(place)] for place in kept),
        runs=tuple(targets.runs[int(place)] for place in kept),
    )
