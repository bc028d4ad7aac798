"""Corpus statistics: statistics of the domains' text against the exponents of their laws."""

from relscale.figures.context import (
    compared,
    compared_settings,
    law_tables,
    suite_law,
    suite_table,
)
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

METRIC = "bits_per_byte"
"""The metric whose exponents are shown."""

FIGURE = Figure(
    name="corpus_statistics",
    category=Category.DIAGNOSTICS,
    caption=(
        "Statistics of the domains' text against the exponents of their laws in bits per byte: the "
        "exponent of the absolute law above, the slope dbeta against the baseline below. Both axes "
        "are relative to the mean of the domain's family (and corpus), since families differ in "
        "their kind of item. Statistics are those of samples of equal size, where domains have "
        "enough text. Bars: 95 % intervals, over documents for the statistics. r: Spearman's "
        "correlation of ranks within families, "
        "with its 95 % interval over domains; p: by permutation of domains, adjusted by Holm's "
        "method for all statistics and both exponents. 'Not shown': the interval contains 0 "
        "or p is above 0.05. Any other relation is one of these domains only, and its cause is "
        "open. Source: tables/corpus_statistics.csv, laws/statistics_exponents.csv, and "
        "absolute.csv and relative.csv of each family."
    ),
    tables={
        "corpus_statistics": suite_table("corpus_statistics.csv"),
        "statistics_exponents": suite_law("statistics_exponents"),
        **law_tables(compared, "absolute", "relative"),
    },
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, compared(context), METRIC),
    needs_runs=True,
)
