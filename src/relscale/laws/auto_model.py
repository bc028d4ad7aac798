"""The law that `auto` takes for a gap or a loss, with its refits, read at any place.

`auto_model` builds an `AutoModel` from a quantity; `AutoModel.fit` reads it along its path as a
`GapFit`, `AutoModel.predict` reads it at any model.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from relscale.contract.status import Status
from relscale.laws.auto_choice import choice_of, joint_of, paths_of, points_of, trials_of
from relscale.laws.cells import Array, Index
from relscale.laws.choice import Choice, points_log
from relscale.laws.estimators.base import Quantity
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit, combined_dof, gap_fit, line_rows, share_of
from relscale.laws.gap_laws.adapted import without_nan
from relscale.laws.gap_laws.base import FittedGap
from relscale.laws.paths import OPTIMAL, Path, Paths
from relscale.laws.r_squared import r_squared
from relscale.laws.run_points import Places, RunPoints

NAME = "auto"
LINE = "line"
SEED = 7
"""Second part of the seed of the draws, which no other draws use."""
MOST_LOST = 0.2
"""Share of refits that may fail before a law has no interval."""
STEP = 1e-3
"""Step of log G in the derivative of a law by the values of the runs."""
ITEM_DIRECTIONS = 4
"""Principal directions of item noise whose effect on a law is computed; the others are added to
the last one."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A law's log G, or log loss, at places."""

    mean: Array
    """By the law that was taken, (place,)."""
    fit_variance: Array
    """Variance over refits and draws of items, (place,)."""
    budget_variance: Array
    """Variance from the effects of budgets, (place,)."""
    law_variance: Array
    """Mean square difference of the other laws from the mean, weighted by how well they predict
    compute that is held out, (place,)."""


