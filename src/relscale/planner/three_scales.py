"""Losses of all domains, and gaps on three scales, at one model.

`ratio` is L_t / L_b, `difference` is L_t - L_b, both by the laws that `auto` chooses, with the
calibrated interval of `relscale.laws.calibration`. `reducible` is the ratio of the reducible losses
(L_t - E_t) / (L_b - E_b) by the domains' surfaces, where both floors are identified.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from relscale.contract.scales import DIFFERENCE, REDUCIBLE
from relscale.contract.status import Status, status_columns
from relscale.laws.auto_model import MOST_LOST, AutoModel, auto_model
from relscale.laws.calibration import Calibration, back_tests, predicted_at
from relscale.laws.cells import average_seeds
from relscale.laws.fit_error import FitError
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row
from relscale.laws.paths import Paths
from relscale.laws.predict import Request, predicted_rows
from relscale.laws.run_points import Places

COLUMNS = (
    "metric", "domain", "baseline", "scale", "law", "value", "ci_low", "ci_high", "horizon",
    "factor", "status", "remarks",
)  # fmt: skip
NAN = float("nan")


def predictions(corpus: CorpusFits, params: float, tokens: float) -> pd.DataFrame:
    """Return the losses of all domains and their gaps to the baseline, rows of `COLUMNS`.

    Args:
        corpus: fits of one corpus.
        params: N.
        tokens: D.
    """
    request = Request(params=params, tokens=tokens, beyond=True)
    rows: list[Row] = []
    for fits in corpus.metrics:
        rows += [{**row, "scale": row["scale"] or "value"} for row in predicted_rows(fits, request)]
        if fits.spec.baseline is not None:
            paths = Paths(runs=corpus.runs, fits=corpus.isoflop)
            places = paths.model(float(np.log(params)), float(np.log(tokens)))
            rows += [*_differences(fits, places), *_reducible(fits, places)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _differences(fits: MetricFits, places: Places) -> Iterator[Row]:
    """Return the differences of the losses."""
    models: dict[str, AutoModel] = {}
    units: dict[str, float] = {}
    failures: dict[str, FitError] = {}
    for name in fits.treatments:
        try:
            scaled = fits.difference(name)
            models[name] = auto_model(fits.scaled_quantity(scaled, name))
            units[name] = scaled.unit
        except FitError as error:
            failures[name] = error
    tests = [test for model in models.values() for test in back_tests(model)]
    calibration = Calibration.of(tests)
    for name in fits.treatments:
        label = _label(fits, name, DIFFERENCE)
        if name in failures:
            yield {**label, **_failure(failures[name])}
            continue
        found, model = predicted_at(models[name], places, calibration), models[name]
        value, half = units[name] * found.mean[0], units[name] * found.half_width[0]
        yield {
            **label,
            "law": model.choice.taken.name,
            "value": float(value),
            "ci_low": float(value - half),
            "ci_high": float(value + half),
            "horizon": float(10 ** found.horizon[0]),
            "factor": float(found.factor[0]),
            **status_columns(Status.OK, [model.choice.why]),
        }


def _reducible(fits: MetricFits, places: Places) -> Iterator[Row]:
    """Return the ratios of the reducible losses."""
    for name in fits.treatments:
        label = _label(fits, name, REDUCIBLE)
        floors = None if fits.readings.missing(name, str(fits.spec.baseline)) else fits.floors(name)
        if floors is None:
            error = FitError(Status.NOT_IDENTIFIED, "a floor is not identified")
            yield {**label, **_failure(error)}
            continue
        log_ratio = _log_ratios(fits, name, places)
        known = log_ratio[1:][np.isfinite(log_ratio[1:])]
        if len(known) < (1 - MOST_LOST) * (len(log_ratio) - 1):
            lost = FitError(Status.NOT_IDENTIFIED, "refits without a reducible loss")
            yield {**label, **_failure(lost)}
            continue
        tail = 0.5 - fits.spec.level / 2
        low, high = np.exp(np.quantile(known, [tail, 1 - tail]))
        yield {
            **label,
            "law": "surface",
            "value": float(np.exp(log_ratio[0])),
            "ci_low": float(low),
            "ci_high": float(high),
            "horizon": NAN,
            "factor": 1.0,
            **status_columns(Status.OK, ["interval of the refits of both surfaces"]),
        }


def _log_ratios(fits: MetricFits, treatment: str, places: Places) -> np.ndarray:
    """Return log (L_t - E_t) - log (L_b - E_b) of the fit and of every refit, (1 + draw,)."""
    means = [
        average_seeds(fits.values(name), fits.runs.run_cell, fits.runs.num_cells)[0]
        for name in (treatment, str(fits.spec.baseline))
    ]
    cells = np.flatnonzero((fits.isoflop.weights > 0) & np.isfinite(means).all(axis=0))
    found = fits.reader.surfaces([mean[cells] for mean in means], cells)
    logs = []
    for each in found:
        reducible = [
            batch.predict(places.log_params, places.log_tokens) - batch.irreducible
            for batch in (each.fit, each.drawn)
        ]
        logs.append(np.log(np.concatenate(reducible)))
    return np.asarray(logs[0] - logs[1])


def _label(fits: MetricFits, name: str, scale: str) -> Row:
    """Return the columns that name a gap."""
    return {
        "metric": fits.metric,
        "domain": name,
        "baseline": str(fits.spec.baseline),
        "scale": scale,
    }


def _failure(error: FitError) -> Row:
    """Return the columns of a gap without a law."""
    numbers = dict.fromkeys(("value", "ci_low", "ci_high", "horizon", "factor"), NAN)
    return {"law": "", **numbers, **status_columns(error.status, error.remarks)}
