"""The slopes of all domains of a family together: their joint covariance, and tests on them.

A family's slopes are those of its gaps to one reference domain, whose own is 0. Their errors are
those of the gaps' fits; their correlations are those of the gaps' residuals over the runs, because
the noise of a run and of the reference is in all of them. Read `JointSlopes` first.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array, average_seeds
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.metric_fits import MetricFits

DRAWS, DRAWN_ENTRIES = 4000, 30_000
"""Draws of the null distribution of the largest |t|, and most draws times gaps. With 4,000 draws a
p value of .05 is good to .0035, with 1,000 to .007."""
LOST = 2
"""Degrees of freedom that Hotelling's test loses because errors and correlations of the gaps are
not from one covariance of residuals. Simulated with five gaps whose errors and correlations come
from independent residuals, 20 and 18, its level is .049 (.063 with none lost; 4,000 suites)."""
SPARE = 4
"""Hotelling's test is made where the covariance has at least twice as many degrees of freedom as
there are gaps, and this many more; with fewer it finds nothing."""
QUADRATIC_FROM = 12
"""Number of cells from which on residuals are those of a quadratic in (log N, log D)."""


@dataclass(frozen=True, kw_only=True)
class Omnibus:
    """A test that all slopes of a family are equal."""

    statistic: float
    """F, or the largest |t| of a domain against the family's mean."""
    df1: float
    """Number of domains less 1."""
    df2: float
    """Degrees of freedom of the covariance, less those that Hotelling's test takes."""
    p: float
    method: str
    """`hotelling` or `max_t`."""


