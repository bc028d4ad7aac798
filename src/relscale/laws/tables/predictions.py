"""Accuracy predicted from compute by both stages: table `predictions`."""

from collections.abc import Iterator, Sequence

import numpy as np

from relscale.contract.status import status_columns
from relscale.contract.tables.predictions import PREDICTIONS
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.outside_models import OutsideModel, outside_failures, outside_rows
from relscale.laws.power import fit_power_law
from relscale.laws.sigmoid import predict_accuracy
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
    spec, budgets = corpus.spec, corpus.runs.budgets
    chance, level, seed = spec.chance, spec.level, spec.seed
    assert chance is not None
    top = int(losses.budgets[-1])
    beyond = float(losses.log_compute[-1] + np.log(10))
    observed = accuracies.points[accuracies.budgets == top]
    cases = (
        (
            "held_out",
            budgets[top],
            float(losses.log_compute[-1]),
            losses.budgets < top,
            pairs.below(top),
        ),
        ("extrapolation", "", beyond, losses.budgets <= top, pairs),
    )
    for kind, budget, at, used, runs in cases:
        held_out = kind == "held_out"
        seen = float(np.exp(observed[0])) if held_out and len(observed) else float("nan")
        seen_loss = float(np.exp(losses.points[-1])) if held_out else float("nan")
        row: dict[str, object] = {
            "kind": kind,
            "budget": budget,
            "model": "",
            "compute": float(np.exp(at)),
        }
        row |= {"observed_loss": seen_loss, "observed": seen}
        nothing = dict.fromkeys(("loss", "accuracy", "ci_low", "ci_high"), float("nan"))
        try:
            power = fit_power_law(losses.log_compute[used], losses.points[used], level)
            sigmoid = runs.fit(chance, level)
        except FitError as error:
            yield {**row, **nothing, **status_columns(error.status, error.remarks)}
            if not held_out:
                yield from outside_failures(outside, error)
            continue
        found = predict_accuracy(
            compute=np.exp(np.array([at])),
            power=power,
            sigmoid=sigmoid,
            level=level,
            seed=seed,
            new_point=held_out,
        )
        notes = [] if power.dof > 0 else ["no interval: two budgets"]
        yield {
            **row,
            **found.columns(),
            **status_columns(sigmoid.status, notes),
        }
        if not held_out:
            yield from outside_rows(outside, power, sigmoid, level, seed)


LAW = Law(table=TABLE, fit=fit)
