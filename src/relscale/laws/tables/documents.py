"""Documents whose gap moves most: table `documents`.

A document's deviation is the log of its loss over the loss of its domain in the same run. Its
change is the mean over the runs of the highest budget less that of the lowest. The documents with
the largest change are selected after the fact, so that part of their change is noise of the runs
and would not come back (regression to the mean). Therefore the changes are shrunk towards the mean
of the domain by the share of their variance over documents that is noise of runs, an empirical
Bayes estimate with Morris's interval (1983, JASA 78:47-55, section 1), which allows for the
uncertainty of that share. Documents are ranked by, and intervals are about, the shrunken change. A
split by seeds would need two seeds at every budget, which the largest ones usually lack.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.documents import DOCUMENTS
from relscale.contract.typed import flags
from relscale.laws.cells import Array, Index, SuiteRuns
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row
from relscale.laws.parts import METRIC

TABLE = DOCUMENTS

SHOWN = 5
"""Documents per domain whose gap rises most, and as many whose gap falls most."""
MIN_ITEMS = 10
"""Documents of a domain, whose spread the shrinkage is estimated from."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Changes of the deviations of a domain's documents."""

    change: Array
    """(document) change of the log deviation from the lowest to the highest budget."""
    noise: float
    """Variance of a change from run to run, pooled over documents."""

    @property
    def reliability(self) -> float:
        """Share of the variance over documents that is not noise of the runs.

        The share of noise is (k - 3) / (k - 1) times the ratio of the variances, k documents.
        """
        total, count = float(np.var(self.change, ddof=1)), len(self.change)
        noise = (count - 3) / (count - 1) * self.noise
        return max(0.0, 1 - noise / total) if total > 0 else 0.0

    @property
    def shrunk(self) -> Array:
        """The changes shrunk towards their mean, (document)."""
        mean = float(self.change.mean())
        return np.asarray(mean + self.reliability * (self.change - mean))

    @property
    def standard_error(self) -> Array:
        """Standard deviation of the changes given their estimates, (document)."""
        count, lost = len(self.change), 1 - self.reliability
        away = self.change - self.change.mean()
        own = self.noise * (1 - (count - 1) / count * lost)
        return np.asarray(np.sqrt(own + 2 / (count - 3) * (lost * away) ** 2))


def changes_of(deviation: Array, first: Index, last: Index) -> Changes:
    """Return the changes of documents between two groups of runs.

    Args:
        deviation: (run, document) log of the document's loss over its domain's.
        first: runs of the lowest budget, at least two.
        last: runs of the highest budget, at least two.
    """
    noise = sum(
        float(np.mean(np.var(deviation[group], axis=0, ddof=1))) / len(group)
        for group in (first, last)
    )
    change = deviation[last].mean(axis=0) - deviation[first].mean(axis=0)
    return Changes(change=change, noise=noise)


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return the documents of each treatment whose gap rises or falls most."""
    if corpus.parts is None or corpus.spec.baseline is None:
        return
    for fits in corpus.metrics:
        if fits.metric == METRIC:
            for treatment in fits.treatments:
                yield from _rows(corpus, fits, treatment)


def _rows(corpus: CorpusFits, fits: MetricFits, treatment: str) -> Iterator[Row]:
    """Return the rows of one domain."""
    runs, baseline = corpus.runs, str(fits.spec.baseline)
    piece = corpus.items.get((runs.corpus, treatment, fits.metric))
    if piece is None or fits.readings.missing(treatment, baseline):
        return
    losses = _losses(piece, runs)
    log_gap = fits.log_gap(treatment)
    first, last = _ends(runs, np.isfinite(log_gap) & losses.notna().any(axis=1).to_numpy())
    kept = losses.iloc[np.concatenate([first, last])].notna().all(axis=0)
    losses = losses.loc[:, kept]
    if min(len(first), len(last)) < 2 or losses.shape[1] < MIN_ITEMS:
        return
    deviation = losses.to_numpy() - fits.values(treatment)[:, None]
    changes = changes_of(deviation, first, last)
    domain_change = float(log_gap[last].mean() - log_gap[first].mean())
    half = float(stats.norm.ppf(0.5 + fits.spec.level / 2)) * changes.standard_error
    gap = deviation + log_gap[:, None]
    order = np.argsort(changes.shrunk, kind="stable")
    for direction, chosen in (("up", order[::-1][:SHOWN]), ("down", order[:SHOWN])):
        for rank, index in enumerate(chosen, start=1):
            shrunk = domain_change + float(changes.shrunk[index])
            yield {
                **fits.label,
                "treatment": treatment,
                "item": str(losses.columns[index]),
                "direction": direction,
                "baseline": baseline,
                "rank": rank,
                "gap_first": float(np.exp(gap[first, index].mean())),
                "gap_last": float(np.exp(gap[last, index].mean())),
                "change": domain_change + float(changes.change[index]),
                "domain_change": domain_change,
                "change_shrunk": shrunk,
                "ci_low": shrunk - float(half[index]),
                "ci_high": shrunk + float(half[index]),
                "ci_level": fits.spec.level,
                "reliability": changes.reliability,
                "num_items": losses.shape[1],
                "num_runs_first": len(first),
                "num_runs_last": len(last),
                **status_columns(Status.OK),
            }


def _losses(piece: pd.DataFrame, runs: SuiteRuns) -> pd.DataFrame:
    """Return the log loss of each document that does not overlap, (run, document).

    Documents are sorted by name; a loss that is not positive is NaN.
    """
    rows = piece
    if "overlaps" in piece.columns:
        rows = piece[~flags(piece["overlaps"])]
    named = rows.assign(run=rows["run"].astype(str), item=rows["item"].astype(str))
    values = named["numerator"] / named["denominator"]
    named["value"] = np.log(values.where(values > 0))
    table = named.pivot(index="run", columns="item", values="value")
    return table.reindex(list(runs.runs)).sort_index(axis=1)


def _ends(runs: SuiteRuns, known: npt.NDArray[np.bool_]) -> tuple[Index, Index]:
    """Return the runs with values of the lowest and of the highest budget that has some."""
    budget = runs.cell_budget[runs.run_cell]
    present = np.unique(budget[known])
    if len(present) < 2:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty
    first, last = (np.flatnonzero(known & (budget == end)) for end in (present[0], present[-1]))
    return first, last


LAW = Law(table=TABLE, fit=fit)