@dataclass(frozen=True, kw_only=True)
class AutoModel:
    """The law that was chosen for one quantity of one corpus."""

    quantity: Quantity
    """A gap or a loss."""
    points: RunPoints
    """Its runs."""
    paths: Paths
    """Paths through the runs of the corpus."""
    path: Path
    """The path along which `fit` reads the law."""
    choice: Choice
    """The law, and the others that were tried."""
    joint: GapFit | None
    """The fit of the estimator `joint`; None where the budgets have no optima."""

    @property
    def is_joint(self) -> bool:
        """Whether the law is the straight line of `joint`."""
        return self.joint is not None and (
            self.choice.taken.law.name == LINE or len(self.quantity.terms) == 1
        )

    @property
    def has_interval(self) -> bool:
        """Whether the runs say how uncertain the law is, as in the row of its `GapFit`."""
        if self.is_joint:
            assert self.joint is not None
            return bool(np.isfinite(self.joint.standard_error))
        return self.choice.taken.dof >= 1

    @cached_property
    def refits(self) -> FittedGap:
        """The chosen law: all runs first, then the draws."""
        weights = np.concatenate(
            [
                np.ones((1, self.points.num_runs)),
                drawn_weights(self.points.num_runs, self.quantity.spec.draws, self.seed),
            ]
        )
        return self.choice.taken.law.fit(self.points, weights)

    @property
    def seed(self) -> tuple[int, int]:
        """Seed of the draws: the same for all gaps of a corpus, so that they move together."""
        return self.quantity.spec.seed, SEED

    @property
    def budget_dof(self) -> float:
        """Degrees of freedom of the variance of budget effects."""
        return max(self.joint.dof, 1.0) if self.joint is not None else 1.0

    def dof(self, own: float, of_budgets: float) -> float:
        """Return degrees of freedom for a variance from runs plus one from budgets.

        By Satterthwaite (1946): (a + b)^2 / (a^2 / dof_a + b^2 / dof_b).
        """
        run_dof = float(max(self.choice.taken.dof, 1))
        if not own + of_budgets > 0:
            return run_dof
        share = own / (own + of_budgets)
        return 1 / (share**2 / run_dof + (1 - share) ** 2 / self.budget_dof)

    @property
    def slope_dof(self) -> float:
        """Degrees of freedom of the variance of dbeta without items.

        They are at most those of `joint`, which gives the variance of budget effects. Where chance
        makes that small, Satterthwaite's number would be that of the runs: simulated with a noisy
        baseline and one corpus, 95 % intervals then cover .81.
        """
        run_dof = float(max(self.choice.taken.dof, 1))
        if self.joint is None or not self.joint.run_dof > 0:
            return run_dof
        return min(run_dof, self.joint.run_dof)

    @property
    def inflation(self) -> float:
        """Return n / (n - p): refits leave out the degrees of freedom that the law takes."""
        taken = self.choice.taken
        return self.points.num_runs / max(taken.dof, 1)

    def values(self, places: Places) -> tuple[Array, Array]:
        """Return the chosen law at places and over refits, (place,) and (draw, place)."""
        read = self.refits.log_gap(places)
        drawn = without_nan(read[1:])
        if len(drawn) < (1 - MOST_LOST) * (len(read) - 1):
            drawn = np.full((2, read.shape[1]), np.nan)
        return read[0], drawn

    def predict(self, places: Places) -> Prediction:
        """Read the law at places."""
        mean, drawn = self.values(places)
        variance = np.var(drawn, axis=0, ddof=1) * self.inflation
        items = self._item_covariance(places)
        return Prediction(
            mean=mean,
            fit_variance=variance + (0.0 if items is None else np.diag(items)),
            budget_variance=np.diag(self._budget_covariance(places)).copy(),
            law_variance=self.choice.spread(self._contenders(places, mean)),
        )

    def _contenders(self, places: Places, taken: Array) -> Array:
        """Return the law that is taken, and the others that were tried, (contender, place)."""
        others = [trial.fitted.log_gap(places)[0] for trial in self.choice.contenders[1:]]
        return np.array([taken, *others])

    def fit(self) -> GapFit:
        """Read the law along its path; once.

        Its covariance has the spread over laws, as far as they predict held-out compute: held-out
        runs seldom tell laws apart. That of a straight line is the covariance of `joint`.

        Raises:
            FitError: `too_few_budgets` where the path passes the runs at one compute only.
        """
        return self._fit

    @cached_property
    def _fit(self) -> GapFit:
        if self.is_joint:
            assert self.joint is not None
            why = (self.choice.why,) if len(self.quantity.terms) == 2 else ()
            return replace(self.joint, estimator=NAME, notes=(*self.joint.notes, *why))
        notes = (self.choice.why, *self.choice.taken.fitted.remarks)
        budgets, log_compute, points, variance = self._points()
        log_middle = (log_compute.min() + log_compute.max()) / 2
        ends = np.array([log_compute.min(), log_middle, log_compute.max()])
        places = self.paths.places(self.path, np.concatenate([log_compute, ends]))
        law, drawn = self.values(places)
        number = len(log_compute)
        line = line_rows(log_compute, float(np.mean(log_compute)))
        reader = np.zeros((5, number + 3))
        reader[:2, :number], reader[2:, number:] = line, np.eye(3)
        covariance = np.cov(drawn @ reader.T, rowvar=False) * self.inflation
        of_budgets = reader @ self._budget_covariance(places) @ reader.T
        dof, method = self.slope_dof, "runs"
        contenders = self._contenders(places, law) @ reader.T
        covariance = covariance + of_budgets + self.choice.covariance(contenders)
        item_share, run_dof = 0.0, dof
        items = self._item_covariance(places)
        if items is not None:
            added = reader @ items @ reader.T
            of_runs, of_items = float(covariance[1, 1]), float(added[1, 1])
            level, item_dof = self.quantity.spec.level, self.quantity.item_dof
            dof = combined_dof(of_runs, of_items, dof, level, item_dof)
            covariance, method = covariance + added, "runs+items"
            item_share = share_of(float(added[1, 1]), float(covariance[1, 1]))
        if not np.isfinite(covariance).all() or not self.has_interval:
            covariance, method = np.full((5, 5), np.nan), "none"
            notes = (*notes, "no interval: too few runs to refit the law")
        fit = gap_fit(
            estimator=NAME,
            budgets=budgets,
            log_compute=log_compute,
            points=points,
            law=line @ law[:number],
            covariance=covariance[:2, :2],
            point_variance=variance,
            dof=dof,
            ci_method=method,
            num_runs=self.points.num_runs,
            notes=(*(self.joint.notes if self.joint is not None else ()), *notes),
            lack_of_fit_p=self.choice.taken.lack_of_fit_p,
            budget_sd=self.joint.budget_sd if self.joint is not None else float("nan"),
            item_share=item_share,
            run_dof=run_dof,
        )
        return replace(
            fit,
            r2=r_squared(points, points - law[:number]),
            levels_at=ends,
            levels=law[number:],
            levels_covariance=covariance[2:, 2:],
            law=self.choice.taken.law.name,
            path=self.path.name,
        )

    def _points(self) -> tuple[Index, Array, Array, Array]:
        """Return budgets, their log compute, log G on the path and its variance, (budget,) each.

        Without optima, log G of a budget is the mean of its runs, moved to the path by the law.
        """
        if self.joint is not None:
            joint = self.joint
            return joint.budgets, joint.log_compute, joint.points, joint.point_variance
        points = self.points
        budgets = np.unique(points.budget)
        member = (points.budget[None, :] == budgets[:, None]).astype(np.float64)
        count = member.sum(axis=1)
        member /= count[:, None]
        log_compute: Array = member @ points.log_compute
        places = self.paths.places(self.path, log_compute)
        if self.path.kind == OPTIMAL:
            kept = np.flatnonzero(self.paths.inside(places))
            budgets, member = budgets[kept], member[kept]
            log_compute, count = log_compute[kept], count[kept]
            places = self.paths.places(self.path, log_compute)
        if len(np.unique(log_compute)) < 2:
            raise FitError(
                Status.TOO_FEW_BUDGETS, f"path {self.path.name} passes the runs at one compute"
            )
        fitted = self.choice.taken.fitted
        left = points_log(points) - fitted.log_gap(points.places)[0]
        read = fitted.log_gap(places)[0] + member @ left
        return budgets, log_compute, read, self.choice.taken.variance / count

    def _budget_covariance(self, places: Places) -> Array:
        """Return the covariance that the effects of budgets add at places, (place, place).

        Their variance is that of `joint`, pooled over the family.
        """
        sd = self.joint.budget_sd if self.joint is not None else 0.0
        if not sd > 0:
            return np.zeros((len(places.log_compute), len(places.log_compute)))
        member = (self.points.budget == np.unique(self.points.budget)[:, None]).astype(np.float64)
        response = self._response(places, member)
        return np.asarray(sd**2 * response.T @ response)

    def _item_covariance(self, places: Places) -> Array | None:
        """Return the covariance that item noise adds at places, (place, place)."""
        of_runs = self.quantity.item_covariance
        if of_runs is None:
            return None
        kept = np.isin(self.quantity.runs.run_cell, self.points.cell)
        kept &= np.isfinite([term.log_error for term in self.quantity.terms]).all(axis=0)
        values, vectors = np.linalg.eigh(of_runs[np.ix_(kept, kept)])
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1].T
        used = min(ITEM_DIRECTIONS, len(values))
        values[used - 1] = values[used - 1 :].sum()
        response = self._response(places, vectors[:used])
        return np.asarray((response.T * values[:used]) @ response)

    def _response(self, places: Places, directions: Array) -> Array:
        """Return the derivatives of the law at places, (direction, place).

        Args:
            places: where the law is read.
            directions: changes of log G, (direction, run).
        """
        fitted = self.choice.taken.fitted
        law = self.choice.taken.law.as_chosen(fitted)
        values = self.points.values[0] + STEP * directions
        moved = law.log_gap_of(self.points, fitted, values, places)
        return np.asarray((moved - fitted.log_gap(places)[0]) / STEP)


