"""Losses per token by position in the context: table `positions`."""

from collections.abc import Iterator

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.positions import POSITIONS
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.position_law import fit_positions
from relscale.laws.positions import domain_positions

TABLE = POSITIONS


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return a row per domain, budget and bucket of positions; `fitted` where there is a law."""
    for found in domain_positions(corpus):
        points = found.buckets.points
        fitted = np.full(len(points.loss), np.nan)
        status = Status.OK
        try:
            law = fit_positions(points, corpus.spec.level)
            law.identification.require()
            fitted = law.fitted
        except FitError as error:
            status = error.status
        for index in range(len(points.loss)):
            yield {
                "corpus": corpus.runs.corpus,
                "family": corpus.spec.family,
                "domain": found.domain,
                "budget": found.budget,
                "first_position": int(found.buckets.first[index]),
                "last_position": int(found.buckets.last[index]),
                "mean_position": float(np.exp(points.mean_log[index])),
                "loss": float(points.loss[index]),
                "standard_error": float(points.standard_error[index]),
                "fitted": float(fitted[index]),
                "num_tokens": int(found.buckets.num_tokens[index]),
                "num_runs": found.num_runs,
                **status_columns(status),
            }


LAW = Law(table=TABLE, fit=fit)
