"""Noise of the gaps of a family: table `noise`.

The components are those of the gaps to the family's baseline (`relscale.laws.noise_model`). They
are in the interval of every gap.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.noise import NOISE
from relscale.laws.cells import SuiteRuns, seed_variance
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row
from relscale.laws.noise import Moments, family_ratio
from relscale.laws.noise_model import NoiseModel

TABLE = NOISE

POOLED = "pooled"
"""Corpus of the rows over all corpora."""


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return a row per metric of a corpus; the last corpus has those over all corpora, too."""
    model = corpus.noise_model
    if model is None or corpus.spec.baseline is None:
        return
    for fits in corpus.metrics:
        yield _row(fits, model, fits.runs.corpus, [fits.runs])
    if corpus.runs.corpus == model.suites[-1].corpus and len(model.suites) > 1:
        for fits in corpus.metrics:
            yield _row(fits, model, POOLED, model.suites)


def _row(fits: MetricFits, model: NoiseModel, corpus: str, suites: Sequence[SuiteRuns]) -> Row:
    """Return the components over the gaps of one corpus, or of several."""
    baseline, metric, level = str(fits.spec.baseline), fits.metric, fits.spec.level
    groups: list[list[Moments]] = []
    seeds = []
    for runs in suites:
        known = [
            (name, found)
            for name in model.treatments(metric, baseline)
            if (found := model.moments(metric, runs.corpus, name, baseline)) is not None
        ]
        groups.append([found for _, found in known])
        for name, _ in known:
            values = model.log_gap(metric, runs.corpus, name, baseline)
            seeds.append(seed_variance(values, runs.run_cell, runs.num_cells)[0])
    gaps = [each for group in groups for each in group]
    row = {**dict.fromkeys(TABLE.names, float("nan")), **fits.label, "corpus": corpus}
    row |= {"num_gaps": len(gaps), "ci_level": level}
    if not gaps:
        return row | status_columns(Status.TOO_FEW_RUNS)
    run_sd = float(np.sqrt(_median([each.run_variance for each in gaps])))
    row |= {
        "run_sd": run_sd,
        "seed_sd": float(np.sqrt(_median(seeds))),
        "order_share": model.order_share(metric, baseline, {r.corpus: None for r in suites}),
    }
    if corpus != POOLED:
        row["item_sd"] = _item_sd(fits)
    pooled = family_ratio(groups)
    if pooled is None:
        return row | status_columns(Status.TOO_FEW_BUDGETS)
    bounds = stats.chi2.ppf([0.5 + level / 2, 0.5 - level / 2], pooled.dof)
    low, high = ((pooled.inflation * pooled.dof / bounds) - 1) / pooled.mean_trace
    row |= {
        "budget_sd": run_sd * float(np.sqrt(max(pooled.ratio, 0.0))),
        "ratio": pooled.ratio,
        "ratio_ci_low": float(low),
        "ratio_ci_high": float(high),
        "dof": pooled.dof,
        "independent_gaps": pooled.independent_gaps,
    }
    return row | status_columns(Status.OK)


def _median(values: Sequence[float]) -> float:
    """Return the median of the known values; NaN without any."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else float("nan")


def _item_sd(fits: MetricFits) -> float:
    """Return the median over gaps of the item noise of log G of a run."""
    baseline = str(fits.spec.baseline)
    if baseline not in fits.noise:
        return float("nan")
    covariances = [
        fits.quantity_of(name, baseline).item_covariance
        for name in fits.treatments
        if name in fits.noise
    ]
    return _median(
        [float(np.sqrt(np.mean(np.diag(each)))) for each in covariances if each is not None]
    )


LAW = Law(table=TABLE, fit=fit)
