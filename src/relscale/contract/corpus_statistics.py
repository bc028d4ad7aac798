"""Names of the statistics, which are columns of tables and names in figures, and their table."""

from relscale.contract.table import STATUS, Table, floats, integers, text

STATISTICS = (
    "zipf_exponent",
    "heaps_exponent",
    "entropy_1",
    "entropy_2",
    "entropy_3",
    "entropy_4",
    "entropy_5",
    "lzma_bits_per_byte",
    "zlib_bits_per_byte",
)
"""Statistics of a text, each with an interval."""
SAME_SIZE = 0.99
"""Samples are of equal size if one has at least this share of the bytes of the other."""


def ends_of(statistic: str) -> tuple[str, str]:
    """Return the columns of the interval of a statistic."""
    return f"{statistic}_ci_low", f"{statistic}_ci_high"


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
