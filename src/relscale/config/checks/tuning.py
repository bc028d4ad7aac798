"""Checks of tuned frontiers: members that are trained on one corpus, and their figure."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in

FIGURE = "tuned_frontier"


def check_figure(sections: Sections) -> list[Problem]:
    """Check that there is a frontier where their figure is drawn."""
    figures = sections.figures
    if figures is None or FIGURE not in figures.names or not sections.trained or sections.tuning:
        return []
    key = ("figures", "names", figures.names.index(FIGURE))
    return [(key, "shows tuned frontiers, and `tuning` names none: add one, or leave it out")]


def check_frontiers(sections: Sections) -> list[Problem]:
    """Check that the members of each frontier are trained, and all on the same corpus."""
    suite = sections.suite
    if not sections.tuning or suite is None or not sections.trained:
        return []
    problems: list[Problem] = []
    for name, members in sections.tuning.items():
        known = suite.trained_names
        for index, member in enumerate(members):
            key = ("tuning", name, index)
            problems += unless_in(key, member, "suite.corpora and suite.arms", known)
            first = members[0]
            if member in known and first in known:
                one, other = suite.corpus_of(first), suite.corpus_of(member)
                if one != other:
                    message = (
                        f"is trained on {other}, and {first} on {one}: settings are chosen by "
                        "losses on the same text"
                    )
                    problems.append((key, message))
    return problems
