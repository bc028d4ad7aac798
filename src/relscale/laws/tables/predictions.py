"""Accuracy predicted from compute by both stages: table `predictions`."""

from collections.abc import Iterator, Sequence

import numpy as np

from relscale.contract.status import status_columns
from relscale.contract.tables.predictions import PREDICTIONS
from relscale.laws.cells import Flags
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.outside_models import OutsideModel, outside_failures, outside_rows
from relscale.laws.power import PowerLaw, fit_power_law
from relscale.laws.sigmoid import Sigmoid, predict_accuracy
from relscale.laws.spec import LawSpec
from relscale.laws.tables.two_stage import Pairs, domains_of, label_of, pairs_of

TABLE = PREDICTIONS

KINDS = ("held_out", "extrapolation")


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return the predictions of every domain by the first estimator of the spec."""
    if corpus.spec.chance is None:
        return
    estimator = corpus.spec.estimators[0]
    for domain in domains_of(corpus):
        label = label_of(corpus, domain) | {"estimator": estimator}
        outside = [
            model for model in corpus.outside_models if model.belongs(corpus.runs.corpus, domain)
        ]
        losses, accuracies = (fits.fit(estimator, domain) for fits in corpus.axes)
        if isinstance(losses, FitError) or isinstance(accuracies, FitError):
            error = losses if isinstance(losses, FitError) else accuracies
            assert isinstance(error, FitError)
            rows = _failures(error, outside)
        else:
            rows = _rows(corpus, pairs_of(corpus, domain)[0], losses, accuracies, outside)
        for row in rows:
            yield {**label, **row}


def _failures(error: FitError, outside: Sequence[OutsideModel]) -> Iterator[Row]:
    """Return the rows of a domain without points to predict from."""
    for kind in KINDS:
        yield {
            **dict.fromkeys(TABLE.between("compute", "status"), float("nan")),
            "kind": kind,
            "budget": "",
            "model": "",
            **status_columns(error.status, error.remarks),
        }
    yield from outside_failures(outside, error)


def _rows(
    corpus: CorpusFits,
    pairs: Pairs,
    losses: GapFit,
    accuracies: GapFit,
    outside: Sequence[OutsideModel],
) -> Iterator[Row]:
    """Predict accuracy from compute by both stages.

    The highest budget is predicted from the runs of the budgets below it (`held_out`, its interval
    is for the observed accuracy), and ten times the highest budget's compute from all runs
    (`extrapolation`, its interval is for the curve).

    Args:
        corpus: budgets, chance, level and seed.
        pairs: the domain's runs.
        losses: log loss at the optima of the budgets.
        accuracies: log accuracy there.
        outside: models that are not runs, predicted from all runs.

    Yields:
        The columns of the table from `kind` on; a failure becomes the status.
    """
    spec = corpus.spec
    top = int(losses.budgets[-1])
    observed = accuracies.points[accuracies.budgets == top]
    case: Row = {
        "kind": "held_out",
        "budget": corpus.runs.budgets[top],
        "model": "",
        "compute": float(np.exp(losses.log_compute[-1])),
        "observed_loss": float(np.exp(losses.points[-1])),
        "observed": float(np.exp(observed[0])) if len(observed) else float("nan"),
    }
    stages = _stages(spec, losses, losses.budgets < top, pairs.below(top))
    yield _row(case, stages, float(losses.log_compute[-1]), spec, new_point=True)

    beyond = float(losses.log_compute[-1] + np.log(10))
    case = {
        "kind": "extrapolation",
        "budget": "",
        "model": "",
        "compute": float(np.exp(beyond)),
        "observed_loss": float("nan"),
        "observed": float("nan"),
    }
    stages = _stages(spec, losses, losses.budgets <= top, pairs)
    yield _row(case, stages, beyond, spec, new_point=False)
    if isinstance(stages, FitError):
        yield from outside_failures(outside, stages)
    else:
        yield from outside_rows(outside, *stages, spec.level, spec.seed)


def _stages(
    spec: LawSpec, losses: GapFit, used: Flags, pairs: Pairs
) -> tuple[PowerLaw, Sigmoid] | FitError:
    """Fit loss to compute and accuracy to loss.

    Args:
        spec: chance and level.
        losses: log loss at the optima of the budgets.
        used: (budget,) the budgets of the power law.
        pairs: the runs of the sigmoid.
    """
    assert spec.chance is not None
    try:
        power = fit_power_law(losses.log_compute[used], losses.points[used], spec.level)
        return power, pairs.fit(spec.chance, spec.level)
    except FitError as error:
        return error


def _row(
    case: Row,
    stages: tuple[PowerLaw, Sigmoid] | FitError,
    at: float,
    spec: LawSpec,
    new_point: bool,
) -> Row:
    """Return one row: the case, its prediction at a log compute, status and remarks."""
    if isinstance(stages, FitError):
        nothing = dict.fromkeys(("loss", "accuracy", "ci_low", "ci_high"), float("nan"))
        return {**case, **nothing, **status_columns(stages.status, stages.remarks)}
    power, sigmoid = stages
    found = predict_accuracy(
        compute=np.exp(np.array([at])),
        power=power,
        sigmoid=sigmoid,
        level=spec.level,
        seed=spec.seed,
        new_point=new_point,
    )
    notes = [] if power.dof > 0 else ["no interval: two budgets"]
    return {**case, **found.columns(), **status_columns(sigmoid.status, notes)}


LAW = Law(table=TABLE, fit=fit)
