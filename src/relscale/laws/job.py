"""One metric of one suite: what is read of each domain, and every estimator's fit of each domain
and gap, once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from relscale.contract.status import Status
from relscale.laws.cells import RISING, Array, Readings, SuiteRuns
from relscale.laws.estimate import estimate
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.isoflop import IsoflopFits
from relscale.laws.items import ItemNoise, item_matrices, item_noise
from relscale.laws.settings import LawSettings
from relscale.laws.surface_gap import SurfaceReader, Term

Rows = list[dict[str, object]]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One metric of one suite."""

    runs: SuiteRuns
    """The suite."""
    fits: IsoflopFits
    """Its optima."""
    metric: str
    """The metric."""
    readings: Readings
    """The domains' errors."""
    noise: Mapping[str, ItemNoise]
    """Item noise by domain."""
    settings: LawSettings
    """The family's settings."""
    reader: SurfaceReader
    """Surfaces, kept between domains."""

    def values(self, domain: str) -> Array:
        """Log error of a domain, (run,)."""
        if domain in self.noise and self.noise[domain].overlapping:
            left_out = np.isnan(self.readings.log_error[self.readings.domains.index(domain)])
            return np.where(left_out, np.nan, self.noise[domain].log_error)
        return self.readings.log_error[self.readings.domains.index(domain)]

    def terms(self, *domains: str) -> tuple[Term, ...]:
        """Log errors of domains with their item noise; without any where one of them has no
        items.
        """
        with_items = all(domain in self.noise for domain in domains)
        noise = [self.noise[domain].covariance if with_items else None for domain in domains]
        return tuple(
            Term(log_error=self.values(name), item_covariance=part)
            for name, part in zip(domains, noise, strict=True)
        )

    def notes(self, values: Array, *domains: str) -> tuple[str, ...]:
        """Words on what was left out."""
        overlapping = sum(
            self.noise[domain].overlapping for domain in domains if domain in self.noise
        )
        return (
            *self.readings.lacking(values, self.runs),
            *([f"{overlapping} overlapping item(s) left out"] if overlapping else []),
        )

    def fit(self, estimator: str, *domains: str) -> GapFit:
        """Fit a domain, or a gap of treatment and baseline, with one estimator.

        Raises:
            FitError: there is no estimate.
        """
        if estimator == "surface" and self.metric in RISING:
            raise FitError(Status.RISING_METRIC, "a surface is of an error")
        return estimate(
            self.runs, self.fits, self.terms(*domains), estimator, self.settings, self.reader
        )

    @property
    def label(self) -> dict[str, object]:
        """Columns that every table of laws begins with."""
        return {"corpus": self.runs.corpus, "family": self.settings.family, "metric": self.metric}


def noise_of(
    pieces: Mapping[tuple[str, str, str], pd.DataFrame],
    runs: SuiteRuns,
    metric: str,
    readings: Readings,
    settings: LawSettings,
) -> dict[str, ItemNoise]:
    """Item noise of every domain that has items."""
    noise = {}
    for domain, log_error in zip(readings.domains, readings.log_error, strict=True):
        piece = pieces.get((runs.corpus, domain, metric))
        if piece is not None and np.isfinite(log_error).any():
            where = f"items of suite {runs.corpus!r}, domain {domain!r}, metric {metric!r}"
            noise[domain] = item_noise(
                item_matrices(piece, runs, log_error, where), settings.draws, settings.seed, domain
            )
    return noise


def gap_fits(job: Job) -> dict[tuple[str, str], GapFit | FitError]:
    """Fit every treatment's gap to the baseline with every estimator; failures stay in the
    mapping.
    """
    baseline = job.settings.baseline
    gaps: dict[tuple[str, str], GapFit | FitError] = {}
    if baseline is None or job.readings.missing(baseline):
        return gaps
    for treatment in (
        domain
        for domain in job.readings.domains
        if domain != baseline and not job.readings.missing(domain)
    ):
        gap = job.values(treatment) - job.values(baseline)
        for estimator in job.settings.estimators:
            try:
                if np.all(gap[np.isfinite(gap)] == 0) and np.isfinite(gap).any():
                    raise FitError(
                        Status.IDENTICAL, "treatment and baseline have the same error in every run"
                    )
                gaps[treatment, estimator] = job.fit(estimator, treatment, baseline)
            except FitError as error:
                gaps[treatment, estimator] = error
    return gaps