@dataclass(frozen=True, kw_only=True)
class JointSlopes:
    """Slopes of the domains of one family, corpus and metric by one estimator."""

    domains: tuple[str, ...]
    """The reference first."""
    slopes: Array
    """dbeta of each domain against the reference, (domain,); the first is 0."""
    covariance: Array
    """(domain, domain); the first row and column are 0."""
    dof: float
    """Of the gaps' errors."""
    correlation_dof: float
    """Of their correlation."""
    remarks: tuple[str, ...] = ()
    """Domains that are left out, and why."""

    @cached_property
    def against_mean(self) -> Array:
        """Rows that compare each domain with the mean of all, (domain, domain)."""
        number = len(self.domains)
        return np.asarray(np.eye(number) - 1 / number)

    def contrast(self, rows: Array) -> tuple[Array, Array]:
        """Return values and standard errors of contrasts, (contrast, domain)."""
        variance = np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        return rows @ self.slopes, np.sqrt(np.maximum(variance, 0.0))

    def omnibus(self, seed: int) -> Omnibus:
        """Test that all slopes are equal.

        Hotelling's T^2 of the gaps where the degrees of freedom allow it (Anderson, 2003, theorem
        5.2.2); else the largest |t| of the domains against their mean, compared with draws of
        slopes and of their standard errors.

        Raises:
            FitError: `no_variation` where the slopes have no noise that could be tested.
        """
        gaps, own = self.slopes[1:], self.covariance[1:, 1:]
        number = len(gaps)
        if not np.all(np.diag(own) > 0):
            raise FitError(Status.NO_VARIATION, "a slope without noise")
        if number == 1 or self.dof >= 2 * number + SPARE:
            spare = self.dof - number + 1 - (LOST if number > 1 else 0)
            statistic = float(gaps @ np.linalg.solve(own, gaps)) * spare / (self.dof * number)
            return Omnibus(
                statistic=statistic,
                df1=number,
                df2=spare,
                p=float(stats.f.sf(statistic, number, spare)),
                method="hotelling",
            )
        values, errors = self.contrast(self.against_mean)
        largest = float(np.max(np.abs(values) / errors))
        drawn = self._drawn_largest(np.random.default_rng([seed, 8]))
        return Omnibus(
            statistic=largest,
            df1=number,
            df2=self.dof,
            p=float((1 + np.sum(drawn >= largest)) / (1 + len(drawn))),
            method="max_t",
        )

    def _drawn_largest(self, rng: np.random.Generator) -> Array:
        """Draw the largest |t| where all slopes are equal, (draw,).

        The errors of the gaps are drawn, too, as root mean squares of `dof` residuals that have
        the correlation of the slopes, and that correlation is, from `correlation_dof` residuals
        (both rounded down).
        """
        own = self.covariance[1:, 1:]
        scale = np.sqrt(np.diag(own))
        correlation = own / np.outer(scale, scale)
        size, vectors = np.linalg.eigh(correlation)
        root = vectors * np.sqrt(np.maximum(size, 0.0))  # (gap, direction)
        residuals = max(int(self.dof), 1)
        draws = min(DRAWS, DRAWN_ENTRIES // len(root))
        drawn = rng.standard_normal((residuals + 1, draws, len(root))) @ root.T
        errors = scale * np.sqrt(np.mean(drawn[1:] ** 2, axis=0))  # (draw, gap)
        reader = self.against_mean[:, 1:]  # (domain, gap)
        values = (drawn[0] * scale) @ reader.T  # (draw, domain)
        found = rng.standard_normal((max(int(self.correlation_dof), 1), draws, len(root)))
        found = np.moveaxis(found @ root.T, 0, 1)  # (draw, residual, gap)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        largest = np.zeros(draws)
        for row, value in zip(reader, values.T, strict=True):
            error = np.linalg.norm((found @ (errors * row)[:, :, None])[:, :, 0], axis=1)
            largest = np.maximum(largest, np.abs(value) / error)
        return largest


def joint_slopes(fits: MetricFits, estimator: str) -> JointSlopes:
    """Return the slopes of the domains of a family.

    The reference is the baseline, or the first domain of a family without one.

    Raises:
        FitError: there are no two domains with a slope and an interval.
    """
    fits = _with_reference(fits)
    baseline = str(fits.spec.baseline)
    found: dict[str, GapFit] = {}
    remarks = []
    for name in fits.treatments:
        fit = fits.fit_gap(estimator, name)
        if isinstance(fit, FitError):
            remarks.append(f"{name} left out: {fit.status}")
        elif fits.chance(name)[0] is Status.AT_CHANCE:
            remarks.append(f"{name} left out: {Status.AT_CHANCE}")
        elif not (np.isfinite(fit.standard_error) and fit.dof > 0):
            remarks.append(f"{name} left out: no interval")
        else:
            found[name] = fit
    if not found:
        raise FitError(Status.TOO_FEW_DOMAINS, "no two domains with an interval", remarks)
    correlation, dof = residual_correlation(fits, list(found))
    errors = np.array([fit.standard_error for fit in found.values()])
    covariance = np.zeros((len(found) + 1, len(found) + 1))
    covariance[1:, 1:] = correlation * np.outer(errors, errors)
    return JointSlopes(
        domains=(baseline, *found),
        slopes=np.array([0.0, *(fit.slope for fit in found.values())]),
        covariance=covariance,
        dof=min(dof, *(fit.dof for fit in found.values())),
        correlation_dof=dof,
        remarks=tuple(remarks),
    )


def _with_reference(fits: MetricFits) -> MetricFits:
    """Return the fits against the baseline, or against the first domain that has values.

    Raises:
        FitError: no domain has values.
    """
    names = [str(fits.spec.baseline)] if fits.spec.baseline else []
    names += list(fits.readings.domains)
    known = [name for name in names if not fits.readings.missing(name)]
    if not known:
        raise FitError(Status.TOO_FEW_DOMAINS, "no domain with values")
    return fits if known[0] == fits.spec.baseline else fits.against(known[0])


def residual_correlation(fits: MetricFits, treatments: list[str]) -> tuple[Array, float]:
    """Return the correlation of the gaps' residuals over the runs, and its degrees of freedom.

    The residuals are those of log G about a polynomial in (log N, log D), seeds averaged.
    """
    runs = fits.runs
    values = np.stack([fits.log_gap(name) for name in treatments])
    mean, _ = average_seeds(values, runs.run_cell, runs.num_cells)
    cells = np.flatnonzero(np.isfinite(mean).all(axis=0))
    n = np.log(runs.params_model[cells])
    d = runs.log10_tokens[cells] * np.log(10)
    terms = [np.ones(len(cells)), n - n.mean(), d - d.mean()] if len(cells) else []
    if len(cells) >= QUADRATIC_FROM:
        terms += [terms[1] ** 2, terms[2] ** 2, terms[1] * terms[2]]
    if not terms:
        return np.eye(len(treatments)), 1.0
    basis, size, _ = np.linalg.svd(np.stack(terms, axis=1), full_matrices=False)
    basis = basis[:, size > 1e-9 * size[0]]
    residual = mean[:, cells] - (mean[:, cells] @ basis) @ basis.T
    square = residual @ residual.T
    scale = np.sqrt(np.diag(square))
    if not np.all(scale > 0):
        return np.eye(len(treatments)), float(max(len(cells) - basis.shape[1], 1))
    return square / np.outer(scale, scale), float(max(len(cells) - basis.shape[1], 1))
