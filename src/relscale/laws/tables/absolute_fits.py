"""Absolute laws fitted in four ways, compared by leaving budgets out: table `absolute_fits`.

E(F) = coefficient x F^-exponent by least squares, Huber's loss and least absolute deviations of log
E on log F, and E(F) = offset + coefficient x F^-exponent by least squares of E / observed - 1. The
offset is fitted from nine budgets on, and counts as identified where it is above 0 and predicts
budgets that are left out better than the plain power law does.
"""

from collections.abc import Iterator

import numpy as np
from scipy import optimize

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.absolute_fits import ABSOLUTE_FITS
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.surface_fit.huber import DELTA

TABLE = ABSOLUTE_FITS

MIN_BUDGETS_FOR_OFFSET = 9
"""Three parameters and the scatter about them; simulated curves with fewer points do not tell an
offset from a smaller exponent."""
REWEIGHTINGS = 500
TIE = 1e-9
"""Share by which sums of absolute deviations may differ and be equal."""
EXPONENTS = (0.005, 2.0)
"""Range of exponents that is searched together with an offset."""
FITS = ("least_squares", "huber", "absolute_deviations", "offset")

Line = tuple[Array, Array]
"""Level at the mean log compute and slope, (subset,) each."""


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return one row per domain, estimator and way to fit; no rows without points."""
    for domain in fits.readings.domains:
        for estimator in fits.spec.estimators:
            points = fits.fit(estimator, domain)
            if isinstance(points, GapFit):
                label = {**fits.label, "domain": domain, "estimator": estimator}
                for row in absolute_fits(points):
                    yield {**label, "compute": fits.spec.compute, **row}


def absolute_fits(points: GapFit) -> Iterator[dict[str, object]]:
    """Fit the points of one domain in all ways.

    Args:
        points: log E at the budgets' optima.

    Yields:
        The columns of absolute_fits.csv from `fit` on, a row a way.
    """
    x, y = points.log_compute - np.mean(points.log_compute), points.points
    number = len(x)
    nan = float("nan")
    # The first subset has all points, each other leaves one out.
    subsets = (
        np.concatenate([np.ones((1, number)), 1 - np.eye(number)])
        if number > 2
        else np.ones((1, number))
    )
    lines = {
        "least_squares": least_squares_lines,
        "huber": huber_lines,
        "absolute_deviations": absolute_deviation_lines,
    }
    errors: dict[str, float] = {}
    rows: list[dict[str, object]] = []
    for name, fit in lines.items():
        level, slope = fit(x, y, subsets)
        left_out = level[1:] + slope[1:] * x - y if number > 2 else np.array([])
        errors[name] = _percent(left_out)
        rows.append(
            {
                "fit": name,
                "coefficient": float(np.exp(level[0] - slope[0] * np.mean(points.log_compute))),
                "exponent": -float(slope[0]),
                "exponent_left_out_low": float(-slope[1:].max()) if number > 2 else nan,
                "exponent_left_out_high": float(-slope[1:].min()) if number > 2 else nan,
                "offset": nan,
                "delta": DELTA if name == "huber" else nan,
                "left_out_error_percent": errors[name],
                **status_columns(
                    Status.OK, [] if number > 2 else ["two points: no scatter to compare by"]
                ),
            }
        )
    row, error = _offset_row(x, y, float(np.mean(points.log_compute)), errors["least_squares"])
    if row["status"] == Status.OK:
        errors["offset"] = error
    rows.append(row)
    best = min(errors, key=lambda name: errors[name]) if number > 2 else ""
    yield from ({**row, "num_points": number, "best": row["fit"] == best} for row in rows)


def _percent(residual: Array) -> float:
    return 100 * float(np.sqrt(np.mean(residual**2))) if len(residual) else float("nan")


def _offset_row(
    x: Array, y: Array, mean_log_compute: float, plain_error: float
) -> tuple[dict[str, object], float]:
    """Return the row of the law with an offset, and its error at budgets left out."""
    nan = float("nan")
    row: dict[str, object] = dict.fromkeys(
        (
            "coefficient",
            "exponent",
            "exponent_left_out_low",
            "exponent_left_out_high",
            "offset",
            "delta",
            "left_out_error_percent",
        ),
        nan,
    )
    row["fit"] = "offset"
    if len(x) < MIN_BUDGETS_FOR_OFFSET:
        few = status_columns(Status.OFFSET_NOT_IDENTIFIABLE, ["fewer than nine budgets"])
        return row | few, nan
    offset, coefficient, exponent = fit_offset(x, y)
    without = [fit_offset(np.delete(x, k), np.delete(y, k)) for k in range(len(x))]
    predicted = np.array([o + c * np.exp(-b * x[k]) for k, (o, c, b) in enumerate(without)])
    error = _percent(np.log(predicted) - y)
    identified = offset > 0 and all(o > 0 for o, _, _ in without) and error < plain_error
    row |= {
        "coefficient": coefficient * float(np.exp(exponent * mean_log_compute)),
        "exponent": exponent,
        "exponent_left_out_low": min(b for _, _, b in without),
        "exponent_left_out_high": max(b for _, _, b in without),
        "offset": offset,
        "left_out_error_percent": error,
        **(
            status_columns(Status.OK)
            if identified
            else status_columns(
                Status.OFFSET_NOT_IDENTIFIABLE, ["it does not predict left-out budgets better"]
            )
        ),
    }
    return row, error


def fit_offset(x: Array, y: Array) -> tuple[float, float, float]:
    """Fit E = offset + coefficient exp(-exponent x) with offset and coefficient at least 0.

    Args:
        x: (point,) log compute.
        y: (point,) log E.

    Returns:
        offset, coefficient at x = 0, exponent. The first two are solved for each exponent, so that
        the search has one dimension.

    Raises:
        FitError: `too_few_budgets` with fewer than three points.
    """
    if len(x) < 3:
        raise FitError(Status.TOO_FEW_BUDGETS, f"{len(x)} points, a law with an offset needs 3")

    def solve(log_exponent: float) -> tuple[Array, float]:
        design = (
            np.stack([np.ones_like(x), np.exp(-np.exp(log_exponent) * x)], axis=1)
            / np.exp(y)[:, None]
        )
        found, norm = optimize.nnls(design, np.ones_like(y))
        return found, float(norm)

    grid = np.linspace(np.log(EXPONENTS[0]), np.log(EXPONENTS[1]), 40)
    values = [solve(place)[1] for place in grid]
    at = int(np.argmin(values))
    bounds = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    best = optimize.minimize_scalar(
        lambda place: solve(place)[1], bounds=bounds, method="bounded", options={"xatol": 1e-9}
    )
    place = float(best.x) if best.fun <= values[at] else float(grid[at])
    (offset, coefficient), _ = solve(place)
    return float(offset), float(coefficient), float(np.exp(place))


def least_squares_lines(x: Array, y: Array, weights: Array) -> Line:
    """Fit weighted lines: x and y (point,), weights (subset, point)."""
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    away = x - mean_x[:, None]
    slope = np.sum(weights * away * (y - mean_y[:, None]), axis=1) / np.sum(
        weights * away**2, axis=1
    )
    return mean_y - slope * mean_x, slope


def absolute_deviation_lines(x: Array, y: Array, subsets: Array) -> Line:
    """Fit lines of least absolute deviations exactly.

    One such line passes through two of the points. Where several are as good, all lines between
    them are, and their mean is returned: which of them wins would depend on rounding.

    Args:
        x: (point,).
        y: (point,).
        subsets: (subset, point), of 0 and 1.
    """
    first, second = np.triu_indices(len(x), 1)
    apart = x[first] != x[second]
    first, second = first[apart], second[apart]
    slope = (y[second] - y[first]) / (x[second] - x[first])
    level = y[first] - slope * x[first]
    sums = subsets @ np.abs(level[:, None] + slope[:, None] * x - y).T  # (subset, pair)
    sums[(subsets[:, first] == 0) | (subsets[:, second] == 0)] = np.inf
    lowest = sums.min(axis=1, keepdims=True)
    best = sums <= lowest * (1 + TIE) + TIE * np.ptp(y)
    return best @ level / best.sum(axis=1), best @ slope / best.sum(axis=1)


def huber_lines(x: Array, y: Array, subsets: Array) -> Line:
    """Fit lines by the Huber loss with `DELTA`.

    The lines of least absolute deviations are reweighted until they converge.
    """
    level, slope = absolute_deviation_lines(x, y, subsets)
    for _ in range(REWEIGHTINGS):
        residual = np.abs(y - level[:, None] - slope[:, None] * x)
        before = level, slope
        level, slope = least_squares_lines(x, y, subsets / np.maximum(residual / DELTA, 1.0))
        if max(np.max(np.abs(level - before[0])), np.max(np.abs(slope - before[1]))) < 1e-12:
            break
    return level, slope


LAW = Law(table=TABLE, fit=per_metric(fit))
