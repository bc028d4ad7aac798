"""The exponent of the optimal size by way of counting: table `counts`.

Parameters in all, of transformer and head, or of the transformer alone (without embedding), and
compute as 6 N D of that count or as in the table (Porian et al., 2024, arXiv:2406.19146, explain
the difference between published exponents by such choices).
"""

from collections.abc import Iterator

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.counts import COUNTS
from relscale.laws.classical.exponents import Curves, Growth, approach_2, approach_3
from relscale.laws.classical.fitted import FittedForm
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
                yield {**label, "approach": "approach_3", **_from_surface(curves, surface)}


def _from_curves(curves: Curves, level: float) -> Row:
    """Return the columns of approach 2."""
    try:
        return _columns(approach_2(curves, level))
    except FitError as error:
        return _empty(error)


def _from_surface(curves: Curves, surface: FittedForm | FitError) -> Row:
    """Return the columns of approach 3; the held-out error is shown also without a result."""
    left_out = NAN if isinstance(surface, FitError) else 100 * surface.evidence.left_out_error
    try:
        found = approach_3(curves, surface)
    except FitError as error:
        number = 0 if isinstance(surface, FitError) else surface.num_points
        return {**_empty(error), "left_out_error_percent": left_out, "num_points": number}
    return {**_columns(found), "left_out_error_percent": left_out}


def _columns(found: Growth) -> Row:
    """Return the columns of an exponent."""
    return {
        "params_exponent": found.a[0],
        "params_exponent_ci_low": found.a[1],
        "params_exponent_ci_high": found.a[2],
        "left_out_error_percent": NAN,
        "num_points": found.num_points,
        **status_columns(Status.OK, found.remarks),
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
