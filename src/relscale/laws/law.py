"""A law: its table, and the function that computes the rows of the table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from relscale.contract.table import Table
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law of a family; each module of `relscale.laws.tables` declares one as `LAW`."""

    table: Table
    """Contract of its table."""
    fit: Callable[[CorpusFits], Iterable[Row]]
    """Compute the table's rows from the runs of one corpus."""


def per_metric(fit: Callable[[MetricFits], Iterable[Row]]) -> Callable[[CorpusFits], Iterable[Row]]:
    """Return a function that fits a law to every metric of a corpus."""

    def of_corpus(corpus: CorpusFits) -> Iterator[Row]:
        for fits in corpus.metrics:
            yield from fit(fits)

    return of_corpus
