"""The first stage of the two-stage law: the loss of a task at models that were not trained.

Laws of compute (`compute`, `saturating`) go through one point per budget where the budgets have
optima, else through the runs; `surface` goes through the runs. `FirstStage` fits them to the
budgets below any other, and says which of them predict best.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Flags
from relscale.laws.fit_error import FitError
from relscale.laws.leave_future_out import MIN_RUNS, FutureSplits, comparable, future_splits
from relscale.laws.loss_laws.base import FittedLoss, LossLaw
from relscale.laws.loss_laws.power import POWER
from relscale.laws.loss_laws.saturating import SATURATING
from relscale.laws.loss_laws.surface import SURFACES
from relscale.laws.run_points import Places, RunPoints

LAWS: dict[str, LossLaw] = {"surface": SURFACES, "compute": POWER, "saturating": SATURATING}
"""Laws of the first stage by the name of the option `step1`."""
MIN_SPARE = 3
"""Runs in addition to its parameters that a surface needs."""
FEW_POINTS = 12
"""Up to this number of points the noise is carried through each of them; a bootstrap of so few
repeats the same points too often."""
LEAST_STEP = 1e-6
"""Least move of a point, as a log loss, where the points are exactly on the law."""
LEAST_POINTS = 2
"""Points that a law is fitted to before higher ones are predicted."""


@dataclass(frozen=True, kw_only=True)
class LossDraws:
    """Log losses predicted by one law."""

    log_loss: Array
    """(place,)."""
    drawn: Array
    """With the uncertainty of the law, (draw, place); NaN without degrees of freedom."""
    scatter: float
    """Standard deviation of an observed log loss about the law."""


@dataclass(frozen=True, kw_only=True)
class FirstStage:
    """Laws of one domain's loss, by the budgets that they are fitted to."""

    points: RunPoints
    """Points that laws of compute are fitted to and predictions are compared with: the budgets'
    optima, else the runs."""
    runs: RunPoints
    """Runs that surfaces are fitted to."""
    step1: str
    """`auto`, or the only law to fit."""
    draws: int
    """Number of draws."""
    seed: int
    """Of the draws."""
    _fits: dict[tuple[str, int], "_Fit | FitError"] = field(
        default_factory=dict, repr=False, compare=False
    )

    def origins(self, below: int) -> tuple[int, ...]:
        """Return the first budgets of the futures that are left out (`future_splits`), rising.

        Only budgets below an index are known.
        """
        known, splits = self._future(below)
        firsts = [int(known.budget[~origin.train].min()) for origin in splits.origins]
        return tuple(first for first in firsts if int(np.sum(self.runs.budget < first)) >= MIN_RUNS)

    def _future(self, below: int) -> tuple[RunPoints, FutureSplits]:
        """Return the points of the budgets below an index, and the ways to leave some out."""
        known = self.points.where(self.points.budget < below)
        return known, future_splits(known, LEAST_POINTS)

    @property
    def end(self) -> int:
        """Return the index after the last budget, below which all runs are."""
        return int(max(self.points.budget.max(), self.runs.budget.max())) + 1

    def on_path(self, log_compute: Array) -> Places:
        """Return models of given log compute whose sizes follow those of the points.

        log N and log D are straight lines in log F.
        """
        x = self.points.log_compute
        degree = int(np.ptp(x) > 0)
        lines = [
            np.polyval(np.polyfit(x - x.mean(), values, degree), log_compute - x.mean())
            for values in (self.points.log_params, self.points.log_tokens)
        ]
        return Places(log_params=lines[0], log_tokens=lines[1], log_compute=log_compute)

    def of_size(self, params: float, tokens: float, compute: float) -> Places:
        """Return a model of a given size; NaN compute is that of the runs per N D."""
        log_n, log_d = np.log([params]), np.log([tokens])
        rate = self.runs.log_compute - self.runs.log_params - self.runs.log_tokens
        known = np.log([compute]) if np.isfinite(compute) else log_n + log_d + rate.mean()
        return Places(log_params=log_n, log_tokens=log_d, log_compute=known)

    def predict(self, law: str, below: int, places: Places) -> LossDraws:
        """Predict log losses by a law that is fitted to the budgets below an index.

        Raises:
            FitError: the law cannot be fitted to them.
        """
        found = self._fit(law, below)
        if isinstance(found, FitError):
            raise found
        return found.predict(places)

    def spare(self, law: str, below: int) -> bool:
        """Return whether a law of the budgets below an index has fewer parameters than points."""
        found = self._fit(law, below)
        return isinstance(found, _Fit) and found.dof > 0

    def laws(self, below: int) -> tuple[tuple[str, ...], float]:
        """Return the laws that predict the losses of left-out budgets best, the best first.

        Budgets below the index are predicted from lower ones. The other laws are those within one
        standard error of the best one's mean squared error. Without budgets to leave out all laws
        that can be fitted are returned. Laws with as many parameters as points count only if there
        are no others.

        Raises:
            FitError: no law can be fitted.
        """
        wanted = self._wanted()
        fits = {law: self._fit(law, below) for law in wanted}
        fitted = [law for law, found in fits.items() if isinstance(found, _Fit)]
        if not fitted:
            failure = fits[wanted[0]]
            assert isinstance(failure, FitError)
            raise failure
        spare = [law for law in fitted if self.spare(law, below)]
        fitted = spare or fitted[:1]
        names, squared = comparable({law: self._errors(law, below) for law in fitted})
        if not names:
            return tuple(fitted), float("nan")
        tried = dict(zip(names, squared, strict=True))
        mean = {law: float(np.mean(found)) for law, found in tried.items()}
        best = min(mean, key=lambda law: (mean[law], LAWS[law].num_parameters))
        number = len(tried[best])
        error = tried[best].std(ddof=1) / np.sqrt(number) if number > 1 else mean[best]
        kept = [law for law in tried if law != best and mean[law] <= mean[best] + error]
        return (best, *kept), 100 * float(np.sqrt(mean[best]))

    def _wanted(self) -> tuple[str, ...]:
        """Return the laws to fit, the one first that is taken where nothing can be left out.

        That is the surface for runs, and the power law for optima, which are all on one path.
        """
        if self.step1 != "auto":
            return (self.step1,)
        return tuple(LAWS) if self.points is self.runs else ("compute", "saturating", "surface")

    def _errors(self, law: str, below: int) -> Array:
        """Return errors of log losses at points that were left out, (origin, point)."""
        known, splits = self._future(below)
        predicted = np.full((len(splits.origins), known.num_runs), np.nan)
        for place, origin in enumerate(splits.origins):
            fit = self._fit(law, int(known.budget[~origin.train].min()))
            if isinstance(fit, _Fit):
                predicted[place] = fit.fitted.log_loss(known.places)[0]
        return splits.errors(predicted, known.values[0])

    def _fit(self, name: str, below: int) -> "_Fit | FitError":
        key = (name, below)
        if key not in self._fits:
            law, points = LAWS[name], self.runs if name == "surface" else self.points
            try:
                self._fits[key] = _fit(
                    law, points.where(points.budget < below), self.draws, self.seed
                )
            except FitError as error:
                self._fits[key] = error
        return self._fits[key]


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """A law with its refits."""

    fitted: FittedLoss
    """The law; the rows after the first are refits to drawn weights."""
    moved: tuple[FittedLoss, ...]
    """The law with each point moved up by its scatter, then with each moved down; empty where there
    are refits to drawn weights."""
    number: int
    """Points."""
    dof: int
    """Points less parameters."""
    scatter: float
    """Standard deviation of a point about the law."""
    noise: Array
    """Standard normal draws over the root of chi-squared draws: Student t, (draw, 1)."""
    scale: Array
    """The latter's factor alone, (draw, 1)."""

    def predict(self, places: Places) -> LossDraws:
        """Predict log losses at places."""
        rows = self.fitted.log_loss(places)
        log_loss = rows[0]
        if self.dof < 1:
            drawn = np.full((len(self.noise), len(log_loss)), np.nan)
        elif self.moved:
            moves = np.stack([each.log_loss(places)[0] - log_loss for each in self.moved])
            up, down = np.split(np.abs(moves), 2)
            drawn = log_loss + self.noise * np.sqrt(np.sum(np.fmax(up, down) ** 2, axis=0))
        else:
            away = np.nan_to_num(rows[1:] - log_loss) * np.sqrt(self.number / self.dof)
            drawn = log_loss + away * self.scale
        return LossDraws(log_loss=log_loss, drawn=drawn, scatter=self.scatter)


