"""Back-test: table `backtest`.

Every budget from the third on is predicted from the budgets below it and compared with the
observation there.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.tables.backtest import BACKTEST
from relscale.laws.auto_model import NAME
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.power import fit_power_law
from relscale.laws.predict import Subject
from relscale.laws.tables.forecast import forecast_rows

TABLE = BACKTEST

MIN_TRAINING_BUDGETS = 2


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return the predictions of E of every domain, then of G of every treatment."""
    for domain in fits.readings.domains:
        for estimator in fits.spec.estimators:
            if estimator == NAME:
                yield from _auto_rows(fits, Subject(domain=domain, baseline=""))
                continue
            points = fits.fit(estimator, domain)
            if isinstance(points, GapFit):
                label = {**fits.label, "domain": domain, "estimator": estimator}
                for row in _value_rows(fits, domain, points):
                    yield {**label, **row}
    for treatment in fits.treatments:
        for estimator in fits.spec.estimators:
            if estimator == NAME:
                subject = Subject(domain=treatment, baseline=str(fits.spec.baseline))
                yield from _auto_rows(fits, subject)
                continue
            gap = fits.fit_gap(estimator, treatment)
            if isinstance(gap, GapFit):
                label = {**fits.label, "domain": treatment, "estimator": estimator}
                for row in _gap_rows(fits, treatment, gap):
                    yield {**label, **row}


def _auto_rows(fits: MetricFits, subject: Subject) -> Iterator[Row]:
    """Return the predictions of the laws of `auto`, each budget from the nearest compute below it.

    Of the runs of a budget without an optimum the first is predicted.
    """
    nearest: dict[str, Row] = {}
    for row in forecast_rows(fits, subject):
        budget = str(row["held_out_budget"])
        if budget not in nearest or float(str(row["horizon"])) < float(
            str(nearest[budget]["horizon"])
        ):
            nearest[budget] = row
    label = {**fits.label, "domain": subject.domain, "estimator": NAME}
    quantity = subject.labels["quantity"]
    for row in nearest.values():
        columns = TABLE.between("held_out_budget", "error_percent")
        yield {
            **label,
            "quantity": quantity,
            **{name: row[name] for name in columns},
            "error_percent": row["error_percent"],
        }


def _gap_rows(fits: MetricFits, treatment: str, gap: GapFit) -> Iterator[Row]:
    """Predict G at every budget from the third on, from the budgets below it.

    The interval is for the observed point: it includes the uncertainty of the law, that of the
    point and the effect of its budget, with the law's degrees of freedom. Item noise moves the law
    and the observed point together (the same items score all runs), so that both are taken without
    it.

    Args:
        fits: one metric of one corpus.
        treatment: the domain compared with the baseline.
        gap: its law through all budgets.
    """
    domains = treatment, str(fits.spec.baseline)
    full = gap
    if gap.ci_method == "runs+items":
        full = fits.fit_without_items(gap.estimator, *domains)
    for place in range(MIN_TRAINING_BUDGETS, len(full.budgets)):
        budget = int(full.budgets[place])
        try:
            lower = fits.fit_without_items(gap.estimator, *domains, below=budget)
        except FitError:
            continue
        mean, variance = lower.predict(float(full.log_compute[place]))
        of_budget = 0.0 if np.isnan(lower.budget_sd) else lower.budget_sd**2
        error = float(np.sqrt(variance + full.point_variance[place] + of_budget))
        observed = float(full.points[place])
        label = fits.runs.budgets[budget], horizon_of(full, lower, place)
        yield _row("gap", label, mean, observed, error, lower.dof, fits.spec.level)


def _value_rows(fits: MetricFits, domain: str, points: GapFit) -> Iterator[Row]:
    """Predict E at every budget from the third on by the power law through the points below it.

    Estimators that read a budget with the help of others read the lower budgets again, without
    those that are held out.

    Args:
        fits: one metric of one corpus.
        domain: the domain.
        points: its points (log E) and their compute.
    """
    for place in range(MIN_TRAINING_BUDGETS, len(points.budgets)):
        budget = int(points.budgets[place])
        x, y = points.log_compute[:place], points.points[:place]
        if ESTIMATORS[points.estimator].pools_budgets:
            try:
                lower = fits.points_below(points.estimator, domain, budget)
            except FitError:
                continue
            x, y = lower.log_compute, lower.points
        law = fit_power_law(x, y, fits.spec.level)
        at = float(points.log_compute[place])
        error = float(law.prediction_error(at, new_point=True))
        observed, predicted = float(points.points[place]), float(law.predict(at))
        label = fits.runs.budgets[budget], float(np.exp(at - np.max(x)))
        yield _row("value", label, predicted, observed, error, law.dof, fits.spec.level)


def horizon_of(full: GapFit, lower: GapFit, place: int) -> float:
    """Return the compute of a budget over that of the highest budget that was fitted."""
    return float(np.exp(full.log_compute[place] - np.max(lower.log_compute)))


def _row(
    quantity: str,
    budget: tuple[str, float],
    predicted: float,
    observed: float,
    error: float,
    dof: float,
    level: float,
) -> dict[str, object]:
    """Return one row from predicted and observed logs.

    `budget` is its label and its horizon.
    """
    half = float(stats.t.ppf(0.5 + level / 2, dof)) * error if dof > 0 else float("nan")
    return {
        "quantity": quantity,
        "held_out_budget": budget[0],
        "horizon": budget[1],
        "predicted": float(np.exp(predicted)),
        "observed": float(np.exp(observed)),
        "ci_low": float(np.exp(predicted - half)),
        "ci_high": float(np.exp(predicted + half)),
        "error_percent": 100 * float(np.expm1(predicted - observed)),
    }


def coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise a back-test by quantity and estimator.

    The columns are the number of predictions, the share inside their intervals, and the mean
    absolute error in percent.

    Predictions without an interval count in the error and not in the share.
    """
    table = table.assign(
        bounded=table["ci_low"].notna() & table["ci_high"].notna(),
        inside=(table["observed"] >= table["ci_low"]) & (table["observed"] <= table["ci_high"]),
        size=table["error_percent"].abs(),
    )
    grouped = table.groupby(["quantity", "estimator"], sort=True)
    summary = grouped.agg(
        predictions=("size", "size"),
        with_interval=("bounded", "sum"),
        inside=("inside", "sum"),
        mean_absolute_error_percent=("size", "mean"),
    )
    summary["share_inside"] = summary["inside"] / summary["with_interval"].where(
        summary["with_interval"] > 0
    )
    return summary.reset_index()


LAW = Law(table=TABLE, fit=per_metric(fit))
