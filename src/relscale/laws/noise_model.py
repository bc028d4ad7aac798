"""Noise components of a family, pooled over its gaps and over corpora.

`NoiseModel` is built once per family from the runs of all corpora, before the laws. It reads the
mean squares of every gap by the regression of the estimator `joint`; other estimators take the
budget variance from there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from relscale.laws.cells import Array, Readings, SuiteRuns
from relscale.laws.estimators.base import FamilyNoise
from relscale.laws.estimators.joint import Joint
from relscale.laws.estimators.reading import Reading, take_reading
from relscale.laws.estimators.vertex import Vertex
from relscale.laws.fit_error import FitError
from relscale.laws.noise import (
    FamilyRatio,
    Moments,
    Pooled,
    family_ratio,
    order_share,
    order_share_of_residuals,
    pool,
)
from relscale.laws.optima.isoflop import IsoflopFits, fit_isoflop

Lowest = tuple[str, str, tuple[tuple[str, int | None], ...]]
"""Metric, baseline, and the number of budgets used of every corpus; None for all."""
JOINT = Joint(Vertex())
"""The regression that the mean squares are about."""


@dataclass(frozen=True, kw_only=True)
class NoiseModel:
    """Mean squares of all gaps of a family, by metric, corpus and budgets used."""

    suites: Sequence[SuiteRuns]
    """Runs of every corpus."""
    read: Callable[[str, SuiteRuns], Readings]
    """Return the values of a metric of a corpus."""
    level: float = 0.95
    """Confidence level at which an optimum counts as flat."""
    _readings: dict[tuple[str, str], Readings] = field(
        default_factory=dict, repr=False, compare=False
    )
    _moments: dict[tuple[str, str, str, str, int | None], Moments | None] = field(
        default_factory=dict, repr=False, compare=False
    )

    _ratios: dict[Lowest, FamilyRatio | None] = field(
        default_factory=dict, repr=False, compare=False
    )

    _order: dict[Lowest, float] = field(default_factory=dict, repr=False, compare=False)

    def of_gap(self, metric: str, corpus: str, treatment: str, baseline: str) -> FamilyNoise:
        """Return the budget effects of all gaps to the same baseline."""
        return _Family(
            model=self, metric=metric, corpus=corpus, treatment=treatment, baseline=baseline
        )

    def moments(
        self,
        metric: str,
        corpus: str,
        treatment: str,
        baseline: str,
        below: int | None = None,
    ) -> Moments | None:
        """Return the mean squares of a gap; None where the joint model cannot be fitted.

        `below` is an index of a budget of the corpus; only lower ones are used.
        """
        key = (metric, corpus, treatment, baseline, below)
        if key not in self._moments:
            try:
                self._moments[key] = self._fit(metric, corpus, treatment, baseline, below)
            except (FitError, np.linalg.LinAlgError):
                self._moments[key] = None
        return self._moments[key]

    def ratio(
        self, metric: str, baseline: str, budgets: Mapping[str, int | None]
    ) -> FamilyRatio | None:
        """Return the ratio of budget variance over run variance of all gaps to a baseline.

        It is from the lowest budgets of each corpus; None where no gap can be pooled.
        """
        key = (metric, baseline, tuple(sorted(budgets.items())))
        if key not in self._ratios:
            treatments = self.treatments(metric, baseline)
            groups = []
            for corpus, below in budgets.items():
                gaps = (self.moments(metric, corpus, name, baseline, below) for name in treatments)
                groups.append([found for found in gaps if found is not None])
            self._ratios[key] = family_ratio(groups)
        return self._ratios[key]

    def treatments(self, metric: str, baseline: str) -> tuple[str, ...]:
        """Return the domains of the family other than the baseline."""
        if not self.suites:
            return ()
        domains = self.readings(metric, self.suites[0].corpus).domains
        return tuple(name for name in domains if name != baseline)

    def readings(self, metric: str, corpus: str) -> Readings:
        """Return the values of a metric of a corpus."""
        key = (metric, corpus)
        if key not in self._readings:
            self._readings[key] = self.read(metric, self._runs[corpus])
        return self._readings[key]

    def log_gap(self, metric: str, corpus: str, treatment: str, baseline: str) -> Array:
        """Return log G, (run,), NaN where missing."""
        readings = self.readings(metric, corpus)
        of = [readings.log_error[readings.domains.index(name)] for name in (treatment, baseline)]
        return np.asarray(of[0] - of[1])

    def order_share(self, metric: str, baseline: str, budgets: Mapping[str, int | None]) -> float:
        """Return the share of a run's variance that runs of one seed have in common.

        It is taken over all gaps to a baseline, from the lowest budgets of each corpus: by
        differences between seeds, or by residuals where no size has two seeds.
        """
        key = (metric, baseline, tuple(sorted(budgets.items())))
        if key not in self._order:
            gaps = [
                (corpus, below, self.log_gap(metric, corpus, name, baseline))
                for corpus, below in budgets.items()
                for name in self.treatments(metric, baseline)
            ]
            found = [seed_differences(gap, self._runs[name], below) for name, below, gap in gaps]
            if any(len(difference) for difference, _ in found):
                self._order[key] = order_share(*zip(*found, strict=True))
            else:
                left = [each for gap in gaps if (each := self._residuals(*gap)) is not None]
                self._order[key] = (
                    order_share_of_residuals(*zip(*left, strict=True)) if left else 0.0
                )
        return self._order[key]

    def _residuals(
        self, corpus: str, below: int | None, values: Array
    ) -> tuple[Array, Array, Array] | None:
        """Return residuals of a gap, their projection and log tokens; see `noise`.

        None where the joint model cannot be fitted.
        """
        if not np.isfinite(values).any():
            return None
        try:
            runs, reading = self._runs[corpus], self._reading(corpus, below, values)
            model = JOINT.model(runs, values, reading)
        except (FitError, np.linalg.LinAlgError):
            return None
        projection = model.projection
        tokens = runs.log10_tokens[reading.cells] * np.log(10)
        return projection @ reading.values, projection, tokens

    def budgets(self, corpus: str, below: int | None) -> dict[str, int | None]:
        """Return the number of budgets of every corpus with less compute than a budget.

        `below` is the index of that budget in `corpus`; None for all budgets.
        """
        if below is None or below >= len(self._runs[corpus].budgets):
            return dict.fromkeys(self._runs)
        limit = _budget_compute(self._runs[corpus])[below] - 1e-3
        return {
            name: int(np.sum(_budget_compute(runs) < limit)) for name, runs in self._runs.items()
        }

    @cached_property
    def _runs(self) -> dict[str, SuiteRuns]:
        return {runs.corpus: runs for runs in self.suites}

    @cached_property
    def _curves(self) -> dict[str, IsoflopFits]:
        return {runs.corpus: fit_isoflop(runs, self.level) for runs in self.suites}

    def _fit(
        self, metric: str, corpus: str, treatment: str, baseline: str, below: int | None
    ) -> Moments | None:
        values = self.log_gap(metric, corpus, treatment, baseline)
        if not np.isfinite(values).any():
            return None
        reading = self._reading(corpus, below, values)
        order = self.order_share(metric, baseline, self.budgets(corpus, below))
        return JOINT.model(self._runs[corpus], values, reading, order).moments(reading.values)

    def _reading(self, corpus: str, below: int | None, values: Array) -> Reading:
        """Return the cells of a gap about the optima of their budgets.

        Raises:
            FitError: as `take_reading`.
        """
        runs, curves = self._runs[corpus], self._curves[corpus]
        return take_reading(runs, curves.optima(JOINT), values, JOINT, curves.weights, below)


@dataclass(frozen=True, kw_only=True)
class _Family:
    """The gaps of a gap's family."""

    model: NoiseModel
    metric: str
    corpus: str
    treatment: str
    baseline: str

    def pooled(self, below: int | None) -> Pooled | None:
        """Return the budget variance of the gap by its family; see `FamilyNoise`."""
        model, corpus = self.model, self.corpus
        budgets = model.budgets(corpus, below)
        own = model.moments(self.metric, corpus, self.treatment, self.baseline, budgets[corpus])
        if own is None:
            return None
        return pool(own, model.ratio(self.metric, self.baseline, budgets))

    def order_share(self, below: int | None) -> float:
        """Return the share of a run's variance that runs of one seed have in common."""
        budgets = self.model.budgets(self.corpus, below)
        return self.model.order_share(self.metric, self.baseline, budgets)


def seed_differences(values: Array, runs: SuiteRuns, below: int | None) -> tuple[Array, Array]:
    """Return the differences between two seeds of every size that has two.

    They are those of the first two runs of a size, in order of their names.

    Args:
        values: (run,), NaN where missing.
        runs: runs of the corpus.
        below: use only budgets with a lower index.

    Returns:
        Differences and natural log of the tokens, (size,) each.
    """
    known = np.isfinite(values)
    if below is not None:
        known &= runs.cell_budget[runs.run_cell] < below
    place = np.flatnonzero(known)
    place = place[np.argsort(runs.run_cell[place], kind="stable")]
    cell = runs.run_cell[place]
    first = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]])) if len(cell) else cell
    first = first[first + 1 < len(cell)]
    first = first[cell[first + 1] == cell[first]]
    difference = values[place[first + 1]] - values[place[first]]
    return difference, runs.log10_tokens[cell[first]] * np.log(10)


def _budget_compute(runs: SuiteRuns) -> Array:
    """Return the mean log compute of every budget, (budget,)."""
    return np.array(
        [np.mean(runs.log_compute[runs.cell_budget == k]) for k in range(len(runs.budgets))]
    )