def _fit(law: LossLaw, points: RunPoints, draws: int, seed: int) -> _Fit:
    """Fit a law, and again to points or weights that noise could have given.

    Few points are moved one at a time (propagation of errors). Many are weighed by draws of an
    exponential distribution (Bayesian bootstrap: Rubin, 1981), which allows noise that differs
    over sizes and tokens.

    Raises:
        FitError: the law cannot be fitted.
    """
    number = points.num_runs
    dof = number - law.num_parameters
    if law is SURFACES and dof < MIN_SPARE:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"{number} run(s), a surface needs {law.num_parameters + MIN_SPARE}",
        )
    rng = np.random.default_rng([seed, 7])
    weights, moved = np.ones((1, number)), []
    if number > FEW_POINTS:
        drawn = rng.standard_exponential((draws, number))
        weights = np.concatenate([weights, number * drawn / drawn.sum(axis=1, keepdims=True)])
    fitted = law.fit(points, weights)
    residual = points.values[0] - fitted.log_loss(points.places)[0]
    scatter = float(np.sqrt(np.sum(residual**2) / max(dof, 1)))
    if number <= FEW_POINTS and dof > 0:
        step = max(scatter, LEAST_STEP)
        for move in (step, -step):
            for index in range(number):
                values = points.values.copy()
                values[0, index] += move
                moved.append(law.fit(replace(points, values=values), weights[:1]))
    scale = np.sqrt(max(dof, 1) / rng.chisquare(max(dof, 1), size=(draws, 1)))
    return _Fit(
        fitted=fitted,
        moved=tuple(moved),
        number=number,
        dof=dof,
        scatter=scatter,
        noise=rng.standard_normal((draws, 1)) * scale * (scatter / max(scatter, LEAST_STEP)),
        scale=scale,
    )


def places_of(points: RunPoints, chosen: Flags) -> Places:
    """Return where the chosen points are, (point,)."""
    return Places(
        log_params=points.log_params[chosen],
        log_tokens=points.log_tokens[chosen],
        log_compute=points.log_compute[chosen],
    )
