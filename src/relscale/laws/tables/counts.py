"""The exponent of the optimal size by way of counting: table `counts`.

Parameters in all, of transformer and head, or of the transformer alone (without embedding), and
compute as 6 N D of that count or as in the table (Porian et al., 2024, arXiv:2406.19146, explain
the difference between published exponents by such choices).
"""

from collections.abc import Iterator

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.counts import COUNTS
from relscale.laws.classical.exponents import Curves, approach_2
from relscale.laws.classical.fitting import FittedForm, ParameterEstimate
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.tables.exponents import curves_of, fitted_surface, params_by_count

TABLE = COUNTS
NAN = float("nan")
PER_PARAM_AND_TOKEN = 6.0
"""Training FLOPs per parameter and token (Kaplan et al., 2020, section 2.1)."""


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return one row per count of parameters, count of FLOPs, and approach."""
    runs, spec = corpus.runs, corpus.spec
    log_tokens = runs.log10_tokens * np.log(10)
    for way, count in params_by_count(runs).items():
        with np.errstate(invalid="ignore", divide="ignore"):
            approximate = np.log(PER_PARAM_AND_TOKEN) + np.log(count) + log_tokens
        for flops, log_compute in (("exact", runs.log_compute), ("6ND", approximate)):
            curves = curves_of(corpus, count, log_compute)
            label: Row = {
                "corpus": runs.corpus,
                "family": spec.family,
                "counted_params": way,
                "counted_flops": flops,
                "ci_level": spec.level,
            }
            yield {**label, "approach": "approach_2", **_from_curves(curves, spec.level)}
            if flops == "exact":  # the surface does not depend on the compute
                surface = fitted_surface(curves, corpus, spec.level)
                yield {**label, "approach": "approach_3", **_from_surface(surface)}


def _from_curves(curves: Curves, level: float) -> Row:
    """Return the columns of approach 2."""
    try:
        found = approach_2(curves, level)
    except FitError as error:
        return _empty(error)
    return {
        "params_exponent": found.a[0],
        "params_exponent_ci_low": found.a[1],
        "params_exponent_ci_high": found.a[2],
        "left_out_error_percent": NAN,
        "num_points": found.num_points,
        **status_columns(Status.OK),
    }


def _from_surface(found: FittedForm | FitError) -> Row:
    """Return the columns of approach 3."""
    if isinstance(found, FitError):
        return _empty(found)
    evidence = found.evidence
    reasons = evidence.reasons
    shown = {each.name: each for each in found.estimates}
    empty = ParameterEstimate(name="", value=NAN, low=NAN, high=NAN)
    estimate = empty if reasons else shown["optimal_params_exponent"]
    return {
        "params_exponent": estimate.value,
        "params_exponent_ci_low": estimate.low,
        "params_exponent_ci_high": estimate.high,
        "left_out_error_percent": 100 * evidence.left_out_error,
        "num_points": found.num_runs,
        **status_columns(Status.NOT_IDENTIFIED if reasons else Status.OK, reasons),
    }


def _empty(error: FitError) -> Row:
    """Return the columns of an approach without a result."""
    empty: Row = dict.fromkeys(TABLE.between("params_exponent", "ci_level"), NAN)
    return {
        **empty,
        "left_out_error_percent": NAN,
        "num_points": 0,
        **status_columns(error.status, error.remarks),
    }


LAW = Law(table=TABLE, fit=fit)
