"""Accuracy predicted by both stages: table `predictions`."""

from collections.abc import Iterator, Sequence

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.predictions import PREDICTIONS
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.first_stage import FirstStage, places_of
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.optima.optimum import interpolated_params
from relscale.laws.outside_models import (
    PREDICTED,
    OutsideModel,
    notes_on,
    outside_failures,
    outside_rows,
)
from relscale.laws.run_points import Places, RunPoints, run_points
from relscale.laws.tables.two_stage import domains_of, draws_of, form_of, label_of, pairs_of
from relscale.laws.two_stages import AccuracyPrediction, TwoStages

TABLE = PREDICTIONS

LN10 = float(np.log(10))
NAN = float("nan")


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return the predictions of every domain.

    The highest budget is predicted from the budgets below it, and from fewer of them (`held_out`,
    the interval is for the observed accuracy), and ten times the highest budget's compute from all
    runs (`extrapolation`, the interval is for the curve).
    """
    if corpus.spec.chance is None:
        return
    for domain in domains_of(corpus):
        label = label_of(corpus, domain) | {"estimator": corpus.spec.estimators[0]}
        outside = [
            model for model in corpus.outside_models if model.belongs(corpus.runs.corpus, domain)
        ]
        try:
            stages = stages_of(corpus, domain)
        except FitError as error:
            rows = [_failure(kind, error) for kind in ("held_out", "extrapolation")]
            rows += outside_failures(outside, error)
        else:
            rows = [*_held_out(corpus, stages), *_beyond(corpus, stages, outside)]
        for row in rows:
            yield {**label, **row}


def stages_of(corpus: CorpusFits, domain: str) -> TwoStages:
    """Return the two-stage law of a domain.

    Laws of compute go through the optima of the budgets, by the first estimator of the spec, or
    through all runs where there are no optima.

    Raises:
        FitError: no run has a loss, or the domain has none.
    """
    spec, (losses, accuracies) = corpus.spec, corpus.axes
    values = losses.values(domain)
    if not np.isfinite(values).any():
        raise FitError(Status.DOMAIN_MISSING, "no usable value in this suite")
    runs = run_points(corpus.runs, values)
    fitted = losses.fit(spec.estimators[0], domain)
    optima = _optima(corpus, fitted) if isinstance(fitted, GapFit) else None
    remarks: tuple[str, ...] = ()
    if isinstance(fitted, GapFit) and optima is not None:
        points, observed = optima, np.full(len(fitted.budgets), np.nan)
        seen = accuracies.fit(spec.estimators[0], domain)
        if isinstance(seen, GapFit):
            known = dict(zip(seen.budgets.tolist(), np.exp(seen.points), strict=True))
            observed = np.array([known.get(int(budget), np.nan) for budget in fitted.budgets])
    else:
        why = fitted.status if isinstance(fitted, FitError) else "no optima"
        remarks = (f"laws of compute through all runs: {why}",)
        points, observed = runs, np.exp(accuracies.values(domain)[np.isfinite(values)])
    first = FirstStage(
        points=points, runs=runs, step1=spec.step1, draws=draws_of(spec), seed=spec.seed
    )
    return TwoStages(
        first=first,
        pairs=pairs_of(corpus, domain)[0],
        observed=observed,
        form=form_of(spec),
        level=spec.level,
        remarks=remarks,
    )


def _optima(corpus: CorpusFits, losses: GapFit) -> RunPoints | None:
    """Return the optima of the budgets as points; None where a budget of the fit has none."""
    runs = corpus.runs
    located = corpus.isoflop.optima(ESTIMATORS[losses.estimator])
    log10_tokens = np.array([located[budget].log10_tokens for budget in losses.budgets])
    if not np.isfinite(log10_tokens).all():
        return None
    params = np.empty(len(log10_tokens))
    for place, (budget, at) in enumerate(zip(losses.budgets, log10_tokens, strict=True)):
        cells = np.flatnonzero(runs.cell_budget == budget)
        params[place] = interpolated_params(
            runs.log10_tokens[cells], runs.params_model[cells], float(at)
        )
    return RunPoints(
        log_params=np.log(params),
        log_tokens=log10_tokens * LN10,
        log_compute=losses.log_compute,
        budget=losses.budgets,
        cell=np.arange(len(losses.budgets)),
        values=losses.points[None],
    )


def _held_out(corpus: CorpusFits, stages: TwoStages) -> Iterator[Row]:
    """Predict the best point of the highest budget from lower budgets."""
    points = stages.first.points
    top = np.flatnonzero(points.budget == points.budget.max())
    target = top[[int(np.argmin(points.values[0][top]))]]
    chosen = np.zeros(points.num_runs, dtype=np.bool_)
    chosen[target] = True
    case: Row = {
        "kind": "held_out",
        "budget": corpus.runs.budgets[int(points.budget[target[0]])],
        "observed_loss": float(np.exp(points.values[0][target[0]])),
        "observed": float(stages.observed[target[0]]),
    }
    origins = stages.first.origins(stages.first.end)
    if not origins:
        few = FitError(Status.TOO_FEW_BUDGETS, "too few budgets to leave the highest out")
        yield _failure("held_out", few) | case
    for origin in origins:
        used = corpus.runs.budgets[int(points.budget[points.budget < origin].max())]
        row = case | {"from_budget": used}
        try:
            found = stages.predict(places_of(points, chosen), origin)
        except FitError as error:
            yield _failure("held_out", error) | row
        else:
            yield row | _predicted(stages, found, places_of(points, chosen))


def _beyond(
    corpus: CorpusFits, stages: TwoStages, outside: Sequence[OutsideModel]
) -> Iterator[Row]:
    """Predict ten times the highest compute, and the models that are not runs."""
    points = stages.first.points
    places = stages.first.on_path(points.log_compute.max(keepdims=True) + LN10)
    case: Row = {
        "kind": "extrapolation",
        "from_budget": corpus.runs.budgets[int(points.budget.max())],
    }
    try:
        found = stages.predict(places, stages.first.end, new_point=False)
        rows = list(outside_rows(outside, stages))
    except FitError as error:
        yield _failure("extrapolation", error) | case
        yield from outside_failures(outside, error)
        return
    yield NOTHING | case | _predicted(stages, found, places)
    yield from rows


NOTHING: Row = {"budget": "", "model": "", "observed_loss": NAN, "observed": NAN}
"""Columns of a prediction without an observation."""


def _predicted(stages: TwoStages, found: AccuracyPrediction, places: Places) -> Row:
    """Return the columns of a prediction at one place."""
    return {
        "model": "",
        "params": float(np.exp(places.log_params[0])),
        "tokens": float(np.exp(places.log_tokens[0])),
        "compute": float(np.exp(places.log_compute[0])),
        **found.columns(),
        **status_columns(
            found.sigmoid.status, [*found.sigmoid.remarks, *stages.remarks, *notes_on(found)]
        ),
    }


def _failure(kind: str, error: FitError) -> Row:
    """Return a row without a prediction."""
    return {
        **NOTHING,
        **dict.fromkeys(("params", "tokens", "compute", *PREDICTED), NAN),
        "kind": kind,
        "from_budget": "",
        "step1": "",
        **status_columns(error.status, error.remarks),
    }


LAW = Law(table=TABLE, fit=fit)
