"""Back-tests by horizon: table `forecast`.

The law, its interval and the factor that widens it are those that were known before the compute
that is held out. Two forecasts without a law are next to it: the gap stays as it is, and the line
through the last four budgets.
"""

from collections.abc import Iterator

import numpy as np
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.forecast import FORECAST
from relscale.laws.auto_model import AutoModel
from relscale.laws.calibration import BackTest, back_tests, targets_of
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap import line_rows
from relscale.laws.law import Law, per_metric
from relscale.laws.leave_future_out import COMPUTE
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.predict import Subject, calibration_of, model_of, subjects_of

TABLE = FORECAST

MOST_TARGETS = 40
"""Held-out runs per origin that have a row, evenly by compute; all of them count in factors."""
WIDEST = float(np.log(10))
"""Width of an interval of a log ratio beyond which the prediction is not determined."""
LARGEST = 700.0
"""Natural logs beyond this are written as this, so that no number overflows."""
LAST = 4
"""Budgets of the line through the last ones."""
NEXT, CLASSES = "next", ((5.5, "3x"), (17.0, "10x"), (float("inf"), "30x"))
"""Class of the next budget, and of others by the largest factor of compute."""


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return the back-tests of the values of all domains, then of the gaps of all treatments."""
    for subject in subjects_of(fits):
        yield from forecast_rows(fits, subject)


def forecast_rows(fits: MetricFits, subject: Subject) -> Iterator[Row]:
    """Return the back-tests of one gap or value; none where it has no law."""
    model = model_of(fits, subject)
    if isinstance(model, FitError):
        return
    label = {**fits.label, **subject.labels}
    del label["scale"]
    for test in back_tests(model):
        if test.origin.axis != COMPUTE:
            continue  # those of sizes and tokens count in factors
        calibration = calibration_of(fits, bool(subject.baseline), test.origin)
        factor = np.array([calibration.factor(float(reach)) for reach in test.reach])
        for row in _rows(model, test, factor):
            yield {**label, **row}


def _rows(model: AutoModel, test: BackTest, factor: Array) -> Iterator[Row]:
    """Return the rows of one origin."""
    targets, level = test.targets, model.quantity.spec.level
    half = float(stats.t.ppf(0.5 + level / 2, test.dof)) * factor * np.sqrt(test.variance)
    constant, line = plain_forecasts(model, test)
    number = len(targets.observed)
    chosen = np.unique(np.linspace(0, number - 1, min(number, MOST_TARGETS)).astype(np.int64))
    for place in chosen:
        seen, predicted = float(targets.observed[place]), float(test.predicted[place])
        times = float(10 ** test.horizon[place])
        is_next = targets.group[place] == test.origin.group
        yield {
            "law": test.law,
            "fitted_compute": float(np.exp(test.origin.log_compute)),
            "held_out_budget": targets.budgets[place],
            "held_out_run": targets.runs[place],
            "horizon_class": NEXT if is_next else horizon_class(times),
            "horizon": times,
            "factor": float(factor[place]),
            "predicted": _exp(predicted),
            "observed": _exp(seen),
            "ci_low": _exp(predicted - half[place]),
            "ci_high": _exp(predicted + half[place]),
            "error_percent": _percent(predicted - seen),
            "error_constant_percent": _percent(constant - seen),
            "error_last_four_percent": _percent(float(line[place]) - seen),
            **status_columns(Status.NOT_DETERMINED if 2 * half[place] > WIDEST else Status.OK),
        }


def horizon_class(times: float) -> str:
    """Return the class of a factor of compute beyond the next budget."""
    return next(name for highest, name in CLASSES if times < highest)


def plain_forecasts(model: AutoModel, test: BackTest) -> tuple[float, Array]:
    """Return forecasts without a law, in logs: the last value stays, and a line, (target,).

    The last value is the mean over the highest group of compute that was fitted; the line is
    through the means of the last four groups.
    """
    seen = targets_of(model)
    groups = np.unique(seen.group[seen.group < test.origin.group])[-LAST:]
    values = np.array([seen.observed[seen.group == group].mean() for group in groups])
    compute = np.array([seen.places.log_compute[seen.group == group].mean() for group in groups])
    at = test.targets.places.log_compute
    if not len(groups):
        return float("nan"), np.full(len(at), np.nan)
    if len(groups) < 2:
        return float(values[-1]), np.full(len(at), np.nan)
    middle = float(compute.mean())
    level, slope = line_rows(compute, middle) @ values
    return float(values[-1]), np.asarray(level + slope * (at - middle))


def _exp(value: float) -> float:
    return float(np.exp(np.clip(value, -LARGEST, LARGEST)))


def _percent(log_error: float) -> float:
    return 100 * float(np.expm1(min(log_error, LARGEST)))


LAW = Law(table=TABLE, fit=per_metric(fit))
