"""Surfaces L(N, D) of every domain: table `surface`.

Each is fitted by variable projection and by a robust loss, with bootstrap errors, and is shown
where the data identify it.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.surface import SURFACE
from relscale.laws.cells import Array, Index, average_seeds
from relscale.laws.estimators import registry
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law, per_metric
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.surface_fit.huber import HuberFit, fit_huber, refit_huber, robust_loss
from relscale.laws.surface_fit.projection import BOUNDS, START_PAIRS, SurfaceBatch
from relscale.laws.surface_fit.reader import (
    PARAMETERS,
    Bootstrap,
    DrawnSurface,
    SurfaceReader,
)

TABLE = SURFACE
SAME_EXPONENT = 1e-4
"""Exponents that differ by a smaller share differ by the tolerances of the searches."""
LAST = "num_runs"
"""Columns before it are empty where nothing is fitted."""


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
    methods = ("projection", reader.spec.surface_loss)
    known: dict[str, object] = {
        **dict.fromkeys(TABLE.between("equal_variance_p", LAST), float("nan")),
        "bootstrap": "",
        "tokens_per_param_decades": _ratio_decades(reader, cells),
        "num_runs": int(np.isfinite(log_error).sum()),
    }
    try:
        if rising:
            raise FitError(Status.RISING_METRIC, "a surface is of an error")
        identification = reader.identification(mean[cells], cells)
        known |= {
            "condition": identification.condition,
            "left_out_error_percent": 100 * identification.left_out_error,
            "simpler_left_out_error_percent": 100 * identification.simpler_error,
        }
        identification.require()
    except FitError as error:
        status = status_columns(error.status, [*error.remarks, *notes])
        for method in methods:
            yield {**known, "method": method, **status}
        return
    fitted = reader.surface(mean[cells], cells)
    known |= {"bootstrap": fitted.bootstrap, "equal_variance_p": fitted.equal_variance_p}
    robust, drawn = _robust(reader, fitted, mean[cells], cells)
    stretch = _stretch(fitted.bootstrap, len(cells), reader.spec.level)
    disagree = _disagreement(fitted.drawn, drawn, reader.spec.level)
    yield {
        **known,
        "method": methods[0],
        **_columns(fitted.fit, fitted.drawn, reader.spec.level, stretch),
        "num_starts": len(START_PAIRS),
        "starts_at_optimum": fitted.starts_at_optimum,
        **_status(fitted.fit, fitted.drawn, disagree, notes),
    }
    yield {
        **known,
        "method": methods[1],
        "delta": robust.loss.delta if robust.loss.name == "huber" else float("nan"),
        **_columns(robust.surface, drawn, reader.spec.level, stretch),
        "objective": float(robust.loss.objective(robust.surface.objective)[0]),
        "num_starts": robust.num_starts,
        "starts_at_optimum": robust.starts_at_optimum,
        **_status(robust.surface, drawn, disagree, notes),
    }


def _ratio_decades(reader: SurfaceReader, cells: Index) -> float:
    """Return the range of tokens per parameter in decades; NaN without cells."""
    if not len(cells):
        return float("nan")
    ratio = reader.runs.log10_tokens[cells] - np.log10(reader.runs.params_model[cells])
    return float(np.ptp(ratio))


def _robust(
    reader: SurfaceReader, fitted: DrawnSurface, values: Array, cells: Index
) -> tuple[HuberFit, SurfaceBatch]:
    """Fit by the robust loss of the spec, and refit as the least-squares surface is."""
    plane, weights = fitted.fit.plane, reader.fits.weights[cells]
    about = values - np.log(fitted.fit.fitted()[0])
    loss = robust_loss(reader.spec.surface_loss, reader.spec.huber_delta, about)
    found = fit_huber(plane, values, fitted.fit, weights, loss)
    counts = reader.counts(plane, cells) if fitted.bootstrap == "pairs" else None
    if counts is not None:
        return found, refit_huber(plane, values, found.surface, counts * weights, loss)
    centre = np.log(found.surface.fitted()[0])
    drawn = reader.drawn_values(centre, values - centre, fitted, cells)
    return found, refit_huber(plane, drawn, found.surface, weights, loss)


def _disagreement(first: SurfaceBatch, second: SurfaceBatch, level: float) -> list[str]:
    """Return remarks on exponents whose intervals by the two methods do not overlap."""
    found = []
    for name in ("alpha", "beta"):
        intervals = [_interval(getattr(batch, name), level) for batch in (first, second)]
        highest, lowest = max(low for low, _ in intervals), min(high for _, high in intervals)
        if highest > lowest * (1 + SAME_EXPONENT):
            found.append(f"the intervals of {name} by the two methods do not overlap")
    return found


def _stretch(bootstrap: Bootstrap, number: int, level: float) -> tuple[float, float]:
    """Return factors of a standard error and of a percentile interval in small samples.

    Drawn cells scatter about their fit with number - 5 degrees of freedom but are drawn as if there
    were number; drawn residuals are scaled by their leverage already. Both intervals are as wide as
    Student's t is compared with the normal distribution.
    """
    dof = number - PARAMETERS
    error = float(np.sqrt(number / dof)) if bootstrap == "pairs" else 1.0
    tail = 0.5 + level / 2
    return error, error * float(stats.t.ppf(tail, dof) / stats.norm.ppf(tail))


def _interval(draws: Array, level: float) -> tuple[float, float]:
    """Return the percentile interval of draws."""
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _columns(
    fit: SurfaceBatch, drawn: SurfaceBatch, level: float, stretch: tuple[float, float]
) -> dict[str, object]:
    """Estimates, standard errors and percentile intervals, stretched about the estimates.

    Intervals end at 0, since no parameter is negative.
    """
    row: dict[str, object] = {}
    for name, value, draws in zip(
        ("irreducible", "alpha", "beta", "optimal_params_exponent"),
        _quantities(fit),
        _quantities(drawn),
        strict=True,
    ):
        estimate, (low, high) = float(value[0]), _interval(draws, level)
        error = stretch[0] * float(np.std(draws, ddof=1))
        row |= {name: estimate, f"{name}_standard_error": error}
        row |= {
            f"{name}_ci_low": max(estimate + stretch[1] * (low - estimate), 0.0),
            f"{name}_ci_high": estimate + stretch[1] * (high - estimate),
        }
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


def _status(
    fit: SurfaceBatch, drawn: SurfaceBatch, disagree: Sequence[str], notes: Sequence[str]
) -> dict[str, object]:
    """Return status and remarks: convergence, parameters on a bound, and disagreement."""
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
    if disagree:
        status = Status.METHODS_DISAGREE
    if not fit.converged[0]:
        status = Status.NOT_CONVERGED
    refits = f"{100 * lost:.1f} % of the refits did not converge" if lost else ""
    return status_columns(status, [*bounds, *disagree, refits, *notes])


LAW = Law(table=TABLE, fit=per_metric(fit))
