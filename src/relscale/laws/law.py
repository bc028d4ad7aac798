"""A law: its table, and the function that computes the rows of the table."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from relscale.contract.table import Table
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row
from relscale.laws.spec import LawSpec


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law of a family; each module of `relscale.laws.tables` declares one as `LAW`."""

    table: Table
    """Contract of its table."""
    fit: Callable[[CorpusFits], Iterable[Row]]
    """Compute the table's rows from the runs of one corpus."""
    judge: Callable[[pd.DataFrame, Sequence[Row], LawSpec], pd.DataFrame] | None = None
    """Fill what depends on all corpora, such as tests that are adjusted over them: from the table
    and the rows that it was made of. None where nothing does."""

    def tabulate(self, rows: Sequence[Row], spec: LawSpec) -> pd.DataFrame:
        """Return the table of the rows of all corpora."""
        table = pd.DataFrame(rows, columns=list(self.table.names))
        return table if self.judge is None else self.judge(table, rows, spec)


def per_metric(fit: Callable[[MetricFits], Iterable[Row]]) -> Callable[[CorpusFits], Iterable[Row]]:
    """Return a function that fits a law to every metric of a corpus."""

    def of_corpus(corpus: CorpusFits) -> Iterator[Row]:
        for fits in corpus.metrics:
            yield from fit(fits)

    return of_corpus
