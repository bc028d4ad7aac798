"""Checks of families: their own, and that evaluated families exist."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in
from relscale.config.families.base import Surroundings


def check_families(sections: Sections) -> list[Problem]:
    """Check every family by the rules of its kind."""
    if sections.families is None:
        return []
    window = sections.suite.recipe.context_length if sections.suite is not None else None
    rest = Surroundings(families=sections.families, sources=sections.sources, window=window)
    return [
        (("families", name, *key), message)
        for name, family in sections.families.items()
        for key, message in family.problems(rest)
    ]


def check_evaluated(sections: Sections) -> list[Problem]:
    """Check that evaluated families exist."""
    if sections.families is None:
        return []
    return [
        problem
        for index, name in enumerate(sections.evaluate or ())
        for problem in unless_in(("evaluate", index), name, "families", sections.families)
    ]
