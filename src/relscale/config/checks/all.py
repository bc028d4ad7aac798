"""All checks between sections."""

from relscale.config.checks import (
    controls,
    corpora,
    corpus_statistics,
    families,
    figures,
    laws,
    losses,
    released,
    representation,
    suite,
    tuning,
)
from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem

CHECKS = (
    corpora.check_sources,
    corpora.check_sharded,
    corpora.check_decontamination,
    corpora.check_tokenizer,
    suite.check_corpora,
    released.check_released,
    losses.check_losses,
    losses.check_families,
    losses.check_metrics,
    losses.check_figures,
    suite.check_budgets,
    suite.check_recipe,
    suite.check_replicates,
    suite.check_arms,
    suite.check_plan,
    figures.check_corpus,
    figures.check_families,
    families.check_families,
    families.check_evaluated,
    controls.check_order,
    controls.check_figure,
    corpus_statistics.check_figure,
    corpus_statistics.check_passages,
    tuning.check_frontiers,
    tuning.check_figure,
    laws.check_two_stage,
    laws.check_optimum,
    representation.check_strata,
    representation.check_representation,
    laws.check_suite_contrasts,
)


def cross_checks(sections: Sections) -> list[Problem]:
    """Run every check between sections, as far as the sections could be read."""
    problems: list[Problem] = []
    for check in CHECKS:
        try:
            problems += check(sections)
        except AttributeError:
            if not sections.wrong:
                raise
            # The check needs a key that has a mistake of its own.
    return problems
