"""Fits of classical laws to the domains of a family, and whether data identify them.

Residuals are those of the log loss. Intervals are Student's t with a robust variance on the scale
that is searched, so they also hold where the noise differs between runs; they contain the noise of
the runs, not what is common to all runs of a budget. A law is shown only where the data identify it
(`fitted.Evidence`).

A law is fitted to points, (N, D) with the seeds averaged or one per budget. They have the axis
`run` in shapes, as in the other laws.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.classical.fitted import (
    Evidence,
    FittedForm,
    ParameterEstimate,
    estimate_of,
)
from relscale.laws.classical.form import Axes, Form, derivatives
from relscale.laws.classical.search import FitProblem, FitSolution, best_of_starts, search
from relscale.laws.classical.variance import prediction_half_width, robust_variance
from relscale.laws.fit_error import FitError
from relscale.laws.identifiability import condition_number, profile_limit
from relscale.laws.leave_future_out import future_splits
from relscale.laws.run_points import RunPoints

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class DomainLosses:
    """Losses of several domains at the same points."""

    axes: Axes
    """Sizes, tokens and compute of the points."""
    budget: Index
    """Index of each point's budget by rising compute, (run,)."""
    log_losses: Array
    """Natural logs, (domain, run), NaN where missing."""
    level: float
    """Level of the intervals."""

    @property
    def splits(self) -> Array:
        """Return weights that leave the highest compute out, (split, run); no rows if none can."""
        pairs = np.stack([self.axes.params, self.axes.tokens], axis=1).round(9)
        cell = np.unique(pairs, axis=0, return_inverse=True)[1]
        points = RunPoints(
            log_params=self.axes.params + self.axes.mean_params,
            log_tokens=self.axes.tokens + self.axes.mean_tokens,
            log_compute=self.axes.compute + self.axes.mean_compute,
            budget=self.budget,
            cell=cell.astype(np.int64),
            values=self.log_losses,
        )
        return future_splits(points).weights[1:]

    @property
    def known(self) -> Array:
        """Return 1 where a domain has a value and 0 elsewhere, (domain, run)."""
        return np.isfinite(self.log_losses).astype(np.float64)