def drawn_weights(number: int, draws: int, seed: tuple[int, ...]) -> Array:
    """Return weights of a bootstrap over runs, (draw, run), each row with mean 1.

    They are exponential (Rubin, 1981, "The Bayesian bootstrap"), not counts, so that no draw loses
    a run that the law needs.
    """
    weights = np.random.default_rng(seed).exponential(size=(draws, number))
    return np.asarray(weights / weights.mean(axis=1, keepdims=True))


def auto_model(quantity: Quantity, below: int | None = None) -> AutoModel:
    """Choose the law of a quantity; it is kept with the quantity.

    Args:
        quantity: a gap or a loss.
        below: use only budgets with a lower index (back-test).

    Raises:
        FitError: no law has a fit.
    """
    key = f"{NAME} {below}"
    if key not in quantity.kept:
        quantity.kept[key] = _chosen(quantity, below)
    found = quantity.kept[key]
    assert isinstance(found, AutoModel)
    return found


def _chosen(quantity: Quantity, below: int | None) -> AutoModel:
    joint, points, paths = joint_of(quantity, below), points_of(quantity, below), paths_of(quantity)
    trials = trials_of(quantity, below)
    return AutoModel(
        quantity=quantity,
        points=points,
        paths=paths,
        path=Path(kind=OPTIMAL) if joint is not None else paths.default,
        choice=choice_of(quantity, trials, pooled=below is None),
        joint=joint,
    )
