"""The choice of a law of a gap: by the data's own refusal and by leave-future-out error.

All laws are fitted to all runs, and without the runs of the highest compute, which they predict.
A law that the data refuse is not chosen while another fits. Of the others the simplest law is taken
whose error is within one standard error of the lowest; candidates are listed by rising complexity.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import ROUNDING_VARIANCE, Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.held_out import FutureSplits, compute_groups, future_splits
from relscale.laws.run_points import RunPoints

REFUSED = 0.05
"""A law is refused where its lack-of-fit p value is below this."""


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

    @property
    def refused(self) -> bool:
        """Whether the data refuse the law."""
        return self.lack_of_fit_p < REFUSED

    @property
    def rms(self) -> float:
        """Root mean square error of log G at the runs left out; NaN without any."""
        known = self.errors[np.isfinite(self.errors)]
        return float(np.sqrt(np.mean(known**2))) if len(known) else float("nan")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The law that is taken, and those that predict as well."""

    taken: Trial
    """The law that is taken."""
    contenders: tuple[Trial, ...]
    """Laws within one standard error of the lowest error, the taken one first."""
    trials: tuple[Trial, ...]
    """All laws that have a fit."""
    splits: FutureSplits
    """What was left out."""
    why: str
    """A remark for the reader."""


def choose(points: RunPoints, laws: Sequence[GapLaw]) -> Choice:
    """Choose the law of a gap.

    Args:
        points: runs with the values of the gap.
        laws: the candidates, the simplest first. `gap_laws.adapted.WithBaseline` makes one that
            depends on the baseline's loss.

    Raises:
        FitError: the first law's failure, where no law has a fit.
    """
    splits = future_splits(points)
    trials: list[Trial] = []
    failures: list[FitError] = []
    for law in laws:
        try:
            trials.append(attempt(law, points, splits))
        except FitError as error:
            failures.append(error)
    if not trials:
        raise failures[0] if failures else FitError(Status.TOO_FEW_RUNS, "no law for this design")
    allowed = [trial for trial in trials if not trial.refused] or trials
    scored = _comparable(allowed)
    if not scored:
        simplest = allowed[0]
        return Choice(
            taken=simplest,
            contenders=(simplest, *(trial for trial in allowed if trial is not simplest)),
            trials=tuple(trials),
            splits=splits,
            why=f"law {simplest.law.name}: the simplest one (too little compute to hold runs out)",
        )
    taken, near, best = _within_one_error(scored)
    return Choice(
        taken=taken,
        contenders=(taken, *(trial for trial in near if trial is not taken)),
        trials=tuple(trials),
        splits=splits,
        why=_why(taken, best, trials),
    )


def attempt(law: GapLaw, points: RunPoints, splits: FutureSplits) -> Trial:
    """Fit a law to all runs and without the future.

    Raises:
        FitError: the law has no fit to all runs.
    """
    fitted = law.fit(points, splits.weights)
    predicted = fitted.log_gap(points.places)  # (1 + origin, run)
    if not np.isfinite(predicted[0]).all():
        raise FitError(Status.NOT_CONVERGED, f"law {law.name} has no finite fit")
    errors = np.where(splits.held_out, predicted[1:] - points_log(points), np.nan)
    for index, origin in enumerate(splits.origins):
        if int(origin.train.sum()) <= law.num_parameters:
            errors[index] = np.nan
    parameters = int(getattr(fitted, "num_terms", law.num_parameters))
    residual = points_log(points) - predicted[0]
    return Trial(
        law=law,
        fitted=fitted,
        errors=errors,
        lack_of_fit_p=lack_of_fit(points, residual, parameters),
        variance=float(residual @ residual) / max(len(residual) - parameters, 1),
        dof=len(residual) - parameters,
    )


def points_log(points: RunPoints) -> Array:
    """Return log G, or the log value where there is one domain, (run,)."""
    return points.log_gap if len(points.values) == 2 else points.values[0]


def lack_of_fit(points: RunPoints, residual: Array, parameters: int) -> float:
    """Compare a law with a free value per budget and a curve about it (F test).

    Runs without budgets in common are compared with a cubic surface in log N and log D.

    Args:
        points: the runs.
        residual: of log G about the law, (run,).
        parameters: of the law.

    Returns:
        The p value; NaN without degrees of freedom.
    """
    free = _free_design(points)
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


def _free_design(points: RunPoints) -> Array:
    """Return the columns of a model that any smooth law is near to, (run, column)."""
    group = compute_groups(points)
    compute = points.log_compute - points.log_compute.mean()
    ratio = points.log_tokens - points.log_params
    s = ratio - ratio.mean()
    member = (group[:, None] == np.arange(int(group.max()) + 1)).astype(np.float64)
    if len(points.log_compute) >= 3 * member.shape[1]:
        return np.concatenate([member, np.stack([s, s**2, s * compute], axis=1)], axis=1)
    powers = [(i, j) for i in range(4) for j in range(4 - i)]
    return np.stack([compute**i * s**j for i, j in powers], axis=1)


def _comparable(trials: Sequence[Trial]) -> list[tuple[Trial, Array]]:
    """Return the trials with squared errors where all of them predict, (prediction,).

    Laws that predict nothing are left out.
    """
    kept = [trial for trial in trials if np.isfinite(trial.errors).any()]
    if not kept:
        return []
    common = np.isfinite([trial.errors for trial in kept]).all(axis=0)
    while not common.any():
        # The law that predicts the fewest runs is compared no more.
        kept.remove(min(kept, key=lambda trial: int(np.isfinite(trial.errors).sum())))
        common = np.isfinite([trial.errors for trial in kept]).all(axis=0)
    return [(trial, trial.errors[common] ** 2) for trial in kept]


def _within_one_error(
    scored: Sequence[tuple[Trial, Array]],
) -> tuple[Trial, list[Trial], Trial]:
    """Return the simplest law within one standard error, all of these, and the best."""
    best, lowest = min(scored, key=lambda pair: float(np.mean(pair[1])))
    near = []
    for trial, squared in scored:
        excess = squared - lowest
        error = float(np.std(excess) / np.sqrt(len(excess)))
        if trial is best or float(np.mean(excess)) <= error:
            near.append(trial)
    return near[0], near, best


def _why(taken: Trial, best: Trial, trials: Sequence[Trial]) -> str:
    """Return a remark on the choice."""
    error = f"{100 * taken.rms:.2g} % at runs held out"
    if taken is best:
        reason = f"law {taken.law.name}: lowest error, {error}"
    else:
        reason = (
            f"law {taken.law.name}: {error}, within one standard error of {best.law.name} and "
            "simpler"
        )
    refused = [
        f"{trial.law.name} (lack of fit p {trial.lack_of_fit_p:.1g})"
        for trial in trials
        if trial.refused and trial is not taken
    ]
    if refused:
        reason += f"; refused: {', '.join(refused)}"
    return reason.replace("; ", ", ")
