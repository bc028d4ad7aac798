"""Fits that several laws share: one metric of one corpus, and all metrics of one corpus.

Every law is a function of `MetricFits` (or of `CorpusFits`, for the two-stage law). Both fit each
domain and gap with each estimator once, when a law first needs it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from relscale.contract.scales import DIFFERENCE
from relscale.contract.status import Status
from relscale.laws.auto_model import NAME as AUTO
from relscale.laws.auto_model import auto_model
from relscale.laws.cells import Array, Readings, SuiteRuns, readings_of
from relscale.laws.estimators.base import (
    BudgetPoints,
    Estimator,
    Peers,
    Quantity,
    Term,
    without_items,
)
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.items import ItemNoise, ItemPieces, noise_of_domains
from relscale.laws.kept import once
from relscale.laws.noise_model import JOINT, NoiseModel
from relscale.laws.optima.isoflop import IsoflopFits, fit_isoflop
from relscale.laws.outside_models import OutsideModel
from relscale.laws.parts import PartSums
from relscale.laws.power import fit_power_law
from relscale.laws.scales import Floors, Scaled, ScaledNoise, floors_of
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.reader import SurfaceReader

Row = dict[str, object]
AT_CHANCE_SHARE = 0.5
"""A gap whose treatment or baseline is at chance in at least this share of its runs gets no
verdict."""


@dataclass(frozen=True, kw_only=True)
class MetricFits:
    """One metric of one corpus: values of the domains, and every estimator's fits of them."""

    runs: SuiteRuns
    """Runs of the corpus."""
    isoflop: IsoflopFits
    """Their IsoFLOP curves, which locate the optima."""
    metric: str
    """Name of the metric."""
    readings: Readings
    """Values by domain and run."""
    noise: Mapping[str, ItemNoise]
    """Item noise by domain."""
    spec: LawSpec
    """Spec of the family."""
    reader: SurfaceReader
    """Surfaces of the corpus, kept between domains."""
    noise_model: NoiseModel | None = None
    """Noise components of the family over all corpora; None takes every gap alone."""
    items_vary: bool = True
    """Whether intervals count the noise of the items."""
    _fits: dict[tuple[str, ...], GapFit | FitError] = field(
        default_factory=dict, repr=False, compare=False
    )
    _quantities: dict[tuple[str, ...], Quantity] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def label(self) -> Row:
        """Columns with which every law table begins."""
        return {"corpus": self.runs.corpus, "family": self.spec.family, "metric": self.metric}

    @property
    def treatments(self) -> tuple[str, ...]:
        """Domains compared with the baseline; none without a baseline."""
        if self.spec.baseline is None:
            return ()
        return tuple(domain for domain in self.readings.domains if domain != self.spec.baseline)

    def against(self, baseline: str) -> "MetricFits":
        """Return the same metric with another baseline."""
        return replace(
            self, spec=self.spec.model_copy(update={"baseline": baseline}), _fits={}, _quantities={}
        )

    def values(self, domain: str) -> Array:
        """Return the log value of a domain without overlapping items, (run,)."""
        log_error = self.readings.log_error[self.readings.domains.index(domain)]
        if domain in self.noise and self.noise[domain].overlapping:
            return np.where(np.isnan(log_error), np.nan, self.noise[domain].log_error)
        return np.asarray(log_error)

    def expect(self) -> None:
        """Have the surfaces of all domains, and of the means that gaps are about, fitted together.

        See `relscale.laws.gap_laws.adapted.about_the_mean` for these means.
        """
        expected = self.reader.expected
        expected.add_cells(self.isoflop.score)
        for domain in self.readings.domains:
            expected.add(self.values(domain))
        if self.spec.baseline in self.readings.domains:
            theirs = self.values(str(self.spec.baseline))
            for treatment in self.treatments:
                expected.add(np.stack([self.values(treatment), theirs]).mean(axis=0), cells=False)

    def on_the_same_items(self) -> "MetricFits":
        """Return these fits for values on the same items, which move laws and values together."""
        return replace(self, items_vary=False, _fits={}, _quantities={})

    def log_gap(self, treatment: str) -> Array:
        """Return log G of a treatment, (run,)."""
        assert self.spec.baseline is not None
        return self.values(treatment) - self.values(self.spec.baseline)

    def terms(self, *domains: str) -> tuple[Term, ...]:
        """Return the values of domains with item noise, or without if a domain has no items."""
        if not self.items_vary or not all(domain in self.noise for domain in domains):
            return tuple(Term(log_error=self.values(domain)) for domain in domains)
        noise = [self.noise[domain] for domain in domains]
        crosses = (noise[0].cross(noise[1]) if len(noise) == 2 else None, None)
        return tuple(
            Term(
                log_error=self.values(domain),
                item_covariance=each.covariance,
                item_dof=each.dof,
                item_cross=cross,
            )
            for domain, each, cross in zip(domains, noise, crosses, strict=False)
        )

    def remarks(self, values: Array, *domains: str) -> tuple[str, ...]:
        """Return remarks on runs and items that were left out."""
        overlapping = sum(
            self.noise[domain].overlapping for domain in domains if domain in self.noise
        )
        return (
            *self.readings.lacking(values, self.runs),
            *([f"{overlapping} overlapping item(s) left out"] if overlapping else []),
        )

    def chance(self, treatment: str) -> tuple[Status, str]:
        """Return the status of a gap and a remark: whether treatment or baseline are at chance."""
        index = [self.readings.domains.index(name) for name in (treatment, str(self.spec.baseline))]
        known = np.isfinite(self.log_gap(treatment))
        flag = self.readings.at_chance[index][:, known]
        if not flag.any():
            return Status.OK, ""
        if np.max(flag.mean(axis=1)) >= AT_CHANCE_SHARE:
            return Status.AT_CHANCE, ""
        return Status.OK, f"{int(flag.any(axis=0).sum())} run(s) at chance"

    def quantity_of(self, *domains: str) -> Quantity:
        """Return a domain, or a gap of treatment and baseline, with results that laws keep."""
        if domains not in self._quantities:
            found = self.quantity(self.terms(*domains), *domains)
            peers = self.gaps if len(domains) == 2 else self.losses
            rises = self.spec.rises(self.metric)
            self._quantities[domains] = replace(found, peers=peers, rises=rises)
        return self._quantities[domains]

    @cached_property
    def gaps(self) -> Peers:
        """The gaps of all treatments that have values and are not 1 in every run."""
        baseline = str(self.spec.baseline)

        def quantities() -> list[Quantity]:
            return [
                self.quantity_of(name, baseline)
                for name in self.treatments
                if not self.readings.missing(name, baseline)
                and np.nan_to_num(self.log_gap(name)).any()
            ]

        return Peers(quantities=quantities)

    @cached_property
    def losses(self) -> Peers:
        """The values of all domains that have some."""

        def quantities() -> list[Quantity]:
            names = [name for name in self.readings.domains if not self.readings.missing(name)]
            return [self.quantity_of(name) for name in names]

        return Peers(quantities=quantities)

    def quantity(self, terms: Sequence[Term], *domains: str) -> Quantity:
        """Return a domain, or a gap of treatment and baseline, for an estimator.

        The noise of a gap is pooled with that of the other gaps to the same baseline if its two
        domains are named.
        """
        family = None
        if self.noise_model is not None and len(domains) == 2:
            family = self.noise_model.of_gap(self.metric, self.runs.corpus, *domains)
        return Quantity(
            runs=self.runs,
            fits=self.isoflop,
            terms=tuple(terms),
            spec=self.spec,
            reader=self.reader,
            family=family,
        )

    def fit(self, estimator: str, *domains: str) -> GapFit | FitError:
        """Return the fit of a domain, or of a gap of treatment and baseline, or its failure."""
        key = (estimator, *domains)
        if key not in self._fits:
            try:
                self._fits[key] = self._fit(estimator, *domains)
            except FitError as error:
                self._fits[key] = error
            except np.linalg.LinAlgError as error:
                self._fits[key] = FitError(Status.NO_VARIATION, f"no solution: {error}")
        return self._fits[key]

    def fit_gap(
        self, estimator: str, treatment: str, scaled: Scaled | None = None
    ) -> GapFit | FitError:
        """Return the fit of a treatment's gap to the baseline, or its failure.

        Args:
            estimator: name of the estimator.
            treatment: the domain.
            scaled: the gap on another scale; None for the ratio.
        """
        baseline = self.spec.baseline
        assert baseline is not None
        if self.readings.missing(treatment, baseline):
            lost = self.readings.missing(baseline)
            return FitError(Status.BASELINE_MISSING if lost else Status.DOMAIN_MISSING, "")
        if scaled is None:
            return self.fit(estimator, treatment, baseline)
        try:
            self._check(estimator, treatment, baseline)
            quantity = self.scaled_quantity(scaled, treatment)
            found = self._same_law(estimator, treatment).fit(quantity)
            return replace(scaled.restored(found), estimator=estimator)
        except FitError as error:
            return error
        except np.linalg.LinAlgError as error:
            return FitError(Status.NO_VARIATION, f"no solution: {error}")

    def _same_law(self, estimator: str, treatment: str) -> Estimator:
        """Return the estimator of a gap on other scales.

        Where `auto` takes the straight line of `joint` for the ratio, it does so on every scale.
        """
        if estimator != AUTO:
            return ESTIMATORS[estimator]
        model = auto_model(self.quantity_of(treatment, str(self.spec.baseline)))
        return ESTIMATORS[JOINT.name] if model.is_joint else ESTIMATORS[estimator]

    def difference(self, treatment: str) -> Scaled:
        """Return the difference of a treatment and the baseline."""
        ours, theirs = self.terms(treatment, str(self.spec.baseline))
        return Scaled.difference(ours, theirs)

    def scaled_quantity(self, scaled: Scaled, treatment: str) -> Quantity:
        """Return a gap on another scale; results that several laws read are kept."""
        key = (scaled.scale, treatment)
        if key not in self._quantities:
            baseline = str(self.spec.baseline)
            found = self.quantity(scaled.terms, treatment, baseline)
            family = found.family and ScaledNoise.of(
                found.family, self.quantity_of(treatment, baseline), found
            )
            peers = self.differences if scaled.scale == DIFFERENCE else None
            rises = self.spec.rises(self.metric)
            self._quantities[key] = replace(
                found, family=family, scale=scaled.scale, peers=peers, rises=rises
            )
        return self._quantities[key]

    @cached_property
    def differences(self) -> Peers:
        """The gaps of `gaps` as differences."""

        def quantities() -> list[Quantity]:
            names = [
                name
                for name in self.treatments
                if not self.readings.missing(name, str(self.spec.baseline))
                and np.nan_to_num(self.log_gap(name)).any()
            ]
            return [self.scaled_quantity(self.difference(name), name) for name in names]

        return Peers(quantities=quantities)

    def floors(self, treatment: str) -> Floors | None:
        """Return the floors of a treatment and the baseline; None unless both are identified."""
        if self.spec.rises(self.metric):
            return None
        values = self.values(treatment), self.values(str(self.spec.baseline))
        return floors_of(self.reader, self.runs, *values)

    def fit_without_items(self, estimator: str, *domains: str, below: int | None = None) -> GapFit:
        """Return a fit without item noise, from the budgets with a lower index than `below`; once.

        Raises:
            FitError: there is no estimate.
        """
        key = ("without items", str(below), estimator, *domains)

        def compute() -> GapFit:
            return ESTIMATORS[estimator].fit(self._quantity_without_items(*domains), below)

        return once(self._fits, key, compute)

    def points_below(self, estimator: str, domain: str, below: int) -> BudgetPoints:
        """Return the points of a domain from the budgets with a lower index than `below`, once.

        Raises:
            FitError: there is no estimate.
        """
        quantity = self._quantity_without_items(domain)

        def compute() -> BudgetPoints:
            return ESTIMATORS[estimator].points(quantity, below)

        return once(quantity.kept, f"points {estimator} {below}", compute)

    def _quantity_without_items(self, *domains: str) -> Quantity:
        """Return a domain, or a gap, without item noise; it shares what depends on runs alone."""
        whose = ("without items", *domains)
        if whose not in self._quantities:
            found = self.quantity(without_items(self.terms(*domains)), *domains)
            of_runs = self.quantity_of(*domains).of_runs
            self._quantities[whose] = replace(found, of_runs=of_runs)
        return self._quantities[whose]

    def _check(self, estimator: str, *domains: str) -> None:
        """Check that domains, or a gap of two, can be fitted.

        Raises:
            FitError: they cannot.
        """
        if self.readings.missing(*domains):
            raise FitError(Status.DOMAIN_MISSING, "no usable value in this suite")
        if len(domains) == 2:
            gap = self.log_gap(domains[0])
            if np.all(gap[np.isfinite(gap)] == 0) and np.isfinite(gap).any():
                raise FitError(
                    Status.IDENTICAL, "treatment and baseline have the same error in every run"
                )
        if ESTIMATORS[estimator].needs_loss and self.spec.rises(self.metric):
            raise FitError(Status.RISING_METRIC, "a surface is of an error")

    def _fit(self, estimator: str, *domains: str) -> GapFit:
        self._check(estimator, *domains)
        found = ESTIMATORS[estimator].fit(self.quantity_of(*domains))
        if len(domains) == 1:  # the points of a domain must have a power law
            fit_power_law(found.log_compute, found.points, self.spec.level)
        return found


