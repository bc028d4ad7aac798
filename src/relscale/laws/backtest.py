"""Back-test: fit on the lower budgets, predict E and G at the next one up, compare with what was
observed there.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from relscale.laws.cells import SuiteRuns
from relscale.laws.estimate import estimate
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.isoflop import IsoflopFits
from relscale.laws.power import fit_power_law
from relscale.laws.settings import LawSettings
from relscale.laws.surface_gap import SurfaceReader, Term

MIN_TRAINING_BUDGETS = 2
POOLED = frozenset({"joint", "surface"})


def backtest_gap(
    runs: SuiteRuns,
    fits: IsoflopFits,
    terms: Sequence[Term],
    full: GapFit,
    settings: LawSettings,
    reader: SurfaceReader | None = None,
) -> list[dict[str, object]]:
    """Predict G at every budget from the third on, from the budgets below it.

    The interval is for the observed point: the law's uncertainty and the point's own, with the
    law's degrees of freedom. Item noise moves the law and the observed point together (the same
    items score all runs), so both are taken without it.

    Args:
        runs: the suite.
        fits: its optima.
        terms: treatment and baseline, without item noise.
        full: the law through all budgets, without item noise; its points are the observed values.
        settings: the family's settings.
        reader: surfaces of the suite that are kept between calls.

    Returns:
        Rows with quantity, held_out_budget, predicted, observed, ci_low, ci_high, error_percent; a
        budget not predicted has none.
    """
    rows = []
    for place in range(MIN_TRAINING_BUDGETS, len(full.budgets)):
        try:
            lower = estimate(
                runs, fits, terms, full.estimator, settings, reader, below=int(full.budgets[place])
            )
        except FitError:
            continue
        mean, variance = lower.predict(float(full.log_compute[place]))
        error = float(np.sqrt(variance + full.point_variance[place]))
        rows.append(
            _row(
                "gap",
                runs.budgets[full.budgets[place]],
                mean,
                float(full.points[place]),
                error,
                lower.dof,
                settings.level,
            )
        )
    return rows


def backtest_error(
    runs: SuiteRuns,
    fits: IsoflopFits,
    terms: Sequence[Term],
    points: GapFit,
    settings: LawSettings,
    reader: SurfaceReader | None = None,
) -> list[dict[str, object]]:
    """Predict E at every budget from the third on by the power law through the points below it.

    Estimators that read a budget with the help of the others (`POOLED`) read the lower budgets
    anew, without those that are held out.

    Args:
        runs: the suite.
        fits: its optima.
        terms: the domain, without item noise.
        points: its points (log E) and their compute.
        settings: the family's settings.
        reader: surfaces of the suite that are kept between calls.
    """
    rows = []
    for place in range(MIN_TRAINING_BUDGETS, len(points.budgets)):
        x, y = points.log_compute[:place], points.points[:place]
        if points.estimator in POOLED:
            try:
                lower = estimate(
                    runs,
                    fits,
                    terms,
                    points.estimator,
                    settings,
                    reader,
                    below=int(points.budgets[place]),
                )
            except FitError:
                continue
            x, y = lower.log_compute, lower.points
        law = fit_power_law(x, y, settings.level)
        at = float(points.log_compute[place])
        error = float(law.prediction_error(at, new_point=True))
        observed = float(points.points[place])
        rows.append(
            _row(
                "value",
                runs.budgets[points.budgets[place]],
                float(law.predict(at)),
                observed,
                error,
                law.dof,
                settings.level,
            )
        )
    return rows


def _row(
    quantity: str,
    budget: str,
    predicted: float,
    observed: float,
    error: float,
    dof: float,
    level: float,
) -> dict[str, object]:
    """One row from logs."""
    half = float(stats.t.ppf(0.5 + level / 2, dof)) * error if dof > 0 else float("nan")
    return {
        "quantity": quantity,
        "held_out_budget": budget,
        "predicted": float(np.exp(predicted)),
        "observed": float(np.exp(observed)),
        "ci_low": float(np.exp(predicted - half)),
        "ci_high": float(np.exp(predicted + half)),
        "error_percent": 100 * float(np.expm1(predicted - observed)),
    }


def coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise a back-test by quantity and estimator: predictions, share inside their intervals,
    mean absolute error in percent.

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
