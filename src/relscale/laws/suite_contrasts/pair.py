"""All domains of one metric of two suites, and their fits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from relscale.contract.scales import DIFFERENCE, RATIO
from relscale.contract.status import Status
from relscale.laws.cells import Array, Readings, SuiteRuns, readings_of
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.items import ItemPieces
from relscale.laws.kept import once
from relscale.laws.metric_fits import AT_CHANCE_SHARE
from relscale.laws.noise import FamilyRatio, family_ratio, pool
from relscale.laws.optima.isoflop import IsoflopFits, fit_isoflop
from relscale.laws.spec import LawSpec
from relscale.laws.suite_contrasts.items import SharedItems, shared_items
from relscale.laws.suite_contrasts.law import Stacked
from relscale.laws.suite_contrasts.side import SuiteSide, order_share_of, read_side

SIGNS = (1.0, -1.0)
"""Signs of treatment and baseline."""
SUITES = (0, 1)
"""Places of treatment and baseline."""

Values = tuple[Array, Array]
"""A quantity of both suites, (run,) each."""


@dataclass(frozen=True, kw_only=True)
class PairFits:
    """One metric of two suites: values by domain, and the laws of their gaps."""

    family: pd.DataFrame
    """Checked losses of the family, in the matched budgets of the two suites."""
    suites: tuple[SuiteRuns, SuiteRuns]
    """Runs of treatment and baseline, in matched budgets."""
    metric: str
    """Name of the metric."""
    spec: LawSpec
    """Spec of the family."""
    pieces: ItemPieces
    """Items of the family."""
    _kept: dict[tuple[str, ...], object] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def curves(self) -> tuple[IsoflopFits, IsoflopFits]:
        """IsoFLOP curves of both suites."""
        first, second = (fit_isoflop(runs, self.spec.level) for runs in self.suites)
        return first, second

    @cached_property
    def readings(self) -> tuple[Readings, Readings]:
        """Values of both suites, by domain and run; both have the domains of either."""
        first, second = (readings_of(self.family, runs, self.metric) for runs in self.suites)
        return first, second

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains of either suite, sorted."""
        return self.readings[0].domains

    @cached_property
    def comparable(self) -> tuple[str, ...]:
        """Domains that both suites have values of."""
        return tuple(name for name in self.domains if not self.lacking(name))

    def lacking(self, domain: str) -> tuple[str, ...]:
        """Return the suites without a value of a domain."""
        pairs = zip(self.suites, self.readings, strict=True)
        return tuple(runs.corpus for runs, reading in pairs if reading.missing(domain))

    def chance(self, domain: str) -> Status:
        """Return whether one of the suites is at chance in at least half of its runs."""
        place = self.domains.index(domain)
        for reading in self.readings:
            known = np.isfinite(reading.log_error[place])
            if known.any() and np.mean(reading.at_chance[place][known]) >= AT_CHANCE_SHARE:
                return Status.AT_CHANCE
        return Status.OK

    def items(self, domain: str) -> SharedItems | None:
        """Return the noise of a domain's items over both suites, None where there are none."""

        def compute() -> SharedItems | None:
            row = self.domains.index(domain)
            values = [reading.log_error[row] for reading in self.readings]
            return shared_items(self.pieces, self.suites, values, domain, self.metric, self.spec)

        return once(self._kept, ("items", domain), compute)

    def log_values(self, domain: str) -> Values:
        """Return the log values of both suites without overlapping items, (run,) each."""
        row = self.domains.index(domain)
        found = [reading.log_error[row] for reading in self.readings]
        items = self.items(domain)
        if items is not None and items.overlapping:
            found = [
                np.where(np.isnan(value), np.nan, items.values(place))
                for place, value in enumerate(found)
            ]
        return found[0], found[1]

    def unit(self, domain: str) -> float:
        """Return the geometric mean of the values of both suites, the unit of a difference."""
        return float(np.exp(np.nanmean(np.concatenate(self.log_values(domain)))))

    def values(self, domain: str, scale: str) -> Values:
        """Return the values whose difference is the quantity of a scale, (run,) each.

        Those of the scale `difference` are in units of `unit`.
        """
        first, second = self.log_values(domain)
        if scale == RATIO:
            return first, second
        unit = self.unit(domain)
        return np.exp(first) / unit, np.exp(second) / unit

    @cached_property
    def order(self) -> tuple[float, float]:
        """Share of a run's variance that runs of one seed have in common, by suite."""
        found = []
        for place in SUITES:
            values = [self.log_values(name)[place] for name in self.comparable]
            sides = []
            for each in values:
                try:
                    sides.append(read_side(self.suites[place], self.curves[place], each))
                except (FitError, np.linalg.LinAlgError):
                    continue
            found.append(order_share_of(self.suites[place], values, sides))
        return found[0], found[1]

    def sides(self, domain: str, scale: str) -> tuple[SuiteSide, SuiteSide]:
        """Return both suites read at their optima, once.

        Raises:
            FitError: a suite cannot be read.
        """

        def compute() -> tuple[SuiteSide, SuiteSide]:
            values = self.values(domain, scale)
            found = [
                read_side(self.suites[at], self.curves[at], values[at], self.order[at])
                for at in SUITES
            ]
            return found[0], found[1]

        return once(self._kept, ("sides", domain, scale), compute)

    def stacked(self, domain: str, scale: str) -> Stacked:
        """Return the gap of a domain at the matched budgets, once.

        Raises:
            FitError: a suite cannot be read, or fewer than two budgets are common.
        """

        def compute() -> Stacked:
            return Stacked.of(self.sides(domain, scale), SIGNS)

        return once(self._kept, ("stacked", domain, scale), compute)

    def ratio(self, scale: str) -> FamilyRatio | None:
        """Return budget variance over run variance, common to the gaps of all domains."""

        def compute() -> FamilyRatio | None:
            return family_ratio([[gap.moments() for gap in self._gaps(scale)]])

        return once(self._kept, ("ratio", scale), compute)

    def _gaps(self, scale: str) -> Iterator[Stacked]:
        for name in self.comparable:
            try:
                yield self.stacked(name, scale)
            except (FitError, np.linalg.LinAlgError):
                continue

    def fit(self, domain: str, scale: str) -> GapFit:
        """Return the law of a domain's gap, in units of `unit` on the scale `difference`.

        Raises:
            FitError: there is no estimate.
        """

        def compute() -> GapFit:
            gap, values = self.stacked(domain, scale), self.values(domain, scale)
            noise = self.items(domain)
            if noise is not None and scale == DIFFERENCE:
                noise = noise.scaled(values)
            return gap.fit(
                pool(gap.moments(), self.ratio(scale)),
                None if noise is None else noise.of_cells(gap.sides, values, 0),
                self.spec.level,
                self._num_runs(gap, values),
            )

        return once(self._kept, ("fit", domain, scale), compute)

    def fit_treatment(self, domain: str) -> GapFit:
        """Return the law of the treatment's own log value, through the same points.

        Raises:
            FitError: there is no estimate.
        """
        values, items = self.log_values(domain), self.items(domain)
        side = self.sides(domain, RATIO)[0]
        alone = Stacked.of([side], [1.0])
        noise = None if items is None else items.of_cells([side], values[:1], 0)
        return alone.fit(None, noise, self.spec.level, side.used(alone.budgets, values[0]))

    def remarks(self, domain: str) -> tuple[str, ...]:
        """Return remarks on runs and items that were left out or are not shared."""
        notes: Mapping[str, None] = {
            f"{runs.corpus}: {note}": None
            for runs, reading, values in zip(
                self.suites, self.readings, self.log_values(domain), strict=True
            )
            for note in reading.lacking(values, runs)
        }
        items = self.items(domain)
        if items is None:
            return tuple(notes)
        found = list(notes)
        if items.overlapping:
            found.append(f"{items.overlapping} overlapping item(s) left out")
        if not items.num_shared:
            found.append("the suites share no item: item noise does not cancel")
        return tuple(found)

    @staticmethod
    def _num_runs(gap: Stacked, values: Values) -> int:
        pairs = zip(gap.sides, values, strict=True)
        return sum(side.used(gap.budgets, each) for side, each in pairs)
