"""The relative law of each bucket of bytes: table `buckets`.

The gap of a bucket is the ratio of its bits per byte in two domains, so that differences in how
much of a text is digits, say, are not in it. All buckets, and the whole text, are fitted by the
estimator `joint`, a straight line in log F: the same law for each, so that their slopes can be
compared. Each bucket has the noise of its own gaps and of its own items.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.buckets import BUCKETS
from relscale.laws.cells import Readings, SuiteRuns
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row
from relscale.laws.noise_model import JOINT, NoiseModel
from relscale.laws.parts import METRIC, Bucket, PartSums, shares
from relscale.laws.spec import LawSpec
from relscale.laws.verdict import holm, p_difference

TABLE = BUCKETS

WHOLE: Bucket = ("all", "all")
"""Partition and bucket of the rows about whole texts."""
MIN_ITEMS = 10
"""Documents that must have bytes of the bucket, in the treatment and in the baseline."""


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return a row per treatment and bucket, without the adjusted p values."""
    sums, spec = corpus.parts, corpus.spec
    whole = next((fits for fits in corpus.metrics if fits.metric == METRIC), None)
    if sums is None or whole is None or spec.baseline is None:
        return
    items = {name: sums.num_items(corpus.runs.corpus, name) for name in whole.readings.domains}
    for treatment in whole.treatments:
        yield _row(whole, WHOLE, treatment, {name: (1.0, 1.0, n) for name, n in items.items()})
    for bucket in sums.present(corpus.runs.corpus):
        fits = _fits_of(corpus, whole, sums, bucket)
        known = {
            name: shares(sums, corpus.runs.corpus, bucket, name) for name in fits.readings.domains
        }
        for treatment in whole.treatments:
            yield _row(fits, bucket, treatment, known)


def _fits_of(corpus: CorpusFits, whole: MetricFits, sums: PartSums, bucket: Bucket) -> MetricFits:
    """Return the fits of a bucket, which share optima and surfaces with those of the whole."""
    domains = whole.readings.domains
    readings = sums.readings(corpus.runs, bucket, domains)
    model = corpus.noise_model
    if model is not None:

        def read(_: str, runs: SuiteRuns) -> Readings:
            return sums.readings(runs, bucket, domains)

        model = NoiseModel(suites=model.suites, read=read, level=model.level)
    return replace(
        whole,
        readings=readings,
        noise=sums.noise(corpus.runs, bucket, readings, corpus.spec),
        noise_model=model,
        _fits={},
        _quantities={},
    )


def _row(
    fits: MetricFits, bucket: Bucket, treatment: str, known: dict[str, tuple[float, float, int]]
) -> Row:
    """Return the row of one treatment and bucket."""
    spec, baseline = fits.spec, str(fits.spec.baseline)
    ours, theirs = known[treatment], known[baseline]
    row: Row = {
        **dict.fromkeys(TABLE.names, float("nan")),
        **fits.label,
        "treatment": treatment,
        "baseline": baseline,
        "partition": bucket[0],
        "bucket": bucket[1],
        "estimator": JOINT.name,
        "compute": spec.compute,
        "byte_share": ours[0],
        "loss_share": ours[1],
        "baseline_byte_share": theirs[0],
        "baseline_loss_share": theirs[1],
        "num_items": ours[2],
        "baseline_num_items": theirs[2],
        "num_runs": 0,
        "ci_level": spec.level,
        "ci_method": "none",
    }
    if min(ours[2], theirs[2]) < MIN_ITEMS:
        remark = f"fewer than {MIN_ITEMS} documents have bytes of the bucket"
        return row | status_columns(Status.TOO_FEW_ITEMS, [remark])
    found = fits.fit_gap(JOINT.name, treatment)
    if isinstance(found, FitError):
        return row | status_columns(found.status, found.remarks)
    return row | _law(found, spec) | status_columns(Status.OK, found.notes)


def _law(found: GapFit, spec: LawSpec) -> Row:
    """Return the columns of a law."""
    error = found.standard_error
    t = float(stats.t.ppf(0.5 + spec.level / 2, found.dof)) if found.dof > 0 else float("nan")
    return {
        "gamma": float(np.exp(found.log_gamma)),
        "gap_first": float(np.exp(found.levels[0])),
        "gap_last": float(np.exp(found.levels[2])),
        "dbeta": found.slope,
        "standard_error": error,
        "dof": found.dof if np.isfinite(error) else float("nan"),
        "ci_low": found.slope - t * error,
        "ci_high": found.slope + t * error,
        "p_difference": p_difference(found.slope, error, found.dof),
        "ci_method": found.ci_method,
        "num_runs": found.num_runs,
    }


def judge(table: pd.DataFrame, rows: Sequence[Row], spec: LawSpec) -> pd.DataFrame:
    """Return the rows with p values adjusted over treatments, buckets and corpora (Holm)."""
    del rows, spec
    table = table.copy()
    table["p_difference_adjusted"] = table.groupby(["family", "partition"], sort=False)[
        "p_difference"
    ].transform(lambda p: holm(p.to_numpy(dtype=float)))
    return table


LAW = Law(table=TABLE, fit=fit, judge=judge)
