"""Checks of tuned frontiers: members that are trained, on one corpus."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in


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