@dataclass(frozen=True, kw_only=True)
class CorpusFits:
    """The runs of one corpus, with all metrics of a family."""

    family: pd.DataFrame
    """Checked losses of the family, all corpora."""
    runs: SuiteRuns
    """Runs of the corpus."""
    spec: LawSpec
    """Spec of the family."""
    items: ItemPieces = field(default_factory=dict)
    """Items of the family."""
    outside_models: Sequence[OutsideModel] = ()
    """Models that are not runs of the suite."""
    noise_model: NoiseModel | None = None
    """Noise components of the family over all corpora; None takes every gap alone."""
    parts: PartSums | None = None
    """Sums by bucket and by position; None where there are none."""
    together: bool = False
    """Whether surfaces of all domains are fitted at once, which rounds differently: fits of a large
    table."""

    @cached_property
    def isoflop(self) -> IsoflopFits:
        """IsoFLOP curves of the corpus."""
        return fit_isoflop(self.runs, self.spec.level)

    @cached_property
    def reader(self) -> SurfaceReader:
        """Surfaces of the corpus."""
        return SurfaceReader(self.runs, self.isoflop, self.spec)

    @cached_property
    def metrics(self) -> tuple[MetricFits, ...]:
        """Fits of every metric of the spec, with item noise."""
        return tuple(self._metric(metric, with_items=True) for metric in self.spec.metrics)

    @cached_property
    def axes(self) -> tuple[MetricFits, MetricFits]:
        """Fits of the loss and of the accuracy of the two-stage law, without item noise."""
        loss, accuracy = (
            self._metric(metric, with_items=False)
            for metric in (self.spec.loss_metric, self.spec.accuracy_metric)
        )
        return loss, accuracy

    def _metric(self, metric: str, with_items: bool) -> MetricFits:
        readings = readings_of(self.family, self.runs, metric)
        items = self.items if with_items else {}
        found = MetricFits(
            runs=self.runs,
            isoflop=self.isoflop,
            metric=metric,
            readings=readings,
            noise=noise_of_domains(items, self.runs, metric, readings, self.spec),
            spec=self.spec,
            reader=self.reader,
            noise_model=self.noise_model,
        )
        if self.together and not self.spec.rises(metric):
            found.expect()
        return found