class FamilyFits:
    """Fits of all laws to one metric of a family; each law is searched once."""

    def __init__(self, losses: DomainLosses) -> None:
        """Keep the losses; nothing is fitted yet."""
        self.losses = losses
        self._solved: dict[tuple[str, bytes], tuple[FitProblem, FitSolution]] = {}
        self._fitted: dict[tuple[str, bytes], list[FittedForm | FitError]] = {}

    def solve(self, form: Form, weights: Array) -> tuple[FitProblem, FitSolution]:
        """Search the parameters of a law in every domain; once.

        Args:
            form: the law.
            weights: of the squared residuals, (domain, run), at least 0. Every domain has enough
                points with a weight for the law (`Form.check`).

        Returns:
            The least-squares problem, and the lowest of the searches from the law's starts, one
            per domain.
        """
        key = form.name, weights.tobytes()
        if key not in self._solved:
            problem, starts = self._problem(form, weights)
            self._solved[key] = problem, best_of_starts(problem, starts)[0]
        return self._solved[key]

    def _problem(self, form: Form, weights: Array) -> tuple[FitProblem, Array]:
        """Return the least-squares problem of every domain, and its starts."""
        axes, values = self.losses.axes, self.losses.log_losses
        low, high, starts = [], [], []
        for row, weight in zip(values, weights, strict=True):
            used = weight > 0
            known = row[used] if used.any() else np.zeros(1)
            some = axes.some(used) if used.any() else axes
            ends = form.bounds(some, known)
            low.append(ends[0])
            high.append(ends[1])
            starts.append(form.starts(some, known))
        problem = FitProblem(
            form=form,
            axes=axes,
            log_losses=np.nan_to_num(values),
            weights=weights,
            low=np.array(low),
            high=np.array(high),
        )
        return problem, np.array(starts)

    def fit(self, form: Form, weights: Array | None = None) -> list[FittedForm | FitError]:
        """Fit a law to every domain; once.

        Args:
            form: the law.
            weights: of the squared residuals, (domain, run), at least 0; None takes all points
                with a value alike.

        Returns:
            One fit, or the reason why there is none, per domain.
        """
        given = self.losses.known if weights is None else weights * self.losses.known
        key = form.name, given.tobytes()
        if key not in self._fitted:
            self._fitted[key] = self._fit(form, given)
        return self._fitted[key]

    def _fit(self, form: Form, given: Array) -> list[FittedForm | FitError]:
        """Fit a law to the domains that have enough runs."""
        failures = [self._failure(form, row) for row in given]
        fitted = np.flatnonzero([failure is None for failure in failures])
        found: list[FittedForm | FitError] = [failure for failure in failures if failure]
        if not len(fitted):
            return found
        part = FamilyFits(replace(self.losses, log_losses=self.losses.log_losses[fitted]))
        laws = iter(part.fit_all(form, given[fitted]))
        return [failure if failure is not None else next(laws) for failure in failures]

    def _failure(self, form: Form, weight: Array) -> FitError | None:
        """Return why a law has no fit with these weights, (run,); None where it has one."""
        used = weight > 0
        if not used.any():
            return FitError(Status.DOMAIN_MISSING, "no usable value in this suite")
        try:
            form.check(self.losses.axes.some(used))
        except FitError as error:
            return error
        return None

    def fit_all(self, form: Form, weights: Array) -> list[FittedForm]:
        """Fit a law to every domain, with its estimates and the evidence for them.

        Args:
            form: the law.
            weights: as in `solve`; a point without a value has the weight 0.

        Returns:
            One fit per domain, whether or not the data identify it.
        """
        problem, solution = self.solve(form, weights)
        slopes = form.slopes(solution.parameters, problem.axes)
        evidence = self._evidence(problem, solution, slopes)
        estimates = self._estimates(problem, solution, slopes)
        return [
            FittedForm(
                form=form,
                parameters=solution.parameters[row],
                estimates=estimates[row],
                evidence=evidence[row],
                converged=bool(solution.converged[row]),
                num_points=int(np.sum(weights[row] > 0)),
            )
            for row in range(len(weights))
        ]

    def _estimates(
        self, problem: FitProblem, solution: FitSolution, slopes: Array
    ) -> list[tuple[ParameterEstimate, ...]]:
        """Return the reported parameters of every domain."""
        theta, axes = solution.parameters, problem.axes
        contrasts = [derivatives(each.value, theta, axes) for each in problem.form.reported]
        variance, dof = robust_variance(problem, solution, slopes, np.stack(contrasts, axis=1))
        half = stats.t.ppf(0.5 + self.losses.level / 2, dof) * np.sqrt(variance)
        columns = []
        for index, reported in enumerate(problem.form.reported):
            centre = np.asarray(reported.value(theta, axes), dtype=np.float64)
            ends = np.stack([centre, centre - half[:, index], centre + half[:, index]])
            with np.errstate(over="ignore"):
                columns.append(np.exp(ends) if reported.log else ends)
        ends_by_name = {
            each.name: column[1:]
            for each, column in zip(problem.form.reported, columns, strict=True)
        }
        return [
            tuple(
                estimate_of(reported, column[:, row], ends_by_name, row)
                for reported, column in zip(problem.form.reported, columns, strict=True)
            )
            for row in range(len(theta))
        ]

    def _evidence(
        self, problem: FitProblem, solution: FitSolution, slopes: Array
    ) -> list[Evidence]:
        """Return the evidence of every domain."""
        held = self._unbounded(problem, solution)
        width = problem.form.num_parameters
        error, score = self._left_out(problem, solution, width)
        simpler = np.full(len(error), NAN)
        form = problem.form.simpler
        if form is not None:
            plain = self.solve(form, problem.weights)
            simpler = self._left_out(*plain, width)[0]
        return [
            Evidence(
                condition=condition_number(slopes[row], problem.weights[row]),
                unbounded=held[row],
                left_out_error=float(error[row]),
                simpler_error=float(simpler[row]),
                interval_score=float(score[row]),
            )
            for row in range(len(error))
        ]

    def _unbounded(self, problem: FitProblem, solution: FitSolution) -> list[tuple[str, ...]]:
        """Return the parameters of every domain whose profile interval reaches a bound.

        A parameter is held at the bound and the others are fitted again; the bound is inside the
        interval if the sum of squares stays below its limit.
        """
        count, width = solution.parameters.shape
        dof = np.sum(problem.weights > 0, axis=1) - width
        limits = np.array(
            [
                profile_limit(float(value), float(each), self.losses.level)
                for value, each in zip(solution.objective, dof, strict=True)
            ]
        )
        cases = [
            (reported.name, reported.searched, ends[:, reported.searched])
            for reported in problem.form.reported
            if reported.searched is not None
            for ends in (problem.low, problem.high)
            if np.isfinite(ends[:, reported.searched]).all()
        ]
        if not cases:
            return [()] * count
        objective = _held_at(problem, solution, [case[1:] for case in cases], limits)
        return [
            tuple(
                dict.fromkeys(
                    name
                    for (name, _, _), value in zip(cases, objective[:, row], strict=True)
                    if value <= limits[row]
                )
            )
            for row in range(count)
        ]

    def _left_out(
        self, problem: FitProblem, solution: FitSolution, width: int
    ) -> tuple[Array, Array]:
        """Return errors and interval scores at the largest budgets, left out; (domain,) each.

        Fits of no more points than `width` predict nothing, so that two laws are compared at the
        same points.
        """
        count = len(solution.parameters)
        missing = np.full(count, NAN)
        splits = self.losses.splits  # (split, run)
        if not len(splits):
            return missing, missing
        rows = np.repeat(np.arange(count), len(splits))
        whole = problem.some(rows)
        part = replace(whole, weights=whole.weights * np.tile(splits, (count, 1)))
        enough = np.sum(part.weights > 0, axis=1) > width
        found = search(part, solution.parameters[rows])
        residual = problem.form.log_loss(found.parameters, problem.axes) - part.log_losses
        held_out = (whole.weights > 0) & (part.weights == 0) & enough[:, None]
        slopes = problem.form.slopes(found.parameters, problem.axes)
        half = prediction_half_width(part, found, slopes, self.losses.level)
        penalty = 2 / (1 - self.losses.level) * np.maximum(np.abs(residual) - half, 0.0)
        score = 2 * half + penalty
        shape = (count, -1)
        used = held_out.reshape(shape)
        number = used.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            square = np.where(used, residual.reshape(shape) ** 2, 0.0).sum(axis=1) / number
            mean = np.where(used, score.reshape(shape), 0.0).sum(axis=1) / number
        return np.sqrt(square), mean


def _held_at(
    problem: FitProblem,
    solution: FitSolution,
    cases: Sequence[tuple[int, Array]],
    limits: Array,
) -> Array:
    """Return the sums of squares with one parameter held, (case, domain), all at once.

    Args:
        problem: the fits.
        solution: where they ended.
        cases: index of the parameter, and the values at which it is held, (domain,).
        limits: sums of squares at which a search may end, (domain,).
    """
    count = len(limits)
    whole = problem.some(np.tile(np.arange(count), len(cases)))
    low, high = whole.low.copy(), whole.high.copy()
    starts = np.tile(solution.parameters, (len(cases), 1))
    for place, (index, bound) in enumerate(cases):
        rows = slice(place * count, (place + 1) * count)
        low[rows, index] = high[rows, index] = starts[rows, index] = bound
    held = replace(whole, low=low, high=high)
    return search(held, starts, np.tile(limits, len(cases))).objective.reshape(len(cases), count)
