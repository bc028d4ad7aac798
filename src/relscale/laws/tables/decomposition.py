"""Slopes of a gap in model size and in data: table `decomposition`.

log G = a + slope_params log N + slope_tokens log D over all runs (seeds averaged), N = transformer
and head parameters. Two slices as the paper draws them, in points of 100 (1 - G) per decade: per
budget the run with tokens nearest to a fixed count, against size; and the runs of one size, against
tokens.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.decomposition import DECOMPOSITION
from relscale.laws.cells import Array, Index, SuiteRuns, average_seeds
from relscale.laws.estimators.registry import BEST_RUN
from relscale.laws.fit_error import FitError
from relscale.laws.grid import fit_grid
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.tables.relative import reduction_slope

TABLE = DECOMPOSITION

_NAN = float("nan")


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return one row per treatment; a failure becomes the status."""
    for treatment in fits.treatments:
        baseline = str(fits.spec.baseline)
        if not fits.readings.missing(treatment, baseline):
            values = fits.log_gap(treatment)
            remarks = fits.remarks(values, treatment, baseline)
            label = {**fits.label, "treatment": treatment, "baseline": baseline}
            yield {**label, **decompose(fits, values, remarks)}


def decompose(fits: MetricFits, values: Array, remarks: Sequence[str] = ()) -> Row:
    """Separate size from data for one treatment.

    Args:
        fits: runs, level and the token count of the slice at fixed data.
        values: (run,) log G, NaN where missing.
        remarks: further notes for the reader.

    Returns:
        The columns of the table from `slope_params` on.
    """
    runs, spec = fits.runs, fits.spec
    mean, count = average_seeds(values, runs.run_cell, runs.num_cells)
    cells = np.flatnonzero(count > 0)
    log_params, log_tokens = np.log(runs.params_model[cells]), runs.log10_tokens[cells] * np.log(10)
    notes = [
        *remarks,
        *([] if runs.params_split else ["all parameters used: the table does not split them"]),
    ]
    row: Row = {"num_runs": int(np.isfinite(values).sum())}
    names = ("slope_params", "slope_tokens")
    try:
        law = fit_grid(mean[cells], log_params, log_tokens)
    except FitError as error:
        row |= {
            f"{name}{suffix}": _NAN
            for name in names
            for suffix in ("", "_standard_error", "_ci_low", "_ci_high")
        }
        status = error.status
    else:
        half = stats.t.ppf(0.5 + spec.level / 2, law.dof) * law.standard_errors
        for name, slope, spread, width in zip(
            names, law.slopes, law.standard_errors, half, strict=True
        ):
            row |= {
                name: float(slope),
                f"{name}_standard_error": float(spread),
                f"{name}_ci_low": float(slope - width),
                f"{name}_ci_high": float(slope + width),
            }
        status = Status.OK
    size_slope, size_note = _slice_at_fixed_tokens(
        runs, fits.isoflop, mean, cells, spec.slice_tokens
    )
    token_slope, token_note = _slice_at_fixed_size(runs, mean, cells)
    row |= {
        "slice_params_points_per_decade": size_slope,
        "slice_tokens_points_per_decade": token_slope,
    }
    return row | status_columns(status, [*notes, size_note, token_note])


def _slice_at_fixed_tokens(
    runs: SuiteRuns, fits: IsoflopFits, mean: Array, cells: Index, tokens: float | None
) -> tuple[float, str]:
    """Return the slope against size over each budget's run nearest to a token count."""
    optima = np.array([optimum.log10_tokens for optimum in fits.optima(BEST_RUN)], dtype=np.float64)
    if tokens is None and not np.isfinite(optima).any():
        return _NAN, "no slice at fixed tokens: no optimum"
    target = float(np.log10(tokens)) if tokens is not None else float(np.nanmean(optima))
    chosen = []
    for index in range(len(runs.budgets)):
        here = cells[runs.cell_budget[cells] == index]
        if len(here):
            chosen.append(int(here[np.argmin(np.abs(runs.log10_tokens[here] - target))]))
    sizes = np.log(runs.params_model[np.array(chosen, dtype=np.int64)])
    if len(np.unique(sizes)) < 2:
        return _NAN, "no slice at fixed tokens: fewer than two sizes"
    low, high = 10 ** np.min(runs.log10_tokens[chosen]), 10 ** np.max(runs.log10_tokens[chosen])
    return reduction_slope(sizes, mean[chosen]), f"size slice at {low:.3g} to {high:.3g} tokens"


def _slice_at_fixed_size(runs: SuiteRuns, mean: Array, cells: Index) -> tuple[float, str]:
    """Return the slope against tokens over the runs of the size that most budgets have.

    Ties go to the smallest size, as in the paper.
    """
    sizes, counts = np.unique(runs.params_total[cells], return_counts=True)
    if len(counts) == 0 or counts.max() < 2:
        return _NAN, "no slice at fixed size: no size in two budgets"
    size = float(sizes[np.argmax(counts)])
    chosen = cells[runs.params_total[cells] == size]
    log_tokens = runs.log10_tokens[chosen] * np.log(10)
    if len(np.unique(log_tokens)) < 2:
        return _NAN, "no slice at fixed size: one token count"
    return reduction_slope(
        log_tokens, mean[chosen]
    ), f"token slice at {size:.4g} parameters over {len(chosen)} budgets"


LAW = Law(table=TABLE, fit=per_metric(fit))
