"""Checks of families of strata, and of corpora that differ in the shares of two domains' text."""

from relscale.config.checks.sections import Sections
from relscale.config.corpora import CorpusComponent
from relscale.config.errors import Problem, unless_in
from relscale.config.families import StrataFamily
from relscale.config.representation import Representation

SHARE_DIGITS = 1e-9
"""Largest difference between two statements of one share."""


def check_strata(sections: Sections) -> list[Problem]:
    """Check that the components of a family of strata exist, and that no corpus trains on them.

    The hash of a cleaned document decides whether it is held out. So a corpus that reads the same
    source must clean it alike, and must not keep copies that the family's corpus removes.
    """
    corpora, families = sections.corpora, sections.families
    if corpora is None or families is None or not sections.trained:
        return []
    problems: list[Problem] = []
    for name in sections.evaluate or ():
        family = families.get(name)
        if not isinstance(family, StrataFamily):
            continue
        key = ("families", name)
        problems += unless_in((*key, "corpus"), family.corpus, "corpora.mixtures", corpora.mixtures)
        if family.corpus not in corpora.mixtures:
            continue
        components = corpora.mixtures[family.corpus].components
        for label, index in family.domains.items():
            if index >= len(components):
                problems.append(
                    (
                        (*key, "domains", label),
                        f"corpora.mixtures.{family.corpus} has components 0 to"
                        f" {len(components) - 1}",
                    )
                )
        problems += _trained_on(sections, components, name)
    return problems


def _trained_on(
    sections: Sections, components: list[CorpusComponent], family: str
) -> list[Problem]:
    """Return the components of trained corpora that could hold the family's documents."""
    corpora, suite = sections.corpora, sections.suite
    if corpora is None or suite is None:
        return []
    problems: list[Problem] = []
    for corpus in suite.corpora:
        if corpus not in corpora.mixtures:
            continue
        for index, component in enumerate(corpora.mixtures[corpus].components):
            same = [one for one in components if one.source == component.source]
            alike = any(
                one.reader == component.reader and one.near_duplicates == component.near_duplicates
                for one in same
            )
            if same and not alike:
                problems.append(
                    (
                        ("corpora", "mixtures", corpus, "components", index),
                        f"source {component.source} is also text of families.{family}: give it the"
                        " same `reader` and `near_duplicates`, so that the same documents are held"
                        " out",
                    )
                )
    return problems


def check_representation(sections: Sections) -> list[Problem]:
    """Check family, domains, corpora and shares of `laws.representation`."""
    laws, families = sections.laws, sections.families
    if laws is None or families is None or laws.representation is None:
        return []
    asked = laws.representation
    key = ("laws", "representation")
    problems = unless_in((*key, "family"), asked.family, "evaluate", sections.evaluate or ())
    if asked.family not in families:
        return problems
    family = families[asked.family]
    if not family.of_table:
        for index, domain in enumerate(asked.treatments):
            path = (*key, "treatments", index)
            names = family.domain_names()
            problems += unless_in(path, domain, f"families.{asked.family}.domains", names)
    if sections.suite is not None and sections.trained:
        for corpus in asked.corpora:
            problems += unless_in(
                (*key, "corpora", corpus), corpus, "suite.corpora", sections.suite.corpora
            )
    if not problems and isinstance(family, StrataFamily):
        problems += _shares(sections, asked, family)
    return problems


def _shares(sections: Sections, asked: Representation, family: StrataFamily) -> list[Problem]:
    """Return the shares that contradict those of the corpora's components."""
    corpora = sections.corpora
    if corpora is None or family.corpus not in corpora.mixtures:
        return []
    parents = corpora.mixtures[family.corpus].components
    problems: list[Problem] = []
    for corpus, shares in asked.corpora.items():
        if corpus not in corpora.mixtures:
            continue
        for domain, share in shares.items():
            source = parents[family.domains[domain]].source
            given = [
                component.share or 0.0
                for component in corpora.mixtures[corpus].components
                if component.source == source
            ]
            if abs(sum(given) - share) > SHARE_DIGITS:
                problems.append(
                    (
                        ("laws", "representation", "corpora", corpus, domain),
                        f"the component {source} of corpora.mixtures.{corpus} has share"
                        f" {sum(given):g}",
                    )
                )
    return problems
