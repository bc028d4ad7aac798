"""Surfaces L(N, D) of every domain: table `surface`.

Each is fitted by variable projection and by the Huber loss, with bootstrap errors.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.surface import SURFACE
from relscale.laws.cells import Array, Index, average_seeds
from relscale.laws.estimators import registry
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.surface_fit.huber import DELTA, HuberFit, fit_huber, refit_huber
from relscale.laws.surface_fit.projection import BOUNDS, STARTS, SurfaceBatch
from relscale.laws.surface_fit.reader import DrawnSurface, SurfaceReader

TABLE = SURFACE

HUBER_DRAWS = 200
"""At most: a standard error from 200 draws is good to 5 %."""


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return two rows per domain; none unless `surface` is among the estimators."""
    if registry.SURFACE.name not in fits.spec.estimators:
        return
    rising = fits.spec.rises(fits.metric)
    for domain in fits.readings.domains:
        values = fits.values(domain)
        for row in surface_rows(fits.reader, values, rising, fits.remarks(values, domain)):
            yield {**fits.label, "domain": domain, **row}


def surface_rows(
    reader: SurfaceReader, log_error: Array, rising: bool, notes: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Fit one domain's surface both ways.

    Args:
        reader: of the suite.
        log_error: (run,) log error, NaN where missing.
        rising: whether its metric rises with compute; then it has no surface.
        notes: more words for the status.

    Yields:
        The columns of surface.csv from `method` on, a row a method.
    """
    mean, count = average_seeds(log_error, reader.runs.run_cell, reader.runs.num_cells)
    cells = np.flatnonzero((reader.fits.weights > 0) & (count > 0))
    num_runs = int(np.isfinite(log_error).sum())
    try:
        if rising:
            raise FitError(Status.RISING_METRIC, "a surface is of an error")
        fitted = reader.surface(mean[cells], cells)
    except FitError as error:
        nothing = dict.fromkeys(TABLE.between("delta", "num_runs"), float("nan"))
        for method in ("projection", "huber"):
            yield {
                **nothing,
                "method": method,
                "num_runs": num_runs,
                **status_columns(error.status, [*error.remarks, *notes]),
            }
        return
    level = reader.spec.level
    yield {
        "method": "projection",
        "delta": float("nan"),
        **_columns(fitted.fit, fitted.drawn, level),
        "num_starts": len(STARTS) ** 2,
        "starts_at_optimum": fitted.starts_at_optimum,
        "num_runs": num_runs,
        **_status(fitted.fit, fitted.drawn, notes),
    }
    huber, drawn = _huber(reader, fitted, mean[cells], cells)
    yield {
        "method": "huber",
        "delta": DELTA,
        **_columns(huber.surface, drawn, level),
        "num_starts": huber.num_starts,
        "starts_at_optimum": huber.starts_at_optimum,
        "num_runs": num_runs,
        **_status(huber.surface, drawn, notes),
    }


def _huber(
    reader: SurfaceReader, fitted: DrawnSurface, values: Array, cells: Index
) -> tuple[HuberFit, SurfaceBatch]:
    """Fit by the Huber loss and refit to drawn residuals about that fit.

    The residuals are drawn as those of the least-squares surface are.
    """
    plane, weights = fitted.fit.plane, reader.fits.weights[cells]
    huber = fit_huber(plane, values, fitted.fit, weights)
    centre = np.log(huber.surface.fitted()[0])
    residual = (values - centre) * np.sqrt(weights / fitted.room)
    chosen = reader.chosen(len(cells))[:HUBER_DRAWS]
    drawn = centre + (residual - np.median(residual))[chosen] / np.sqrt(weights)
    return huber, refit_huber(plane, drawn, huber.surface, weights)


def _columns(fit: SurfaceBatch, drawn: SurfaceBatch, level: float) -> dict[str, object]:
    """Estimates, standard errors and percentile intervals."""
    row: dict[str, object] = {}
    for name, value, draws in zip(
        ("irreducible", "alpha", "beta", "optimal_params_exponent"),
        _quantities(fit),
        _quantities(drawn),
        strict=True,
    ):
        low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
        row |= {name: float(value[0]), f"{name}_standard_error": float(np.std(draws, ddof=1))}
        row |= {f"{name}_ci_low": float(low), f"{name}_ci_high": float(high)}
    plane = fit.plane
    scales = (
        (fit.from_params, fit.alpha, plane.mean_log_params),
        (fit.from_tokens, fit.beta, plane.mean_log_tokens),
    )
    for name, (part, exponent, mean) in zip(
        ("coefficient_params", "coefficient_tokens"), scales, strict=True
    ):
        row[name] = float(part[0] * np.exp(exponent[0] * mean))
    return row | {"objective": float(fit.objective[0]), "draws": len(drawn.alpha)}


def _quantities(batch: SurfaceBatch) -> tuple[Array, Array, Array, Array]:
    """Return E, alpha, beta and the exponent of the optimal N on compute.

    That exponent is beta / (alpha + beta), where F = 6 N D.
    """
    return batch.irreducible, batch.alpha, batch.beta, batch.beta / (batch.alpha + batch.beta)


def _status(fit: SurfaceBatch, drawn: SurfaceBatch, notes: Sequence[str]) -> dict[str, object]:
    """Return status and remarks: whether the search converged, and what is at a bound."""
    exponents = np.array([fit.alpha[0], fit.beta[0]])
    bounds = []
    if fit.irreducible[0] == 0:
        bounds.append("no irreducible term")
    if min(fit.from_params[0], fit.from_tokens[0]) == 0:
        bounds.append("no fall with size" if fit.from_params[0] == 0 else "no fall with tokens")
    if np.any(
        np.isclose(exponents, BOUNDS[0], rtol=1e-3) | np.isclose(exponents, BOUNDS[1], rtol=1e-3)
    ):
        bounds.append("exponent on its bound")
    lost = float(np.mean(~drawn.converged))
    status = Status.ON_BOUND if bounds else Status.OK
    if not fit.converged[0]:
        status = Status.NOT_CONVERGED
    refits = f"{100 * lost:.1f} % of the refits did not converge" if lost else ""
    return status_columns(status, [*bounds, refits, *notes])


LAW = Law(table=TABLE, fit=per_metric(fit))
