"""Checks of families: sources, baselines, metrics, and the rules of each kind."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import KeyPath, Problem, unless_in
from relscale.config.families import (
    AnyFamily,
    ContinuationFamily,
    DocumentFamily,
    PairFamily,
    QuestionFamily,
    RiskFamily,
    domains_of,
)
from relscale.config.readers import names_domains


def check_families(sections: Sections) -> list[Problem]:
    """Check every family by the rules of all kinds and of its own kind."""
    if sections.families is None:
        return []
    problems: list[Problem] = []
    for name, family in sections.families.items():
        problems += _any_kind(name, family, sections)
        if isinstance(family, ContinuationFamily):
            problems += _continuation(name, family, sections)
        elif isinstance(family, PairFamily):
            problems += _pairs(name, family)
        elif isinstance(family, DocumentFamily):
            problems += _documents(name, family)
        elif isinstance(family, QuestionFamily):
            problems += _shots(name, family, sections)
        elif isinstance(family, RiskFamily) and "{behaviour}" not in family.file:
            key = ("families", name, "file")
            problems.append((key, 'must contain "{behaviour}", where the behaviour\'s name goes'))
    return problems


def check_evaluated(sections: Sections) -> list[Problem]:
    """Check that evaluated families exist."""
    if sections.families is None:
        return []
    return [
        problem
        for index, name in enumerate(sections.evaluate or ())
        for problem in unless_in(("evaluate", index), name, "families", sections.families)
    ]


def _any_kind(name: str, family: AnyFamily, sections: Sections) -> list[Problem]:
    problems: list[Problem] = []
    source = getattr(family, "source", None)
    if source is not None and sections.sources is not None:
        problems += unless_in(("families", name, "source"), source, "sources", sections.sources)
    if family.baseline is not None:
        key = ("families", name, "baseline")
        domains = domains_of(family)
        problems += unless_in(key, family.baseline, "the domains of this family", domains)
    if family.kind in {"validation", "documents"} and family.metrics != ["bits_per_byte"]:
        key = ("families", name, "metrics")
        problems.append((key, "documents are scored in bits_per_byte only"))
    return problems


def _continuation(name: str, family: ContinuationFamily, sections: Sections) -> list[Problem]:
    families = sections.families or {}
    key: KeyPath = ("families", name)
    topics = families.get(family.documents)
    if not isinstance(topics, DocumentFamily):
        kinds = [other for other, found in families.items() if found.kind == "documents"]
        place = "the families of kind documents"
        return unless_in((*key, "documents"), family.documents, place, kinds)
    problems: list[Problem] = []
    values = [value for domain in topics.domains.values() for value in domain]
    if len(set(values)) < len(values):
        problems.append(
            (
                (*key, "documents"),
                "two of its domains share a value, so `other_topics` would not be other topics",
            )
        )
    if family.num_options > len(topics.domains):
        count = len(topics.domains)
        problems.append(((*key, "num_options"), f"more than the {count} topics"))
    window = sections.suite.recipe.context_length if sections.suite is not None else None
    if window is not None and family.context_tokens + family.continuation_tokens > window:
        message = f"context_tokens + continuation_tokens exceed the window of {window} tokens"
        problems.append(((*key, "context_tokens"), message))
    return problems


def _pairs(name: str, family: PairFamily) -> list[Problem]:
    return [
        (("families", name, "domains", domain, index), "needs either `negative` or `options`")
        for domain, groups in family.domains.items()
        for index, keys in enumerate(groups)
        if (keys.negative is None) == (keys.options is None)
    ]


def _documents(name: str, family: DocumentFamily) -> list[Problem]:
    if names_domains(family.reader) or len(family.domains) <= 1:
        return []
    key = ("families", name, "reader")
    return [(key, "a family of several domains needs a reader with a `domain` key")]


def _shots(name: str, family: QuestionFamily, sections: Sections) -> list[Problem]:
    problems: list[Problem] = []
    if family.shots_source is not None:
        key = ("families", name, "shots_source")
        if family.shots_file is None:
            problems.append((key, "needs `shots_file` as well"))
        if sections.sources is not None:
            problems += unless_in(key, family.shots_source, "sources", sections.sources)
    if family.shots_file is None and family.shots > family.shots_per_subject:
        message = (
            f"more than shots_per_subject = {family.shots_per_subject}, the questions kept as "
            "shots; lower it, or give `shots_file`"
        )
        problems.append((("families", name, "shots"), message))
    return problems
