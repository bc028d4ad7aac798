"""Checks of corpus statistics: their figure needs them, and a passage fits into a sample."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem

FIGURE = "corpus_statistics"
LEAST_PASSAGES = 16
"""Passages of a sample, at least."""


def check_figure(sections: Sections) -> list[Problem]:
    """Check that there are statistics where their figure is drawn."""
    figures = sections.figures
    if figures is None or FIGURE not in figures.names or not sections.right("corpus_statistics"):
        return []
    key = ("figures", "names", figures.names.index(FIGURE))
    if not sections.trained:
        message = "shows statistics of the texts of trained runs, and nothing is trained"
        return [(key, f"{message}: leave it out")]
    if sections.corpus_statistics is None:
        message = "shows statistics, and there is no section `corpus_statistics`"
        return [(key, f"{message}: add it, or leave the figure out")]
    return []


def check_passages(sections: Sections) -> list[Problem]:
    """Check that a sample has enough passages to be divided into halves."""
    found = sections.corpus_statistics
    if found is None or found.sample_bytes >= LEAST_PASSAGES * found.passage_bytes:
        return []
    message = (
        f"sample_bytes = {found.sample_bytes:,} has fewer than {LEAST_PASSAGES} passages of "
        f"passage_bytes = {found.passage_bytes:,}: make the sample larger or the passages shorter"
    )
    return [(("corpus_statistics", "sample_bytes"), message)]
