"""Contrasts of slopes: table `contrasts`.

Each domain against the mean of its family, and all pairs, by the first estimator. Those against the
baseline are in `relative`.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.contrasts import CONTRASTS
from relscale.contract.verdicts import UNDECIDED
from relscale.laws.fit_error import FitError
from relscale.laws.joint_slopes import JointSlopes, joint_slopes
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.spec import LawSpec
from relscale.laws.verdict import holm, p_difference

TABLE = CONTRASTS

MEAN, PAIR = "family_mean", "pair"
"""Kinds of contrasts."""


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return the contrasts of one family, without the adjusted p values (`adjusted`)."""
    estimator = fits.spec.estimators[0]
    try:
        slopes = joint_slopes(fits, estimator)
    except FitError:
        return
    names = slopes.domains
    order = sorted(range(len(names)), key=names.__getitem__)
    unit = np.eye(len(names))
    cases = [(MEAN, names[place], MEAN, slopes.against_mean[place]) for place in order]
    cases += [
        (PAIR, names[one], names[other], unit[one] - unit[other])
        for one, other in combinations(order, 2)
    ]
    values, errors = slopes.contrast(np.stack([rows for *_, rows in cases]))
    t = float(stats.t.ppf(0.5 + fits.spec.level / 2, slopes.dof))
    for (kind, domain, other, _), value, error in zip(cases, values, errors, strict=True):
        yield {
            **fits.label,
            "kind": kind,
            "domain": domain,
            "other": other,
            "estimator": estimator,
            "dbeta": float(value),
            "standard_error": float(error),
            "dof": slopes.dof,
            "ci_low": float(value - t * error),
            "ci_high": float(value + t * error),
            "p_difference": p_difference(float(value), float(error), slopes.dof),
            "p_difference_adjusted": float("nan"),
            "faster": "",
            **status_columns(Status.OK, _remarks(slopes)),
        }


def _remarks(slopes: JointSlopes) -> tuple[str, ...]:
    """Return a count of the domains that are left out; the table `families` names them."""
    number = len(slopes.remarks)
    return (f"{number} domain(s) left out",) if number else ()


def judge(table: pd.DataFrame, rows: Sequence[Row], spec: LawSpec) -> pd.DataFrame:
    """Return the rows with adjusted p values, and the domain that improves faster."""
    del rows
    table = table.copy()
    table["p_difference_adjusted"] = table.groupby(["family", "metric", "kind"], sort=False)[
        "p_difference"
    ].transform(lambda p: holm(p.to_numpy(dtype=float)))
    rising = {metric: spec.rises(metric) for metric in table["metric"].unique()}
    columns = ["p_difference_adjusted", "dbeta", "metric", "domain", "other"]
    table["faster"] = [
        UNDECIDED if not p < 1 - spec.level else domain if (slope > 0) == rising[metric] else other
        for p, slope, metric, domain, other in table[columns].itertuples(index=False)
    ]
    return table


LAW = Law(table=TABLE, fit=per_metric(fit), judge=judge)
