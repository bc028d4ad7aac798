"""Fits of classical laws to the domains of a family, and whether data identify them.

Residuals are those of the log loss. Intervals are Student's t with a robust variance on the scale
that is searched, so they also hold where the noise differs between runs; they contain the noise of
the runs, not what is common to all runs of a budget. A law is shown only where the data identify it
(`Evidence`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array, Flags, Index
from relscale.laws.classical.form import Axes, Form, derivatives
from relscale.laws.classical.search import FitProblem, FitSolution, best_of_starts, search
from relscale.laws.fit_error import FitError
from relscale.laws.identifiability import MAX_CONDITION, condition_number, profile_limit
from relscale.laws.leave_future_out import future_splits
from relscale.laws.run_points import RunPoints

NAN = float("nan")
SMALLEST_ROOM = 1e-6
"""Least share of a residual that its own run may leave."""
SMALLEST_EIGENVALUE = 1e-14
"""Of scaled products of slopes, below which parameters are not separated."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Evidence that data identify the parameters of a law in one domain."""

    condition: float
    """Condition number of the Jacobian with columns of unit length."""
    unbounded: tuple[str, ...]
    """Parameters whose profile interval reaches a bound."""
    left_out_error: float
    """Root mean square error of the log loss at the largest budgets, left out; NaN where there are
    too few budgets."""
    simpler_error: float
    """The same error of the next simpler law; NaN without one."""
    interval_score: float
    """Mean interval score of the predictions there (Gneiting and Raftery, 2007, equation 43), in
    units of the log loss; lower is better."""

    @classmethod
    def nothing(cls) -> "Evidence":
        """Return the evidence where nothing was fitted."""
        return cls(
            condition=NAN,
            unbounded=(),
            left_out_error=NAN,
            simpler_error=NAN,
            interval_score=NAN,
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why the law is not identified; empty where it is."""
        found = []
        if not self.condition < MAX_CONDITION:
            found.append(f"the condition number of the scaled Jacobian is {self.condition:.2g}")
        if self.unbounded:
            found.append(f"no finite interval of {', '.join(self.unbounded)}")
        if self.left_out_error > self.simpler_error * (1 + 1e-9) + 1e-12:
            found.append(
                f"the error at budgets left out is {100 * self.left_out_error:.2g} %, that of the "
                f"simpler law {100 * self.simpler_error:.2g} %"
            )
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class ParameterEstimate:
    """A parameter with its interval."""

    name: str
    """Name in the table."""
    value: float
    """ParameterEstimate."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""


@dataclass(frozen=True, kw_only=True)
class FittedForm:
    """A classical law of one domain."""

    form: Form
    """The law."""
    parameters: Array
    """Parameters as they are searched, (parameter,)."""
    estimates: tuple[ParameterEstimate, ...]
    """Parameters as the source defines them, whether or not they are identified."""
    evidence: Evidence
    """Whether they are."""
    converged: bool
    """Whether the search ended by itself."""
    num_runs: int
    """Runs that it was fitted to."""


@dataclass(frozen=True, kw_only=True)
class DomainLosses:
    """Losses of several domains over the same runs."""

    axes: Axes
    """Sizes, tokens and compute of the runs."""
    budget: Index
    """Index of each run's budget by rising compute, (run,)."""
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
        """Fit a law to every domain, with weights of the runs, (domain, run); once."""
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
            some = _some(axes, used) if used.any() else axes
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
            weights: of the runs, (domain, run), at least 0; None takes all runs with a value.

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
            form.check(_some(self.losses.axes, used))
        except FitError as error:
            return error
        return None

    def fit_all(self, form: Form, weights: Array) -> list[FittedForm]:
        """Fit a law to every domain; each has enough runs."""
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
                num_runs=int(np.sum(weights[row] > 0)),
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
        return [
            tuple(
                ParameterEstimate(
                    name=reported.name,
                    value=float(column[0, row]),
                    low=float(column[1, row]),
                    high=float(column[2, row]),
                )
                for reported, column in zip(problem.form.reported, columns, strict=True)
            )
            for row in range(len(theta))
        ]

    def _evidence(
        self, problem: FitProblem, solution: FitSolution, slopes: Array
    ) -> list[Evidence]:
        """Return the evidence of every domain."""
        held = self._unbounded(problem, solution)
        error, score = self._left_out(problem, solution)
        simpler = np.full(len(error), NAN)
        form = problem.form.simpler
        if form is not None:
            plain = self.solve(form, problem.weights)
            simpler = self._left_out(*plain)[0]
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

    def _left_out(self, problem: FitProblem, solution: FitSolution) -> tuple[Array, Array]:
        """Return errors and interval scores at the largest budgets, left out; (domain,) each."""
        count = len(solution.parameters)
        missing = np.full(count, NAN)
        splits = self.losses.splits  # (split, run)
        if not len(splits):
            return missing, missing
        rows = np.repeat(np.arange(count), len(splits))
        whole = problem.some(rows)
        part = replace(whole, weights=whole.weights * np.tile(splits, (count, 1)))
        width = problem.form.num_parameters
        enough = np.sum(part.weights > 0, axis=1) > width
        found = search(part, solution.parameters[rows])
        residual = problem.form.log_loss(found.parameters, problem.axes) - part.log_losses
        held_out = (whole.weights > 0) & (part.weights == 0) & enough[:, None]
        slopes = problem.form.slopes(found.parameters, problem.axes)
        half = _half_width(part, found, slopes, self.losses.level)
        penalty = 2 / (1 - self.losses.level) * np.maximum(np.abs(residual) - half, 0.0)
        score = 2 * half + penalty
        shape = (count, -1)
        used = held_out.reshape(shape)
        number = used.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            square = np.where(used, residual.reshape(shape) ** 2, 0.0).sum(axis=1) / number
            mean = np.where(used, score.reshape(shape), 0.0).sum(axis=1) / number
        return np.sqrt(square), mean


def _some(axes: Axes, used: Flags) -> Axes:
    """Return the axes of some of the runs, about the same means."""
    return replace(
        axes, params=axes.params[used], tokens=axes.tokens[used], compute=axes.compute[used]
    )


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


def robust_variance(
    problem: FitProblem, solution: FitSolution, slopes: Array, contrasts: Array
) -> tuple[Array, Array]:
    """Return robust variances of linear combinations of the searched parameters.

    The variance is HC2, and its degrees of freedom are those at which its first two moments are
    exact for noise that is the same in all runs (Bell and McCaffrey, 2002): few where a combination
    depends on few runs.

    Args:
        problem: the fits.
        solution: where they ended.
        slopes: derivatives of the log loss, (fit, run, parameter).
        contrasts: (fit, combination, parameter).

    Returns:
        Variances and degrees of freedom, (fit, combination); NaN where parameters are not
        separated.
    """
    root = np.sqrt(problem.weights)
    design = slopes * root[:, :, None]
    bread = _inverse(design.transpose(0, 2, 1) @ design)
    read = contrasts @ bread @ design.transpose(0, 2, 1)  # (fit, combination, run)
    residual = root * (
        problem.log_losses - problem.form.log_loss(solution.parameters, problem.axes)
    )
    variance = np.full(read.shape[:2], NAN)
    dof = np.full(read.shape[:2], NAN)
    for row in np.flatnonzero(np.isfinite(bread).all(axis=(1, 2))):
        used = root[row] > 0
        own, hat = design[row, used], bread[row]
        left = np.eye(int(used.sum())) - own @ hat @ own.T
        room = np.maximum(np.diag(left), SMALLEST_ROOM)
        square = read[row][:, used] ** 2 / room  # (combination, run)
        variance[row] = square @ residual[row, used] ** 2
        trace = square @ np.diag(left)
        dof[row] = trace**2 / np.maximum(np.einsum("ci,ij,cj->c", square, left**2, square), 1e-300)
    return variance, dof


def _inverse(gram: Array) -> Array:
    """Return inverses of symmetric matrices, NaN where one is singular."""
    size = np.sqrt(np.maximum(np.einsum("kpp->kp", gram), 1e-300))
    scaled = gram / (size[:, :, None] * size[:, None, :])
    finite = np.isfinite(scaled).all(axis=(1, 2))
    identity = np.eye(gram.shape[1])
    scaled = np.where(finite[:, None, None], scaled, identity)
    solvable = finite & (np.linalg.eigvalsh(scaled)[:, 0] > SMALLEST_EIGENVALUE)
    inverse = np.linalg.inv(np.where(solvable[:, None, None], scaled, identity))
    inverse = inverse / (size[:, :, None] * size[:, None, :])
    return np.where(solvable[:, None, None], inverse, np.nan)


def _half_width(problem: FitProblem, solution: FitSolution, slopes: Array, level: float) -> Array:
    """Return half the width of the prediction intervals of log losses, (fit, run).

    The variance is that of a new run with equal noise, and of the fit.
    """
    dof = np.maximum(np.sum(problem.weights > 0, axis=1) - slopes.shape[2], 1)
    scatter = solution.objective / dof
    bread = _inverse(np.einsum("krp,kr,krq->kpq", slopes, problem.weights, slopes))
    shape = np.einsum("krp,kpq,krq->kr", slopes, bread, slopes)
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(scatter[:, None] * (1 + np.maximum(shape, 0.0)))
    return np.asarray(stats.t.ppf(0.5 + level / 2, dof)[:, None] * spread)
