"""Classical scaling laws of every domain: table `classical`.

Laws of a loss over sizes, tokens and compute (`relscale.laws.classical.registry`), and the law of
the average error of tasks over their loss. Parameters are shown where the data identify them. A
plain power law is refused where the same law with an irreducible loss is identified.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.classical import CLASSICAL_LAWS
from relscale.laws.cells import Array, average_seeds
from relscale.laws.classical import error_law
from relscale.laws.classical.fitted import Evidence, FittedForm, ParameterEstimate
from relscale.laws.classical.fitting import DomainLosses, FamilyFits
from relscale.laws.classical.form import Axes, Form
from relscale.laws.classical.regimes import limited_by
from relscale.laws.classical.registry import CLASSICAL, ClassicalLaw
from relscale.laws.estimators.registry import VERTEX
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
        found = _fitted(fits, family, law, law.form)
        floors: Sequence[Found | None] = [None] * len(found)
        if law.with_floor is not None:
            floors = _fitted(fits, family, law, law.with_floor)
        for domain, each, floor in zip(fits.readings.domains, found, floors, strict=True):
            label = {**fits.label, "domain": domain, "ci_level": fits.spec.level}
            yield from ({**label, **row} for row in law_rows(law.form, each, floor))


def family_fits(fits: MetricFits) -> FamilyFits:
    """Return the losses of all domains of a metric, ready to be fitted.

    There is one point per cell, a size of a budget, and its seeds are averaged: they share N and D.
    """
    runs = fits.runs
    values = np.array([fits.values(domain) for domain in fits.readings.domains])
    return FamilyFits(
        DomainLosses(
            axes=Axes.of(
                np.log(runs.params_model), runs.log10_tokens * np.log(10), runs.log_compute
            ),
            budget=runs.cell_budget,
            log_losses=average_seeds(values, runs.run_cell, runs.num_cells)[0],
            level=fits.spec.level,
        )
    )


def _fitted(fits: MetricFits, family: FamilyFits, law: ClassicalLaw, form: Form) -> Sequence[Found]:
    """Fit a form to the points that a law holds for, in every domain."""
    if law.runs == "optima":
        return _at_optima(fits, form)
    if law.runs == "all":
        return family.fit(form)
    weights, failures = limited_by(family, "params" if law.runs == "params_limited" else "tokens")
    found = family.fit(form, weights)
    return [failure or each for failure, each in zip(failures, found, strict=True)]


def _at_optima(fits: MetricFits, form: Form) -> list[Found]:
    """Fit L(C) to the minima of IsoFLOP curves; domains with the same budgets at once."""
    read = [fits.fit(VERTEX.name, domain) for domain in fits.readings.domains]
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


def law_rows(form: Form, found: Found, floor: Found | None = None) -> Iterator[Row]:
    """Return the columns of classical.csv from `law` on, a row per parameter.

    Args:
        form: the law.
        found: its fit.
        floor: the fit of the same law with an irreducible loss; None where there is no such law.
    """
    law: Row = {
        "law": form.name,
        "source": form.source,
        "simpler": "" if form.simpler is None else form.simpler.name,
    }
    names = [reported.name for reported in form.reported]
    if isinstance(found, FitError):
        failure = found.status, (*found.remarks, *form.remarks)
        yield from table_rows(law, names, None, Evidence.nothing(), 0, failure)
        return
    status, reasons = found.status, found.evidence.reasons
    if isinstance(floor, FittedForm) and floor.status == Status.OK:
        status = Status.NOT_IDENTIFIED
        reasons = (*reasons, f"the law with an irreducible loss, {floor.form.name}, is identified")
    shown = None if status == Status.NOT_IDENTIFIED else found.estimates
    yield from table_rows(
        law, names, shown, found.evidence, found.num_points, (status, (*reasons, *form.remarks))
    )


def table_rows(
    law: Row,
    names: Sequence[str],
    estimates: Sequence[ParameterEstimate] | None,
    evidence: Evidence,
    num_points: int,
    status: tuple[Status, Sequence[str]],
) -> Iterator[Row]:
    """Return the rows of one law; parameters are empty where they are not identified.

    Args:
        law: its columns `law`, `source` and `simpler`.
        names: of the parameters, a row each.
        estimates: the parameters; None where they are not identified.
        evidence: of the law.
        num_points: points that were fitted.
        status: with its remarks.
    """
    shown = {each.name: each for each in estimates or ()}
    nothing = ParameterEstimate(name="", value=NAN, low=NAN, high=NAN)
    for name in names:
        estimate = shown.get(name, nothing)
        yield {
            **law,
            "parameter": name,
            "value": estimate.value,
            "ci_low": estimate.low,
            "ci_high": estimate.high,
            "condition": evidence.condition,
            "left_out_error_percent": 100 * evidence.left_out_error,
            "simpler_left_out_error_percent": 100 * evidence.simpler_error,
            "interval_score_percent": 100 * evidence.interval_score,
            "num_points": num_points,
            **status_columns(status[0], [estimate.remark, *status[1]]),
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
    law: Row = {"law": error_law.NAME, "source": error_law.SOURCE, "simpler": "straight line"}
    names = ("epsilon", "k", "gamma")
    shown: Sequence[ParameterEstimate] | None = None
    try:
        estimates, evidence = error_law.fit_error_law(
            mean_loss[known], mean_error[known], future_splits(points).weights[1:], spec.level
        )
        reasons: Sequence[str] = evidence.reasons
        status = Status.NOT_IDENTIFIED if reasons else Status.OK
        shown = None if reasons else estimates
    except FitError as error:
        evidence, status, reasons = Evidence.nothing(), error.status, error.remarks
    number = int(known.sum())
    for row in table_rows(law, names, shown, evidence, number, (status, reasons)):
        yield {**label, **row}


def _mean_over_domains(values: Array) -> Array:
    """Return the mean over domains of runs that have all of them, (run,), NaN elsewhere."""
    return np.asarray(np.mean(values, axis=0))


LAW = Law(table=TABLE, fit=fit)
