"""The choice of a law: by the data's own refusal and by leave-future-out error.

Every candidate is fitted to all runs, and without the runs of the highest compute, which it
predicts (`attempt`). The simplest law is taken whose error is within one standard error of the
lowest; candidates are listed by rising complexity. Errors are pooled over the gaps of a family
(`Ranking.of_family`), since those of one gap are few. A law that the data of a gap refuse is not
taken for it while another fits. Before any run can be left out, information criteria of the fits
say how much the other laws count in the spread over laws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import ROUNDING_VARIANCE, Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.leave_future_out import (
    COMPUTE,
    FutureSplits,
    comparable,
    future_splits,
    root_mean_square,
)
from relscale.laws.run_points import Places, RunPoints

REFUSED = 0.05
"""A law is refused where its lack-of-fit p value is below this."""
MIN_GAPS = 4
"""Gaps of a family from which on errors are compared over gaps, not over runs."""
SHARPNESS = 4.0
"""Power of the ratio of errors with which a law counts in the spread over laws."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One law fitted to all runs and without the future."""

    law: GapLaw
    """The law."""
    fitted: FittedGap
    """The fits: all runs first, then one per origin."""
    errors: Array
    """Predicted less observed log G of the runs left out, (origin, run); NaN elsewhere."""
    lack_of_fit_p: float
    """p value of the law against a free value per budget; NaN where it cannot be tested."""
    variance: float
    """Variance of a run's log G about the law."""
    dof: int
    """Runs less parameters."""
    information: Array
    """Information criterion (`information_criterion`) of the fit to all runs, then of one per
    origin, (1 + origin,); the first counts where no runs are left out."""

    @property
    def name(self) -> str:
        """Name of the law."""
        return self.law.name

    @property
    def refused(self) -> bool:
        """Whether the data refuse the law."""
        return self.lack_of_fit_p < REFUSED

    @property
    def rms(self) -> float:
        """Root mean square error of log G at the runs left out; NaN without any."""
        return root_mean_square(self.errors)


