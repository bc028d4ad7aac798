"""Names of the statistics, which are columns of tables and names in figures. Light imports."""

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


def ends_of(statistic: str) -> tuple[str, str]:
    """Return the columns of the interval of a statistic."""
    return f"{statistic}_ci_low", f"{statistic}_ci_high"
