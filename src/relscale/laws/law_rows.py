"""Rows of the law tables of one metric of one suite: points, absolute, absolute_fits, surface,
relative, decomposition, backtest.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from relscale.contract.law_tables import RELATIVE_COLUMNS
from relscale.contract.status import Status, status_columns
from relscale.laws.absolute import MIN_BUDGETS_FOR_OFFSET, absolute_fits
from relscale.laws.backtest import backtest_error, backtest_gap
from relscale.laws.cells import Array, average_seeds
from relscale.laws.decomposition import decompose
from relscale.laws.estimate import estimate, without_items
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.job import Job, Rows
from relscale.laws.power import fit_power_law
from relscale.laws.relative import relative_row
from relscale.laws.surface_table import surface_rows

AT_CHANCE_SHARE = 0.5
"""A relative law whose treatment or baseline is at chance in at least this share of its runs gets
no verdict."""

Gaps = Mapping[tuple[str, str], GapFit | FitError]


def absolute_rows(job: Job, gaps: Gaps, rows: dict[str, Rows]) -> None:
    """Points, power law and back-test of every domain and estimator."""
    for domain in job.readings.domains:
        values = job.values(domain)
        notes = job.notes(values, domain)
        for estimator in job.settings.estimators:
            label = {**job.label, "domain": domain, "estimator": estimator}
            base = {**label, "compute": job.settings.compute, "offset": float("nan")}
            try:
                if job.readings.missing(domain):
                    raise FitError(Status.DOMAIN_MISSING, "no usable value in this suite")
                points = job.fit(estimator, domain)
                law = fit_power_law(points.log_compute, points.points, job.settings.level)
            except FitError as error:
                nothing = dict.fromkeys(
                    (
                        "coefficient",
                        "exponent",
                        "standard_error",
                        "ci_low",
                        "ci_high",
                        "r2",
                        "lack_of_fit_p",
                    ),
                    float("nan"),
                )
                rows["absolute"].append(
                    {
                        **base,
                        **nothing,
                        "num_points": 0,
                        **status_columns(error.status, [*error.remarks, *notes]),
                    }
                )
                continue
            few, offset = _offset(job, estimator, domain, law.num_points)
            left_out = [note for note in points.notes if "left out" in note]
            rows["absolute"].append(
                {
                    **base,
                    "coefficient": float(np.exp(law.log_coefficient)),
                    "exponent": law.exponent,
                    "standard_error": law.standard_error,
                    "ci_low": law.ci_low,
                    "ci_high": law.ci_high,
                    "r2": law.r2,
                    "lack_of_fit_p": points.lack_of_fit_p,
                    "num_points": law.num_points,
                    "offset": offset,
                    **status_columns(Status.OK, [few, *left_out, *notes]),
                }
            )
            rows["points"].extend(_point_rows(job, label, points, gaps.get((domain, estimator))))
            rows["absolute_fits"].extend(
                {**label, "compute": job.settings.compute, **row} for row in absolute_fits(points)
            )
            tested = backtest_error(
                job.runs,
                job.fits,
                without_items(job.terms(domain)),
                points,
                job.settings,
                job.reader,
            )
            rows["backtest"].extend({**label, **row} for row in tested)


def _point_rows(
    job: Job, label: Mapping[str, object], points: GapFit, gap: GapFit | FitError | None
) -> Iterator[dict[str, object]]:
    """Rows of points.csv of one domain and estimator."""
    optima = job.fits.of(points.estimator)
    for place, budget in enumerate(points.budgets):
        cells = np.flatnonzero(job.runs.cell_budget == budget)
        error = float(np.exp(points.points[place]))
        row: dict[str, object] = {
            **label,
            "budget": job.runs.budgets[budget],
            "forward_flops": float(np.exp(np.mean(np.log(job.runs.forward_flops[cells])))),
            "training_flops": float(np.exp(np.mean(np.log(job.runs.training_flops[cells])))),
            "value": error,
            "standard_error": error * float(np.sqrt(points.point_variance[place])),
            "gap": float("nan"),
            "gap_standard_error": float("nan"),
            **status_columns(optima[budget].status, optima[budget].remarks),
        }
        if isinstance(gap, GapFit) and budget in gap.budgets:
            here = int(np.flatnonzero(gap.budgets == budget)[0])
            value = float(np.exp(gap.points[here]))
            row |= {
                "gap": value,
                "gap_standard_error": value * float(np.sqrt(gap.point_variance[here])),
            }
        elif label["domain"] == job.settings.baseline:
            row |= {"gap": 1.0, "gap_standard_error": 0.0}
        yield row


def law_rows(job: Job, gaps: Gaps) -> Iterator[dict[str, object]]:
    """Relative law of every treatment and estimator, without tests and verdict; no rows for a
    family without a baseline.
    """
    baseline = job.settings.baseline
    if baseline is None:
        return
    for treatment in (domain for domain in job.readings.domains if domain != baseline):
        label = {**job.label, "treatment": treatment, "baseline": baseline}
        if job.readings.missing(treatment, baseline):
            lost = job.readings.missing(baseline)
            status = Status.BASELINE_MISSING if lost else Status.DOMAIN_MISSING
            yield from (_no_law(job, label, name, status) for name in job.settings.estimators)
            continue
        values = job.values(treatment) - job.values(baseline)
        notes = job.notes(values, treatment, baseline)
        for estimator in job.settings.estimators:
            fit = gaps[treatment, estimator]
            if isinstance(fit, FitError):
                yield _no_law(job, label, estimator, fit.status, [*fit.remarks, *notes])
                continue
            status, at_chance = _chance(job, treatment, values)
            yield relative_row(
                job.runs, job.metric, treatment, job.settings, fit, status, [*notes, at_chance]
            )


def gap_rows(job: Job, gaps: Gaps, rows: dict[str, Rows]) -> None:
    """Back-test and decomposition of every treatment; no rows for a family without a baseline."""
    baseline = job.settings.baseline
    if baseline is None:
        return
    for treatment in (domain for domain in job.readings.domains if domain != baseline):
        if job.readings.missing(treatment, baseline):
            continue
        terms = without_items(job.terms(treatment, baseline))
        for estimator in job.settings.estimators:
            fit = gaps[treatment, estimator]
            if isinstance(fit, FitError):
                continue
            bare = fit
            if fit.ci_method == "runs+items":
                bare = estimate(job.runs, job.fits, terms, estimator, job.settings, job.reader)
            tested = backtest_gap(job.runs, job.fits, terms, bare, job.settings, job.reader)
            rows["backtest"].extend(
                {**job.label, "domain": treatment, "estimator": estimator, **row} for row in tested
            )
        values = job.values(treatment) - job.values(baseline)
        label = {**job.label, "treatment": treatment, "baseline": baseline}
        notes = job.notes(values, treatment, baseline)
        rows["decomposition"].append(
            {**label, **decompose(job.runs, job.fits, values, job.settings, notes)}
        )


def _chance(job: Job, treatment: str, values: Array) -> tuple[Status, str]:
    """Return the status of a law and a remark: whether treatment or baseline are at chance."""
    index = [job.readings.domains.index(name) for name in (treatment, job.settings.baseline)]
    flag = job.readings.at_chance[index][:, np.isfinite(values)]
    if not flag.any():
        return Status.OK, ""
    if np.max(flag.mean(axis=1)) >= AT_CHANCE_SHARE:
        return Status.AT_CHANCE, ""
    return Status.OK, f"{int(flag.any(axis=0).sum())} run(s) at chance"


def _no_law(
    job: Job,
    label: Mapping[str, object],
    estimator: str,
    status: Status,
    remarks: Sequence[str] = (),
) -> dict[str, object]:
    """A row of relative.csv without an estimate."""
    row: dict[str, object] = dict.fromkeys(RELATIVE_COLUMNS, float("nan"))
    fixed = {
        "compute": job.settings.compute,
        "ci_level": job.settings.level,
        "ci_method": "none",
        "margin": job.settings.margin,
    }
    return {
        **row,
        **label,
        "estimator": estimator,
        **fixed,
        "num_runs": 0,
        "num_budgets": 0,
        "faster": "",
        "verdict": "",
        **status_columns(status, remarks),
    }


def domain_surfaces(job: Job, rows: dict[str, Rows]) -> None:
    """Surfaces of every domain."""
    for domain in job.readings.domains:
        values = job.values(domain)
        label = {**job.label, "domain": domain}
        rows["surface"].extend(
            {**label, **row}
            for row in surface_rows(job.reader, values, job.metric, job.notes(values, domain))
        )


def _offset(job: Job, estimator: str, domain: str, num_points: int) -> tuple[str, float]:
    """Return the note on the offset and the offset: the irreducible term of the surface over all
    runs, from nine budgets on.
    """
    if num_points < MIN_BUDGETS_FOR_OFFSET:
        return "offset_not_identifiable", float("nan")
    if estimator != "surface":
        return "offset not fitted", float("nan")
    mean, count = average_seeds(job.values(domain), job.runs.run_cell, job.runs.num_cells)
    cells = np.flatnonzero((job.fits.weights > 0) & (count > 0))
    return "offset from the surface", float(
        job.reader.surface(mean[cells], cells).fit.irreducible[0]
    )
