"""The law of the loss per token over the position in the context: table `position_laws`."""

from collections.abc import Iterator

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.position_laws import POSITION_LAWS
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row
from relscale.laws.position_law import PositionLaw, fit_positions
from relscale.laws.positions import domain_positions

TABLE = POSITION_LAWS


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return a row per domain and budget; parameters only where they are identified."""
    for found in domain_positions(corpus):
        points = found.buckets.points
        row: Row = {
            **dict.fromkeys(TABLE.names, float("nan")),
            "corpus": corpus.runs.corpus,
            "family": corpus.spec.family,
            "domain": found.domain,
            "budget": found.budget,
            "num_params_total": found.num_params_total,
            "ci_level": corpus.spec.level,
            "loss_first": float(points.loss[0]),
            "loss_last": float(points.loss[-1]),
            "num_points": len(points.loss),
            "num_runs": found.num_runs,
        }
        try:
            law = fit_positions(points, corpus.spec.level)
            row |= {
                "condition": law.identification.condition,
                "left_out_error_percent": 100 * law.identification.left_out_error,
                "simpler_left_out_error_percent": 100 * law.identification.simpler_error,
            }
            law.identification.require()
        except FitError as error:
            yield row | status_columns(error.status, error.remarks)
        else:
            yield row | _parameters(law) | status_columns(Status.OK)


def _parameters(law: PositionLaw) -> Row:
    """Return the columns of the parameters."""
    row: Row = {}
    for name in ("loss_inf", "amplitude", "exponent"):
        value, low, high = getattr(law, name)
        row |= {name: value, f"{name}_ci_low": low, f"{name}_ci_high": high}
    return row


LAW = Law(table=TABLE, fit=fit)
