"""Omnibus tests: table `families`.

Are the slopes of all domains of a family equal? A sentence about a family starts with this test.
"""

from collections.abc import Iterator, Sequence

import pandas as pd

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.families import FAMILIES
from relscale.laws.fit_error import FitError
from relscale.laws.joint_slopes import joint_slopes
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.spec import LawSpec
from relscale.laws.verdict import holm

TABLE = FAMILIES


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return one row per estimator, without the adjusted p values (`adjusted`)."""
    for estimator in fits.spec.estimators:
        nan = float("nan")
        row: Row = {**dict.fromkeys(TABLE.names, nan), **fits.label, "estimator": estimator}
        row |= {"num_domains": 0, "method": "none"}
        try:
            slopes = joint_slopes(fits, estimator)
            test = slopes.omnibus(fits.spec.seed)
        except FitError as error:
            yield row | status_columns(error.status, error.remarks)
        else:
            row |= {"num_domains": len(slopes.domains), "method": test.method}
            row |= {"statistic": test.statistic, "df1": test.df1, "df2": test.df2}
            row |= {"p_equal_slopes": test.p}
            yield row | status_columns(Status.OK, slopes.remarks)


def judge(table: pd.DataFrame, rows: Sequence[Row], spec: LawSpec) -> pd.DataFrame:
    """Return the rows with p values that are adjusted over the corpora (Holm)."""
    del rows, spec
    table = table.copy()
    table["p_equal_slopes_adjusted"] = table.groupby(["family", "metric", "estimator"], sort=False)[
        "p_equal_slopes"
    ].transform(lambda p: holm(p.to_numpy(dtype=float)))
    return table


LAW = Law(table=TABLE, fit=per_metric(fit), judge=judge)