@dataclass(frozen=True, kw_only=True)
class Trials:
    """All candidates that have a fit, for one gap or loss."""

    splits: FutureSplits
    """The runs that were left out."""
    trials: tuple[Trial, ...]
    """One per law, the simplest first."""

    def comparable(self) -> tuple[list[str], Array]:
        """Return laws and squared errors where all predict; see `leave_future_out.comparable`."""
        return comparable({trial.name: trial.errors for trial in self.trials})

    def before(self, group: int, axis: str = COMPUTE) -> "Trials":
        """Return the trials as known at a group of an axis: errors below it, and no refusal."""
        groups = [(origin.axis, origin.group) for origin in self.splits.origins]
        at = 1 + groups.index((axis, group)) if (axis, group) in groups else 0
        known = self.splits.known_before(axis, group)
        return Trials(
            splits=self.splits,
            trials=tuple(
                replace(
                    trial,
                    errors=np.where(known, trial.errors, np.nan),
                    lack_of_fit_p=float("nan"),
                    information=trial.information[at:],
                )
                for trial in self.trials
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Laws by leave-future-out error."""

    best: str
    """Law with the lowest error; empty where no law predicts."""
    near: tuple[str, ...]
    """Laws within one standard error of the lowest error, the simplest first."""
    order: tuple[str, ...]
    """All laws that predict, by rising error."""
    gaps: int
    """Number of gaps over which errors are pooled."""
    weights: Mapping[str, float]
    """(lowest error / error)^4 of each law that predicts, errors as in the ranking."""

    @classmethod
    def of_family(cls, family: Sequence[Trials]) -> "Ranking | None":
        """Rank laws by the mean log of their root mean square errors over the gaps of a family.

        Logs give all gaps the same weight, and the standard error is that over gaps. None where
        fewer than `MIN_GAPS` gaps have predictions by a law in common.
        """
        tables = [(trials, *trials.comparable()) for trials in family]
        tables = [table for table in tables if table[1]]
        if len(tables) < MIN_GAPS:
            return None
        names = [
            trial.name
            for trial in tables[0][0].trials
            if all(trial.name in kept for _, kept, _ in tables)
        ]
        if not names:
            return None
        logs = np.array(
            [
                [
                    0.5 * np.log(np.mean(squared[kept.index(name)]) + ROUNDING_VARIANCE)
                    for name in names
                ]
                for _, kept, squared in tables
            ]
        )  # (gap, law)
        means = logs.mean(axis=0)
        excess = logs - logs[:, [int(np.argmin(means))]]
        weights = np.exp(-SHARPNESS * (means - means.min()))
        return cls._ranked(names, weights, excess, len(tables))

    @classmethod
    def of_runs(cls, trials: Trials) -> "Ranking":
        """Rank laws by their squared errors at the runs left out of one gap."""
        names, squared = trials.comparable()
        if not names:
            return cls(best="", near=(), order=(), gaps=1, weights={})
        means = squared.mean(axis=1)
        excess = (squared - squared[int(np.argmin(means))]).T  # (prediction, law)
        lowest = means.min() + ROUNDING_VARIANCE
        weights = (lowest / (means + ROUNDING_VARIANCE)) ** (SHARPNESS / 2)
        return cls._ranked(list(names), weights, excess, 1)

    @classmethod
    def _ranked(cls, names: list[str], weights: Array, excess: Array, gaps: int) -> "Ranking":
        error = np.std(excess, axis=0) / np.sqrt(len(excess))
        near = tuple(
            name
            for name, mean, spread in zip(names, excess.mean(axis=0), error, strict=True)
            if mean <= spread
        )
        order = tuple(names[place] for place in np.argsort(-weights, kind="stable"))
        shares = dict(zip(names, weights.tolist(), strict=True))
        return cls(best=order[0], near=near, order=order, gaps=gaps, weights=shares)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The law that is taken, and those that predict as well."""

    taken: Trial
    """The law that is taken."""
    contenders: tuple[Trial, ...]
    """Laws that the data do not refuse, the taken one first."""
    weights: Array
    """How much each contender counts in the spread over laws, (contender,); they sum to 1."""
    trials: Trials
    """All laws that have a fit."""
    why: str
    """A remark for the reader."""

    def spread(self, read: Array) -> Array:
        """Return the weighted mean square difference of the contenders from the first, (place,).

        Args:
            read: one row per contender, (contender, place). Rows with NaN do not count.
        """
        return np.diag(self.covariance(read)).copy()

    def covariance(self, read: Array) -> Array:
        """Return the mean products of those differences, (place, place); see `spread`."""
        away = read[1:] - read[0]
        kept = np.isfinite(away).all(axis=1)
        away = away[kept]
        return np.asarray((away.T * self.weights[1:][kept]) @ away)


def try_laws(points: RunPoints, laws: Sequence[GapLaw], axes: Sequence[str] = (COMPUTE,)) -> Trials:
    """Fit all candidates to all runs and without the future.

    Args:
        points: runs with the values of the gap.
        laws: the candidates, the simplest first.
        axes: along which runs are left out; see `future_splits`.

    Raises:
        FitError: the first law's failure, where no law has a fit.
    """
    splits = future_splits(points, axes=axes)
    trials: list[Trial] = []
    failures: list[FitError] = []
    for law in laws:
        try:
            trials.append(attempt(law, points, splits))
        except FitError as error:
            failures.append(error)
    if not trials:
        raise failures[0] if failures else FitError(Status.TOO_FEW_RUNS, "no law for this design")
    return Trials(splits=splits, trials=tuple(trials))


def choose(trials: Trials, ranking: Ranking) -> Choice:
    """Choose the law of one gap.

    Args:
        trials: the candidates fitted to the gap.
        ranking: the candidates by leave-future-out error, of the family or of this gap.
    """
    allowed = [trial for trial in trials.trials if not trial.refused] or list(trials.trials)
    names = [trial.name for trial in allowed]
    near = [allowed[names.index(name)] for name in ranking.near if name in names]
    if not near:  # what remains is further from the best than one standard error, or untested
        rest = [name for name in ranking.order if name in names]
        near = [allowed[names.index(rest[0])]] if rest else allowed
    taken = near[0]
    contenders = (taken, *(trial for trial in allowed if trial is not taken))
    if ranking.weights:
        weights = np.array([ranking.weights.get(trial.name, 0.0) for trial in contenders])
    else:
        weights = information_weights(np.array([trial.information[0] for trial in contenders]))
    weights[0] = max(weights[0], 1e-3)
    return Choice(
        taken=taken,
        contenders=contenders,
        weights=weights / weights.sum(),
        trials=trials,
        why=_why(taken, trials, ranking),
    )


def attempt(law: GapLaw, points: RunPoints, splits: FutureSplits) -> Trial:
    """Fit a law to all runs and without the future.

    Raises:
        FitError: the law has no fit to all runs.
    """
    fitted = law.fit(points, splits.weights)
    predicted = fitted.log_gap(places_without_values(points))  # (1 + origin, run)
    if not np.isfinite(predicted[0]).all():
        raise FitError(Status.NOT_CONVERGED, f"law {law.name} has no finite fit")
    errors = splits.errors(predicted[1:], points_log(points), law.num_parameters)
    parameters = int(getattr(fitted, "num_terms", law.num_parameters))
    residuals = points_log(points) - predicted  # (1 + origin, run)
    residual = residuals[0]
    return Trial(
        law=law,
        fitted=fitted,
        errors=errors,
        lack_of_fit_p=lack_of_fit(points, residual, parameters),
        variance=float(residual @ residual) / max(len(residual) - parameters, 1),
        dof=len(residual) - parameters,
        information=np.array(
            [
                information_criterion(each[weight > 0], parameters)
                for each, weight in zip(residuals, splits.weights, strict=True)
            ]
        ),
    )


def information_criterion(residual: Array, parameters: int) -> float:
    """Return the corrected information criterion AICc of a least-squares fit.

    n log(RSS / n) + 2 k + 2 k (k + 1) / (n - k - 1), with the variance as one of k parameters
    (Hurvich and Tsai, 1989, "Regression and time series model selection in small samples"). It is
    infinite with too few runs.

    Args:
        residual: of the runs that were fitted, (run,).
        parameters: of the law, without the variance.
    """
    number, count = len(residual), parameters + 1
    if number <= count + 1 or not np.isfinite(residual).all():
        return float("inf")
    squares = float(residual @ residual) / number + ROUNDING_VARIANCE
    return number * float(np.log(squares)) + 2 * count * number / (number - count - 1)


def information_weights(criterion: Array) -> Array:
    """Return exp(-difference from the lowest / 2), (law,); equal where no criterion is finite.

    (Burnham and Anderson, 2002, "Model selection and multimodel inference", section 2.9)
    """
    if not np.isfinite(criterion).any():
        return np.ones(len(criterion))
    return np.asarray(np.exp(-(criterion - criterion.min()) / 2))


def points_log(points: RunPoints) -> Array:
    """Return log G, or the log value where there is one domain, (run,)."""
    return points.log_gap if len(points.values) == 2 else points.values[0]


def lack_of_fit(points: RunPoints, residual: Array, parameters: int) -> float:
    """Compare a law with a free value per budget and a curve about it (F test).

    Args:
        points: the runs.
        residual: of log G about the law, (run,).
        parameters: of the law.

    Returns:
        The p value; NaN without budgets in common or degrees of freedom.
    """
    free = _free_design(points)
    if free is None:
        return float("nan")
    rank = int(np.linalg.matrix_rank(free))
    extra, rest = rank - parameters, len(residual) - rank
    if extra < 1 or rest < 2:
        return float("nan")
    left = residual - free @ np.linalg.lstsq(free, residual, rcond=None)[0]
    law, full = float(residual @ residual), float(left @ left)
    if law / len(residual) < ROUNDING_VARIANCE or law <= full:
        return 1.0
    if full <= 0:
        return 0.0
    return float(stats.f.sf((law - full) / extra / (full / rest), extra, rest))


def _free_design(points: RunPoints) -> Array | None:
    """Return a free value per budget and a curve about it, (run, column).

    None where the budgets do not have three runs on average.
    """
    member = (points.budget[:, None] == np.unique(points.budget)).astype(np.float64)
    if points.num_runs < 3 * member.shape[1]:
        return None
    compute = points.log_compute - points.log_compute.mean()
    ratio = points.log_tokens - points.log_params
    s = ratio - ratio.mean()
    return np.concatenate([member, np.stack([s, s**2, s * compute], axis=1)], axis=1)


def _why(taken: Trial, trials: Trials, ranking: Ranking) -> str:
    """Return a remark on the choice."""
    if not ranking.order or np.isnan(taken.rms):
        reason = f"law {taken.name}: the simplest (too few runs to hold any out)"
    elif taken.name == ranking.best:
        reason = f"law {taken.name}: lowest error at runs held out"
    elif taken.name in ranking.near:
        reason = f"law {taken.name}: within one standard error of {ranking.best} and simpler"
    else:
        reason = f"law {taken.name}: lowest error of those that the data do not refuse"
    if not np.isnan(taken.rms):
        reason += f" ({100 * taken.rms:.2g} % here"
        reason += f", pooled over {ranking.gaps} gaps)" if ranking.gaps > 1 else ")"
    refused = [
        f"{trial.name} p {trial.lack_of_fit_p:.1g}"
        for trial in trials.trials
        if trial.refused and trial is not taken
    ]
    return reason + (f", refused: {' '.join(refused)}" if refused else "")


def places_without_values(points: RunPoints) -> Places:
    """Return where the runs are, so that a law must predict the baseline's loss."""
    return replace(points.places, log_baseline=None)
