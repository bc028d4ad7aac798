"""Contract of the table `corpus_statistics`."""

from relscale.contract.corpus_statistics import STATISTICS, ends_of
from relscale.contract.table import STATUS, Table, floats, integers, text

CORPUS_STATISTICS = Table(
    name="corpus_statistics",
    description="Statistics of the training documents of each corpus and of the text of each "
    "domain, of samples of equal size.",
    key=("kind", "corpus", "family", "domain"),
    columns={
        **text("kind", "corpus", "family", "domain"),
        **integers("documents", "bytes", "tokens", "distinct_words"),
        **integers("sample_bytes", "sample_documents"),
        **floats(*(name for each in STATISTICS for name in (each, *ends_of(each)))),
        **STATUS,
    },
)
