"""Classical scaling laws of every domain: table `classical`.

Laws of a loss over sizes, tokens and compute (`relscale.laws.classical.registry`), and the law of
the average error of tasks over their loss. Parameters are shown where the data identify them.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.classical import CLASSICAL_LAWS
from relscale.laws.cells import Array
from relscale.laws.classical import error_law
from relscale.laws.classical.fitting import (
    DomainLosses,
    Evidence,
    FamilyFits,
    FittedForm,
    ParameterEstimate,
)
from relscale.laws.classical.form import Axes, Form
from relscale.laws.classical.regimes import limited_by
from relscale.laws.classical.registry import CLASSICAL, ClassicalLaw
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.law import Law
from relscale.laws.leave_future_out import future_splits
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row
from relscale.laws.run_points import run_points
from relscale.laws.spec import FAMILY_MEAN

TABLE = CLASSICAL_LAWS
NAN = float("nan")
Found = FittedForm | FitError


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return one row per domain, law and parameter, for metrics that fall with compute."""
    for fits in corpus.metrics:
        if not fits.spec.rises(fits.metric):
            yield from _of_metric(fits)
    yield from _error_rows(corpus)


def _of_metric(fits: MetricFits) -> Iterator[Row]:
    """Return the rows of one metric."""
    names = [name for name in fits.spec.classical if name in CLASSICAL]
    if not names:
        return
    family = family_fits(fits)
    for name in names:
        law = CLASSICAL[name]
        found = _at_optima(fits, law.form) if law.runs == "optima" else _fitted(family, law)
        for domain, each in zip(fits.readings.domains, found, strict=True):
            label = {**fits.label, "domain": domain, "ci_level": fits.spec.level}
            yield from ({**label, **row} for row in _rows(law.form, each))


def family_fits(fits: MetricFits) -> FamilyFits:
    """Return the losses of all domains of a metric, run by run, ready to be fitted."""
    runs = fits.runs
    cell = runs.run_cell
    values = np.array([fits.values(domain) for domain in fits.readings.domains])
    return FamilyFits(
        DomainLosses(
            axes=Axes.of(
                np.log(runs.params_model[cell]),
                runs.log10_tokens[cell] * np.log(10),
                runs.log_compute[cell],
            ),
            budget=runs.cell_budget[cell],
            log_losses=values,
            level=fits.spec.level,
        )
    )


def _fitted(family: FamilyFits, law: ClassicalLaw) -> Sequence[Found]:
    """Fit a law to the runs that it holds for, in every domain."""
    if law.runs == "all":
        return family.fit(law.form)
    weights, failures = limited_by(family, "params" if law.runs == "params_limited" else "tokens")
    found = family.fit(law.form, weights)
    return [failure or each for failure, each in zip(failures, found, strict=True)]


def _at_optima(fits: MetricFits, form: Form) -> list[Found]:
    """Fit L(C) to the compute-optimal points; domains with the same budgets at once."""
    read = [fits.fit(fits.spec.estimators[0], domain) for domain in fits.readings.domains]
    found: dict[int, Found] = {
        index: each for index, each in enumerate(read) if isinstance(each, FitError)
    }
    groups: dict[bytes, dict[int, GapFit]] = {}
    for index, each in enumerate(read):
        if isinstance(each, GapFit):
            groups.setdefault(each.log_compute.tobytes(), {})[index] = each
    for members in groups.values():
        laws = _same_budgets(form, list(members.values()), fits.spec.level)
        found |= dict(zip(members, laws, strict=True))
    return [found[index] for index in range(len(read))]


def _same_budgets(form: Form, points: Sequence[GapFit], level: float) -> list[Found]:
    """Fit a law to the points of domains over the same compute."""
    log_compute = points[0].log_compute
    losses = DomainLosses(
        axes=Axes.of(np.zeros_like(log_compute), log_compute, log_compute),
        budget=np.asarray(points[0].budgets),
        log_losses=np.array([each.points for each in points]),
        level=level,
    )
    return FamilyFits(losses).fit(form)


def _rows(form: Form, found: Found) -> Iterator[Row]:
    """Return the columns of classical.csv from `law` on, a row per parameter."""
    simpler = "" if form.simpler is None else form.simpler.name
    names = [reported.name for reported in form.reported]
    if isinstance(found, FitError):
        empty = Evidence.nothing()
        status = status_columns(found.status, [*found.remarks, *form.remarks])
        yield from _table_rows(form.name, form.source, simpler, names, None, empty, 0, status)
        return
    reasons = found.evidence.reasons
    if reasons:
        status = status_columns(Status.NOT_IDENTIFIED, [*reasons, *form.remarks])
    elif not found.converged:
        status = status_columns(Status.NOT_CONVERGED, form.remarks)
    else:
        status = status_columns(Status.OK, form.remarks)
    yield from _table_rows(
        form.name,
        form.source,
        simpler,
        names,
        None if reasons else found.estimates,
        found.evidence,
        found.num_runs,
        status,
    )


def _table_rows(
    law: str,
    source: str,
    simpler: str,
    names: Sequence[str],
    estimates: Sequence[ParameterEstimate] | None,
    evidence: Evidence,
    num_runs: int,
    status: Row,
) -> Iterator[Row]:
    """Return the rows of one law; parameters are empty where they are not identified."""
    shown = {each.name: each for each in estimates or ()}
    for name in names:
        estimate = shown.get(name)
        yield {
            "law": law,
            "parameter": name,
            "source": source,
            "value": NAN if estimate is None else estimate.value,
            "ci_low": NAN if estimate is None else estimate.low,
            "ci_high": NAN if estimate is None else estimate.high,
            "condition": evidence.condition,
            "left_out_error_percent": 100 * evidence.left_out_error,
            "simpler_left_out_error_percent": 100 * evidence.simpler_error,
            "interval_score_percent": 100 * evidence.interval_score,
            "simpler": simpler,
            "num_runs": num_runs,
            **status,
        }


def _error_rows(corpus: CorpusFits) -> Iterator[Row]:
    """Return the rows of the law of the average error over the average loss."""
    spec = corpus.spec
    needed = {spec.loss_metric, spec.accuracy_metric}
    if error_law.NAME not in spec.classical or not needed <= set(spec.metrics):
        return
    loss, accuracy = corpus.axes
    mean_loss = _mean_over_domains(np.exp(loss.readings.log_error))
    mean_error = 1 - _mean_over_domains(np.exp(accuracy.readings.log_error))
    known = np.isfinite(mean_loss) & np.isfinite(mean_error)
    points = run_points(corpus.runs, np.where(known, np.log(mean_loss), np.nan))
    label = {**accuracy.label, "domain": FAMILY_MEAN, "ci_level": spec.level}
    names = ("epsilon", "k", "gamma")
    status: Row
    try:
        estimates, evidence = error_law.fit_error_law(
            mean_loss[known], mean_error[known], future_splits(points).weights[1:], spec.level
        )
        reasons = evidence.reasons
        status = status_columns(Status.NOT_IDENTIFIED if reasons else Status.OK, reasons)
        shown = None if reasons else estimates
    except FitError as error:
        evidence = Evidence.nothing()
        status, shown = status_columns(error.status, error.remarks), None
    for row in _table_rows(
        error_law.NAME,
        error_law.SOURCE,
        "straight line",
        names,
        shown,
        evidence,
        int(known.sum()),
        status,
    ):
        yield {**label, **row}


def _mean_over_domains(values: Array) -> Array:
    """Return the mean over domains of runs that have all of them, (run,), NaN elsewhere."""
    return np.asarray(np.mean(values, axis=0))


LAW = Law(table=TABLE, fit=fit)
