"""Checks of corpora: sources, sharded corpora, decontamination and the tokenizer."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in

MOST_COMPONENTS = 63
"""Largest number of components of a sharded corpus (a limit of `relscale.text.mixture`)."""


def check_sources(sections: Sections) -> list[Problem]:
    """Check that the components of in-memory corpora name sources, with possible shares."""
    if sections.corpora is None or sections.sources is None:
        return []
    problems: list[Problem] = []
    for name, mixture in sections.corpora.mixtures.items():
        for index, component in enumerate(mixture.components):
            key = ("corpora", "mixtures", name, "components", index)
            problems += unless_in((*key, "source"), component.source, "sources", sections.sources)
            if component.max_share and len(mixture.components) == 1:
                problems.append(
                    ((*key, "max_share"), "the corpus has one component: leave the key out")
                )
            if component.part and component.part.index >= component.part.of:
                problems.append(((*key, "part", "index"), f"must be below {component.part.of}"))
    return problems


def check_sharded(sections: Sections) -> list[Problem]:
    """Check the names, components and sources of sharded corpora."""
    if sections.corpora is None or sections.sources is None:
        return []
    problems: list[Problem] = []
    usable = [name for name, source in sections.sources.items() if source.kind in {"local", "hub"}]
    for name, corpus in sections.corpora.sharded.items():
        key = ("corpora", "sharded", name)
        if name in sections.corpora.mixtures:
            problems.append((key, "a corpus in corpora.mixtures has the same name"))
        if len(corpus.components) > MOST_COMPONENTS:
            count = len(corpus.components)
            problems.append(
                ((*key, "components"), f"{count} components; the limit is {MOST_COMPONENTS}")
            )
        for part, component in corpus.components.items():
            problems += unless_in(
                (*key, "components", part, "source"),
                component.source,
                "the sources of kind local or hub",
                usable,
            )
    return problems


def check_decontamination(sections: Sections) -> list[Problem]:
    """Check that corpora are decontaminated against families that have texts."""
    if sections.corpora is None or sections.families is None:
        return []
    texts = [name for name, family in sections.families.items() if not family.needs_suite]
    return [
        problem
        for index, name in enumerate(sections.corpora.decontaminate_against)
        for problem in unless_in(
            ("corpora", "decontaminate_against", index),
            name,
            "the families that have texts",
            texts,
        )
    ]


def check_tokenizer(sections: Sections) -> list[Problem]:
    """Check that the tokenizer is either trained on known corpora or given."""
    corpora, tokenizer = sections.corpora, sections.tokenizer
    if corpora is None or tokenizer is None:
        return []
    problems: list[Problem] = []
    for index, name in enumerate(tokenizer.trained_on):
        key = ("tokenizer", "trained_on", index)
        problems += unless_in(key, name, "corpora.mixtures", corpora.mixtures)
    if (tokenizer.given is None) == (not tokenizer.trained_on):
        problems.append(
            (
                ("tokenizer", "trained_on"),
                "list corpora to train a tokenizer on, or set it to [] and name a `given` one",
            )
        )
    return problems
