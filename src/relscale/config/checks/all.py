"""All checks between sections."""

from relscale.config.checks import corpora, families, figures, laws, released, suite
from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem

CHECKS = (
    corpora.check_sources,
    corpora.check_sharded,
    corpora.check_decontamination,
    corpora.check_tokenizer,
    suite.check_corpora,
    released.check_released,
    suite.check_suite,
    figures.check_corpus,
    figures.check_families,
    families.check_families,
    families.check_evaluated,
    laws.check_two_stage,
    laws.check_optimum,
)


def cross_checks(sections: Sections) -> list[Problem]:
    """Run every check between sections, as far as the sections could be read."""
    return [problem for check in CHECKS for problem in check(sections)]
