"""Noise components of a family, pooled over its gaps and over corpora.

`NoiseModel` is built once per family from the runs of all corpora, before the laws. It reads the
mean squares of every gap by the regression of the estimator `joint`; other estimators take the
budget variance from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from relscale.laws.cells import Array, Readings, SuiteRuns, readings_of
from relscale.laws.estimators.base import FamilyNoise
from relscale.laws.estimators.joint import Joint
from relscale.laws.estimators.reading import take_reading
from relscale.laws.estimators.vertex import Vertex
from relscale.laws.fit_error import FitError
from relscale.laws.noise import Moments, Pooled, pool
from relscale.laws.optima.isoflop import IsoflopFits, fit_isoflop

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

    @classmethod
    def of_losses(
        cls, losses: pd.DataFrame, suites: Sequence[SuiteRuns], level: float
    ) -> "NoiseModel":
        """Return the model of checked losses of a family."""
        return cls(
            suites=suites,
            read=lambda metric, runs: readings_of(losses, runs, metric),
            level=level,
        )

    def of_gap(self, metric: str, corpus: str, treatment: str, baseline: str) -> FamilyNoise:
        """Return the budget effects of the other gaps to the same baseline."""
        return _OtherGaps(
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

    def lower_budgets(self, corpus: str, other: str, below: int | None) -> int | None:
        """Return the number of budgets of another corpus with less compute than a budget.

        `below` is the index of that budget in `corpus`; None for all budgets.
        """
        if below is None or below >= len(self._runs[corpus].budgets):
            return None
        limit = _budget_compute(self._runs[corpus])[below] - 1e-3
        return int(np.sum(_budget_compute(self._runs[other]) < limit))

    @cached_property
    def _runs(self) -> dict[str, SuiteRuns]:
        return {runs.corpus: runs for runs in self.suites}

    @cached_property
    def _curves(self) -> dict[str, IsoflopFits]:
        return {runs.corpus: fit_isoflop(runs, self.level) for runs in self.suites}

    def _fit(
        self, metric: str, corpus: str, treatment: str, baseline: str, below: int | None
    ) -> Moments | None:
        runs, curves = self._runs[corpus], self._curves[corpus]
        values = self.log_gap(metric, corpus, treatment, baseline)
        if not np.isfinite(values).any():
            return None
        reading = take_reading(runs, curves.optima(JOINT), values, JOINT, curves.weights, below)
        return JOINT.model(runs, values, reading).moments(reading.values)


@dataclass(frozen=True, kw_only=True)
class _OtherGaps:
    """The other gaps of a gap's family."""

    model: NoiseModel
    metric: str
    corpus: str
    treatment: str
    baseline: str

    def pooled(self, below: int | None) -> Pooled | None:
        """Return the budget variance of the gap by the others; see `FamilyNoise`."""
        model = self.model

        def of(corpus: str, treatment: str) -> Moments | None:
            budgets = model.lower_budgets(self.corpus, corpus, below)
            return model.moments(self.metric, corpus, treatment, self.baseline, budgets)

        own = of(self.corpus, self.treatment)
        if own is None:
            return None
        others = [
            name for name in model.treatments(self.metric, self.baseline) if name != self.treatment
        ]
        same = [found for name in others if (found := of(self.corpus, name)) is not None]
        elsewhere = []
        for runs in model.suites:
            if runs.corpus != self.corpus:
                gaps = (of(runs.corpus, name) for name in (self.treatment, *others))
                elsewhere.append([found for found in gaps if found is not None])
        return pool(own, same, elsewhere)


def _budget_compute(runs: SuiteRuns) -> Array:
    """Return the mean log compute of every budget, (budget,)."""
    return np.array(
        [np.mean(runs.log_compute[runs.cell_budget == k]) for k in range(len(runs.budgets))]
    )
