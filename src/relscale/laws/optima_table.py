"""Compute-optimal point of every corpus, budget and estimator: table `optima`."""

from collections.abc import Sequence

import pandas as pd

from relscale.contract.status import status_columns
from relscale.contract.tables.optima import OPTIMA
from relscale.laws.cells import SuiteRuns, suites_of
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.inputs import notes_on, prepare, with_notes
from relscale.laws.metric_fits import Row
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.spec import LawSpec, OptimaSpec

TABLE = OPTIMA


def find_optima(losses: pd.DataFrame, spec: OptimaSpec) -> pd.DataFrame:
    """Find the optima of all corpora of a losses table.

    Args:
        losses: rows of the losses table.
        spec: family and metrics, compute axis, and the family that locates the optima.

    Returns:
        Rows of `OPTIMA`.

    Raises:
        ValueError: for a table that lacks a column, contradicts itself, or has no such family or
            metric.
    """
    family = spec.family or spec.optimum_by
    metrics = spec.metrics
    if metrics is None:
        metrics = tuple(sorted(losses.loc[losses["family"] == family, "metric"].unique()))
    law = LawSpec.read(
        {
            "family": family,
            "metrics": metrics,
            "compute": spec.compute,
            "optimum_by": spec.optimum_by,
            "level": spec.level,
            "higher_is_better": spec.higher_is_better,
            "lower_is_better": spec.lower_is_better,
        }
    )
    runs, optimum = prepare(losses, law, None)
    table = optima_table(suites_of(runs, optimum, law), spec.level)
    return with_notes(table, notes_on(runs, law))


def optima_table(corpora: Sequence[SuiteRuns], level: float) -> pd.DataFrame:
    """Return the optima of several corpora as rows of `OPTIMA`."""
    rows: list[Row] = []
    for runs in corpora:
        fits = fit_isoflop(runs, level)
        for estimator in ESTIMATORS.values():
            rows.extend(
                {
                    "corpus": runs.corpus,
                    "budget": optimum.budget,
                    "estimator": optimum.estimator,
                    "optimum_by": runs.optimum_by,
                    "optimum_tokens": 10**optimum.log10_tokens,
                    "optimum_params": optimum.params,
                    "metric": runs.error_metric,
                    "value": optimum.value,
                    "curvature": optimum.curvature,
                    "num_runs": optimum.num_runs,
                    **status_columns(optimum.status, optimum.remarks),
                }
                for optimum in fits.optima(estimator)
                if optimum.estimator == estimator.name
            )
    return pd.DataFrame(rows, columns=list(TABLE.names))
