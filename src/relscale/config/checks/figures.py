"""Checks of figures: the corpus and the families that they show."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in
from relscale.config.figures import figure_families


def check_corpus(sections: Sections) -> list[Problem]:
    """Check that figures of one corpus show one that is trained on."""
    figures, suite = sections.figures, sections.suite
    if figures is None or suite is None or not sections.trained or figures.corpus is None:
        return []
    place = "suite.corpora and suite.arms" if suite.arms else "suite.corpora"
    return unless_in(("figures", "corpus"), figures.corpus, place, suite.trained_names)


def check_families(sections: Sections) -> list[Problem]:
    """Check that figures show families that exist and are evaluated."""
    figures = sections.figures
    if figures is None:
        return []
    problems: list[Problem] = []
    if sections.evaluate is not None:
        needed = figure_families(sections.evaluate) | {
            "figure6_size_or_data": figures.size_or_data,
            "family_laws": figures.family_laws,
        }
        for index, figure in enumerate(figures.names):
            family = needed.get(figure)
            if family is not None and family not in sections.evaluate:
                key = ("figures", "names", index)
                problems.append((key, f"shows the family {family}, which is not in evaluate"))
    if sections.families is not None:
        for index, name in enumerate(figures.teaser):
            problems += unless_in(("figures", "teaser", index), name, "families", sections.families)
    return problems
