"""The end of training curves, predicted from their beginning: table `curve_forecasts`.

The law of the curve (`relscale.laws.classical.annealing`) is fitted to the first share of the rows
after the warm-up, with the learning rates that the run was planned with. Next to its forecast is
the last value that was fitted. A decision is made only by the interval of the forecast.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.curve_forecasts import CURVE_FORECASTS
from relscale.laws.cells import Array
from relscale.laws.classical.annealing import ANNEALED, LR_ANNEALING, SUM, areas
from relscale.laws.classical.fitting import DomainLosses, FamilyFits
from relscale.laws.classical.form import Axes
from relscale.laws.classical.variance import prediction_half_width
from relscale.laws.metric_fits import Row

TABLE = CURVE_FORECASTS
FITTED_SHARE = 0.6
"""Share of the steps that the law is fitted to."""
LEAST_ROWS = 20
"""Rows of a curve that a fit needs."""
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The predicted loss at the end of a run."""

    log_loss: float
    """Natural log."""
    half_width: float
    """Half the width of its prediction interval."""
    num_points: int
    """Rows that were fitted."""
    reasons: tuple[str, ...]
    """Why the law is not identified; empty where it is."""


def forecast_curves(curves: pd.DataFrame, suite: pd.DataFrame, level: float) -> pd.DataFrame:
    """Predict the end of every training curve.

    Args:
        curves: rows of curves.csv: run, step, learning_rate, loss_nats_per_token.
        suite: rows of suite.csv.
        level: of the intervals.

    Returns:
        Rows of `CURVE_FORECASTS`, one per run of the suite; losses are in nats per token, of the
        training tokens.

    Raises:
        ValueError: naming runs of `curves` that are not in `suite`.
    """
    runs = suite.drop_duplicates("run").set_index("run")
    unknown = sorted(set(curves["run"].astype(str)) - set(runs.index))
    if unknown:
        raise ValueError(f"curves: runs that are not in suite.csv: {', '.join(unknown[:5])}")
    by_run = {str(name): rows.sort_values("step") for name, rows in curves.groupby("run")}
    rows = [
        _row(str(name), plan, by_run.get(str(name), curves[:0]), level)
        for name, plan in runs.iterrows()
    ]
    table = pd.DataFrame(rows, columns=list(TABLE.names))
    return _with_decisions(table)


def _row(name: str, plan: pd.Series, curve: pd.DataFrame, level: float) -> Row:
    """Return the row of one run; its decision depends on the other runs and follows."""
    label: Row = {
        "corpus": plan["corpus"],
        "budget": plan["budget"],
        "run": name,
        "ci_level": level,
        "num_points": 0,
        **dict.fromkeys(("observed", "forecast", "ci_low", "ci_high", "last_value"), NAN),
        **dict.fromkeys(("error_percent", "last_value_error_percent", "best_other"), NAN),
        "decision": "",
    }
    if not len(curve) or int(curve["step"].iloc[-1]) != int(plan["steps"]):
        note = "the training curve ends before the last step"
        return label | status_columns(Status.TOO_FEW_RUNS, [note])
    losses = curve["loss_nats_per_token"].to_numpy(dtype=np.float64)
    steps = curve["step"].to_numpy(dtype=np.float64)
    rates = curve["learning_rate"].to_numpy(dtype=np.float64)
    used = (steps <= FITTED_SHARE * steps[-1]) & (np.arange(len(steps)) >= np.argmax(rates))
    label |= {"observed": float(losses[-1]), "num_points": int(used.sum())}
    if used.sum() < LEAST_ROWS:
        note = f"{int(used.sum())} rows of the curve: the law needs {LEAST_ROWS}"
        return label | status_columns(Status.TOO_FEW_RUNS, [note])
    found = forecast(steps, rates, losses, used, level)
    last = float(losses[used][-1])
    ends = [found.log_loss, found.log_loss - found.half_width, found.log_loss + found.half_width]
    value, low, high = (float(end) for end in np.exp(ends))
    status = Status.NOT_IDENTIFIED if found.reasons else Status.OK
    return label | {
        "forecast": value,
        "ci_low": low,
        "ci_high": high,
        "last_value": last,
        "error_percent": 100 * (value / losses[-1] - 1),
        "last_value_error_percent": 100 * (last / losses[-1] - 1),
        **status_columns(status, found.reasons),
    }


def forecast(steps: Array, rates: Array, losses: Array, used: Array, level: float) -> Forecast:
    """Fit the law to a part of a training curve and predict its end.

    Args:
        steps: of the rows, (row,).
        rates: learning rates of the rows, also of those to predict, (row,).
        losses: nats per token, (row,).
        used: whether a row is fitted, (row,).
        level: of the prediction interval.
    """
    log_sum, annealed = areas(steps, rates)
    log_sum = np.log(log_sum)
    log_steps = np.log(steps)
    axes = Axes.of(log_steps, log_steps, log_steps)
    axes = replace(axes, conditions={SUM: log_sum - log_sum[used].mean(), ANNEALED: annealed})
    fits = FamilyFits(
        DomainLosses(
            axes=axes,
            budget=np.arange(len(steps)),
            log_losses=np.log(losses)[None],
            level=level,
        )
    )
    weights = used.astype(np.float64)[None]
    problem, solution = fits.solve(LR_ANNEALING, weights)
    slopes = LR_ANNEALING.slopes(solution.parameters, axes)
    half = prediction_half_width(problem, solution, slopes, level)
    part = FamilyFits(
        DomainLosses(
            axes=axes.some(used),
            budget=np.arange(int(used.sum())),
            log_losses=np.log(losses[used])[None],
            level=level,
        )
    )
    (law,) = part.fit_all(LR_ANNEALING, np.ones((1, int(used.sum()))))
    return Forecast(
        log_loss=float(LR_ANNEALING.log_loss(solution.parameters, axes)[0, -1]),
        half_width=float(half[0, -1]),
        num_points=int(used.sum()),
        reasons=law.evidence.reasons,
    )


def _with_decisions(table: pd.DataFrame) -> pd.DataFrame:
    """Fill the best end of the other runs of a corpus and budget, and the decision about a run."""
    table = table.copy()
    for _, rows in table.groupby(["corpus", "budget"], sort=False):
        for index in rows.index:
            others = rows.loc[rows.index != index, "observed"].min()
            table.loc[index, "best_other"] = others
            row = table.loc[index]
            if pd.isna(others) or pd.isna(row["forecast"]):
                continue
            decision = "undecided"
            if row["ci_low"] > others:
                decision = "stop"
            elif row["ci_high"] < others:
                decision = "continue"
            table.loc[index, "decision"] = decision
    return table
